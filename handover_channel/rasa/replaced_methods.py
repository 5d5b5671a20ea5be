"""Puts a method of ours around one of Rasa's, on the class, of which `PUT /model` makes new agents.

Rasa 3.6.21, and Rasa Pro, which has the same methods.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable

_OURS_MARK = "_handover_replaces"


def replace_once(owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method *name* of the class *owner* by what *around* makes of it. Harmless to repeat."""
    theirs = getattr(owner, name)
    if hasattr(theirs, _OURS_MARK):
        return
    ours = functools.wraps(theirs)(around(theirs))
    setattr(ours, _OURS_MARK, True)
    is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    setattr(owner, name, staticmethod(ours) if is_static else ours)
