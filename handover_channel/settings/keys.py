"""Declares the keys of a section as fields of a dataclass: reader, default and documentation, once each.

Rule 1: from these fields come the keys that a section may have, what each is read to, its default, and its
        row of the reference in docs/settings.md (reference.py).
Rule 2: a default is written as a user would write it, and read as a value of the file is.
Rule 3: keys are read in the order of their fields, and problems come in that order.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Type, TypeVar, cast

from handover_channel.settings.section import Section
from handover_channel.settings.yaml_file import parse

_T = TypeVar("_T")
_EnumT = TypeVar("_EnumT", bound=Enum)

#: Section, name of the key, default -> value. The default is for a key that is absent or refused.
Reader = Callable[[Section, str, Any], _T]

_KEYS, _READER = "keys", "reader"


@dataclass(frozen=True)
class Key:
    """A key of a section, as the reference shows it."""

    name: str
    meaning: str  #: Markdown; "" where only what is below the key has rows
    default: Optional[str] = None  #: as YAML
    default_in_words: str = ""  #: Markdown, where the default depends on something else
    kinds: Tuple[str, ...] = ()  #: the kinds of target it is for; (): all
    below: Tuple[Key, ...] = ()  #: the keys of its own section


def setting(
    *,
    meaning: str = "",
    read: Optional[Reader[_T]] = None,
    default: Optional[str] = None,
    default_in_words: str = "",
    absent: Any = MISSING,
    name: str = "",
    kinds: Tuple[str, ...] = (),
    below: Tuple[Key, ...] = (),
    beside: Tuple[Key, ...] = (),
    repr: bool = True,  # as `dataclasses.field` calls it
) -> _T:
    """Return a field of a dataclass that a key of the file fills; the key is called like it, or *name*.

    Without *read* the caller of `values` reads it. *absent*: the field's default where no *default* can be
    written in the file. *beside*: keys that fill the field too. Raises ValueError for a *default* that *read*
    refuses.
    """
    made = Key(name, meaning, default, default_in_words, kinds, below)
    metadata = {_KEYS: (*beside, made), _READER: read}
    if default is not None and read is not None:
        absent = _read_default(read, default)
    if isinstance(absent, dict):
        return cast(_T, field(default_factory=absent.copy, metadata=metadata, repr=repr))
    return cast(_T, field(default=absent, metadata=metadata, repr=repr))


def _read_default(read: Reader[_T], text: str) -> _T:
    value, problems = parse(text, {})
    found = read(Section("", {"default": value}, problems), "default", None)
    if problems:
        raise ValueError(f"{text!r} is no default: {', '.join(problems)}")
    return found


def subsection(
    table: Type[Any], read: Callable[[Section], _T], *, absent: Any = MISSING, name: str = ""
) -> _T:
    """Return a field that holds a section of its own, with the keys of *table*."""
    return setting(
        read=lambda section, key, _: read(section.section(key)),
        absent=absent,
        name=name,
        below=keys_of(table),
    )


# Readers of values


def required(remedy: str, *, secret: bool = False) -> Reader[str]:
    """Return the reader of a text that has to be there; *remedy* says what to write."""
    return lambda section, key, _: section.required(key, remedy, secret=secret)


def one_of(kind: Type[_EnumT]) -> Reader[_EnumT]:
    """Return the reader of one of the values of *kind*, the first of which is the default."""
    return lambda section, key, _: kind(section.one_of(key, [each.value for each in kind]))


def word_of(words: Sequence[str]) -> Reader[str]:
    """Return the reader of one of *words*, the first of which is the default."""
    return lambda section, key, _: section.one_of(key, words)


# What a section has, and what it holds


def keys_of(table: Type[Any], under: str = "") -> Tuple[Key, ...]:
    """Return the keys that fill *table*, in the order of its fields; *under* goes before their names."""
    return tuple(replace(key, name=f"{under}{key.name}") for each in _settings(table) for key in _keys(each))


def names_of(keys: Iterable[Key]) -> Tuple[str, ...]:
    """Return the names of *keys*."""
    return tuple(key.name for key in keys)


def read(table: Type[_T], section: Section) -> _T:
    """Return the *table* that *section* holds; the section's list of problems grows by what is wrong."""
    section.expect_only(names_of(keys_of(table)))
    return table(**values(table, section))


def values(
    table: Type[Any],
    section: Section,
    *,
    known: Optional[Mapping[str, Any]] = None,
    readers: Optional[Mapping[str, Reader[Any]]] = None,
    last: Tuple[str, ...] = (),
) -> Dict[str, Any]:
    """Return the values of the fields of *table*: those that are *known*, and those read from *section*.

    *readers* go before those of the table: they know more than the section. The fields called in *last* are
    read after all others, in that order.
    """
    found, special = dict(known or {}), readers or {}
    for each in sorted(_settings(table), key=lambda each: last.index(each.name) if each.name in last else -1):
        reader = special.get(each.name, each.metadata[_READER])
        if each.name not in found and reader:
            found[each.name] = reader(section, _keys(each)[-1].name, _default(each))
    return found


def _settings(table: Type[Any]) -> Tuple[Field[Any], ...]:
    return tuple(each for each in fields(table) if _KEYS in each.metadata)


def _keys(of: Field[Any]) -> Tuple[Key, ...]:
    return tuple(replace(key, name=key.name or of.name) for key in of.metadata[_KEYS])


def _default(of: Field[Any]) -> Any:
    if of.default_factory is not MISSING:
        return of.default_factory()
    return None if of.default is MISSING else of.default
