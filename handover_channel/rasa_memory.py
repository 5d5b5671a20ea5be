"""Keeps Python's garbage collector from walking over the model again and again.

A model is some millions of objects that stay until the next one. A full collection visits each of them,
holds the interpreter lock all the while, and long conversations cause many. So what is there once the model
is loaded is set aside (https://docs.python.org/3/library/gc.html#gc.freeze); when another model replaces it,
what the old one has left is collected first.
"""

from __future__ import annotations

import gc
import threading
from typing import Any

_lock = threading.Lock()
_frozen_for: Any = None


def set_aside(model: Any) -> None:
    """Set everything aside that is there now, once for each *model*. From any thread."""
    global _frozen_for  # noqa: PLW0603  (the collector is the process's, too)
    if model is _frozen_for:
        return
    with _lock:
        if model is _frozen_for:
            return
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _frozen_for = model
