"""Puts a method of ours around one of Rasa's, on the class, of which `PUT /model` makes new agents.

Rasa 3.6.21, and Rasa Pro, which has the same methods.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from typing import Any, Callable, Iterator

from rasa.core.processor import MessageProcessor

_Method = Callable[..., Any]

_OURS_MARK = "_handover_replaces"


def replace_once(owner: Any, name: str, around: Callable[[_Method], _Method]) -> None:
    """Replace the method *name* of the class *owner* by what *around* makes of it. Harmless to repeat."""
    theirs = getattr(owner, name)
    if is_ours(theirs):
        return
    ours = functools.wraps(theirs)(around(theirs))
    setattr(ours, _OURS_MARK, True)
    is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    setattr(owner, name, staticmethod(ours) if is_static else ours)


def is_ours(method: _Method) -> bool:
    """Tell whether *method* is one that `replace_once` has put in place."""
    return hasattr(method, _OURS_MARK)


def replace_in_processors(name: str, around: Callable[[_Method], _Method]) -> None:
    """Do so in every kind of processor that has this method of its own. Harmless to repeat."""
    for each in _processors():
        found = vars(each).get(name)
        if found is not None and not getattr(found, "__isabstractmethod__", False):
            replace_once(each, name, around)


def _processors() -> Iterator[Any]:
    # Rasa Pro has a processor for each engine, and loads Mantle's with the first such model.
    with contextlib.suppress(ImportError):
        importlib.import_module("rasa.mantle.processor")
    return _with_all_below(MessageProcessor)


def _with_all_below(owner: Any) -> Iterator[Any]:
    yield owner
    for each in owner.__subclasses__():
        yield from _with_all_below(each)
