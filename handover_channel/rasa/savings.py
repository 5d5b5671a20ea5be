"""Describes what of Rasa's work ours can stand in for, where its methods are those it was written for."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Tuple

from handover_channel.rasa.replaced_methods import is_ours

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
    calls: Tuple[str, ...] = ()  #: those that ours call as they find them, whoever has wrapped them

    def unknown(self) -> List[str]:
        """Return the methods that are not the ones this was written for, or that somebody has wrapped."""
        return [
            f"{owner.__name__}.{name}"
            for owner, digests in ((self.owner, self.written_for), *self.relies_on)
            for name, digest in digests.items()
            if digest_of(owner, name) != digest or (name not in self.calls and _is_wrapped(owner, name))
        ]


def digest_of(owner: Any, name: str) -> str:
    """Return the first 16 digits of the SHA-256 of a method's source, "" where there is none to read."""
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(_function(owner, name))))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _is_wrapped(owner: Any, name: str) -> bool:
    """Tell whether a method is a wrapper (`functools.wraps`: it has Rasa's source) that is not ours."""
    function = _function(owner, name)
    return hasattr(function, "__wrapped__") and not is_ours(function)


def _function(owner: Any, name: str) -> Any:
    method = inspect.getattr_static(owner, name, None)
    return getattr(method, "__func__", method)
