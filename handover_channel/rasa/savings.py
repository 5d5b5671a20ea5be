"""Describes what of Rasa's work ours can stand in for, where its methods are those it was written for."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping

_Method = Callable[..., Any]


@dataclass(frozen=True)
class Saving:
    """Methods of Rasa's that ours stand in for, all of them or none."""

    what: str  #: for the log
    owner: Any
    stands_in: Mapping[str, Callable[[_Method], _Method]]
    #: Rasa 3.6.21's methods, those it relies on too, each with its digest: others may do more.
    written_for: Mapping[str, str]

    def unknown(self) -> List[str]:
        """Return the methods that are not the ones this was written for."""
        return [
            f"{self.owner.__name__}.{name}"
            for name, digest in self.written_for.items()
            if digest_of(self.owner, name) != digest
        ]


def digest_of(owner: Any, name: str) -> str:
    """Return the first 16 digits of the SHA-256 of a method's source, "" where there is none to read."""
    method = inspect.getattr_static(owner, name, None)
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(getattr(method, "__func__", method))))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]
