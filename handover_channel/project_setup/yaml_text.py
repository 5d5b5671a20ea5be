"""Reads YAML as Rasa does, and knows where in the text each value stands. No I/O.

ruamel.yaml's events carry marks; a tree of them is enough to find the places where lines go in. Nothing is
ever written by a library: what is not touched stays as it is, byte by byte.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from handover_channel.errors import HandoverError

#: How YAML 1.2 spells nothing.
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Unreadable(HandoverError):
    """A file of the project that nobody can read, or change safely."""


@dataclass
class Node:
    """A value and where it stands: `text[start:end]`, of collections from the first to the last value."""

    kind: str  #: scalar, sequence, mapping or alias
    start: int
    end: int
    value: str = ""  #: of a scalar
    style: str = ""  #: of a scalar: "", ', ", | or >
    flow: bool = False
    pairs: List[Tuple[Node, Node]] = field(default_factory=list)
    items: List[Node] = field(default_factory=list)
    dashes: List[int] = field(
        default_factory=list
    )  #: of a block sequence: where the dash of each item stands

    @property
    def is_null(self) -> bool:
        """Whether nothing is written, or null."""
        return self.kind == "scalar" and not self.style and self.value in NULLS

    def get(self, name: str) -> Optional[Node]:
        """Return the value of the key *name*, None without it."""
        return next((value for key, value in self.pairs if key.value == name), None)

    def key(self, name: str) -> Optional[Node]:
        """Return the key *name* itself, None without it."""
        return next((key for key, _ in self.pairs if key.value == name), None)

    def names(self) -> List[str]:
        """Return the keys of a mapping; of a sequence its scalars and the keys of its one-key mappings."""
        if self.kind == "mapping":
            return [key.value for key, _ in self.pairs]
        inner = [each.pairs[0][0] if each.kind == "mapping" and each.pairs else each for each in self.items]
        return [each.value for each in inner if each.kind == "scalar"]

    def plain(self) -> Any:
        """Return the value as Python has it; every scalar is a string, or None."""
        if self.kind == "mapping":
            return {key.value: value.plain() for key, value in self.pairs}
        if self.kind == "sequence":
            return [each.plain() for each in self.items]
        return None if self.is_null or self.kind == "alias" else self.value

    def walk(self) -> Iterator[Node]:
        """Yield this and all below."""
        yield self
        for key, value in self.pairs:
            yield from key.walk()
            yield from value.walk()
        for each in self.items:
            yield from each.walk()

    def last_leaf(self) -> Node:
        """Return the value that stands last."""
        if self.flow or self.kind in ("scalar", "alias"):
            return self
        below = self.items[-1] if self.items else self.pairs[-1][1] if self.pairs else None
        return below.last_leaf() if below else self


@dataclass(frozen=True)
class Document:
    """The text of one file and its values."""

    name: str
    text: str
    root: Optional[Node]  #: None for a file of comments alone
    ended: bool  #: by `...`

    @property
    def newline(self) -> str:
        """Return what ends the lines of this file."""
        return newline_of(self.text)

    def line(self, at: int) -> int:
        """Return the number of the line of an index, from 1."""
        return self.text.count("\n", 0, at) + 1

    def column(self, at: int) -> int:
        """Return how many characters stand before an index in its line; the mark of UTF-8 is none."""
        start = self.text.rfind("\n", 0, at) + 1
        return at - start - self.text.startswith("\ufeff", start, at)

    def section(self, name: str) -> Optional[Node]:
        """Return the value of a key of the file, None without it."""
        return self.root.get(name) if self.root is not None else None

    def names(self, name: str) -> List[str]:
        """Return the names in a section, such as intents."""
        found = self.section(name)
        return found.names() if found is not None else []


def newline_of(text: str) -> str:
    """Return what ends the lines of a text; of one without lines, a line feed."""
    return "\r\n" if "\r\n" in text else "\n"


def read(name: str, text: str) -> Document:
    """Return the document. Raises Unreadable, with the line, for what Rasa would not read either."""
    try:
        list(YAML(typ="safe").parse(text))  # Rasa's own way: libyaml is stricter than ruamel.yaml's parser
        events = list(_yaml().parse(text))
        tokens = list(_yaml().scan(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise Unreadable(
            f"{name}{place}: this is not YAML ({error.problem or error.context}): correct it"
        ) from None
    except YAMLError as error:
        raise Unreadable(f"{name}: this is not YAML ({str(error).splitlines()[0]}): correct it") from None
    for token in tokens:
        if type(token).__name__ == "KeyToken" and text.startswith("?", token.start_mark.index):
            line = token.start_mark.line + 1
            raise Unreadable(f"{name}, line {line}: a key begins with ?: write it as key: value")
    places = _Places(text, tokens)
    documents = [each for each in events if type(each).__name__ == "DocumentStartEvent"]
    if len(documents) > 1:
        raise Unreadable(f"{name}: holds several documents, divided by ---: Rasa reads one, join them")
    tree = _Tree(name, text, events, places)
    root = tree.root()
    if root is not None and root.is_null and not root.value:
        root = None
    if root is not None and root.kind != "mapping":
        raise Unreadable(f"{name}: holds no keys, such as intents: correct it")
    return Document(name, text, root, tree.ended)


def _yaml() -> YAML:
    return YAML(typ="rt", pure=True)


class _Places:
    """Where dashes and colons stand."""

    def __init__(self, text: str, tokens: List[Any]) -> None:
        self.dashes = self._all(tokens, "BlockEntryToken")
        self.colons = self._all(tokens, "ValueToken")

    @staticmethod
    def _all(tokens: List[Any], kind: str) -> List[int]:
        return [each.start_mark.index for each in tokens if type(each).__name__ == kind]

    def dash_before(self, at: int) -> int:
        return self.dashes[max(0, bisect_right(self.dashes, at) - 1)]

    def colon_after(self, at: int) -> Optional[int]:
        place = bisect_left(self.colons, at)
        return self.colons[place] if place < len(self.colons) else None


class _Tree:
    """Builds nodes of events."""

    def __init__(self, name: str, text: str, events: List[Any], places: _Places) -> None:
        self._name, self._text, self._places = name, text, places
        self._events = iter(events)
        self.ended = any(type(each).__name__ == "DocumentEndEvent" and each.explicit for each in events)

    def root(self) -> Optional[Node]:
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                return self._node(next(self._events))
        return None

    def _node(self, event: Any) -> Node:
        kind = type(event).__name__
        start, end = event.start_mark.index, event.end_mark.index
        if kind == "AliasEvent":
            return Node("alias", start, end)
        if kind == "ScalarEvent":
            style = event.style or ""
            return Node("scalar", start, self._scalar_end(start, end, style), event.value, style)
        flow = bool(event.flow_style)
        if kind == "SequenceStartEvent":
            return self._sequence(Node("sequence", start, end, flow=flow))
        return self._mapping(Node("mapping", start, end, flow=flow))

    def _scalar_end(self, start: int, end: int, style: str) -> int:
        """Return where a scalar ends. Blank lines behind a block are its own only if it keeps them (+)."""
        if style not in ("|", ">"):
            return end
        header = self._text[start:end].splitlines()[0].partition("#")[0]
        if "+" in header:
            return end
        shown = self._text[start:end].rstrip()
        rest = self._text[start + len(shown) : end]
        return start + len(shown) + len(rest) - len(rest.lstrip(" \t"))

    def _sequence(self, node: Node) -> Node:
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                node.end = event.end_mark.index if node.flow else node.last_leaf().end
                return node
            item = self._node(event)
            if not node.flow:
                at = item.start - 1 if item.kind != "scalar" or item.value or item.style else item.start
                node.dashes.append(self._places.dash_before(at))
            node.items.append(item)
        raise Unreadable(f"{self._name}: ends within a list: correct it")

    def _mapping(self, node: Node) -> Node:
        seen: Dict[str, int] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                node.end = event.end_mark.index if node.flow else node.last_leaf().end
                return node
            key, value = self._node(event), self._node(next(self._events))
            if key.kind == "scalar" and key.value in seen and key.value != "<<":
                line = self._text.count("\n", 0, key.start) + 1
                raise Unreadable(
                    f'{self._name}, line {line}: "{key.value}" is there a second time: join the two'
                )
            seen[key.value] = key.start
            colon = self._places.colon_after(key.end)
            if value.kind == "scalar" and not value.value and not value.style and colon is not None:
                value.start = value.end = colon + 1
            node.pairs.append((key, value))
        raise Unreadable(f"{self._name}: ends within its keys: correct it")
