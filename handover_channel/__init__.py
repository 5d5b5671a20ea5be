"""Hand a Rasa conversation on Messenger over to people or other apps, and get it back.

What a Rasa project names in its YAML files is offered here, and only loaded when asked for:
importing this package imports neither Rasa nor TensorFlow, so that an action server, the
command line and the simulator start without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, List

#: public name -> the module that holds it
_LAZY = {
    "HandoverPolicy": "rasa.policy",
    "InboxInput": "inbox.channel",
    "LanguagePolicy": "rasa.policy",
    "MessengerInput": "rasa.channel",
}

__all__ = ["HandoverPolicy", "InboxInput", "LanguagePolicy", "MessengerInput"]  # noqa: F822  (offered by __getattr__)


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> List[str]:
    """Name what can be imported, loaded or not."""
    return sorted({*globals(), *_LAZY})
