"""Describes what of Rasa's work ours can stand in for, where its methods are those it was written for."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Tuple

_Method = Callable[..., Any]


@dataclass(frozen=True)
class Saving:
    """Methods of Rasa's that ours stand in for, all of them or none."""

    what: str  #: for the log
    owner: Any
    stands_in: Mapping[str, Callable[[_Method], _Method]]
    #: Rasa 3.6.21's methods, those it relies on too, each with its digest: others may do more.
    written_for: Mapping[str, str]
    relies_on: Tuple[Tuple[Any, Mapping[str, str]], ...] = ()  #: the same of other classes

    def unknown(self) -> List[str]:
        """Return the methods that are not the ones this was written for."""
        return [
            f"{owner.__name__}.{name}"
            for owner, digests in ((self.owner, self.written_for), *self.relies_on)
            for name, digest in digests.items()
            if digest_of(owner, name) != digest
        ]


def digest_of(owner: Any, name: str) -> str:
    """Return the first 16 digits of the SHA-256 of a method's source, "" where there is none to read."""
    method = inspect.getattr_static(owner, name, None)
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(getattr(method, "__func__", method))))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]
