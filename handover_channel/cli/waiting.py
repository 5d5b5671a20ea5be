"""Waits for an answer for so long and no longer: a look-up of a name, and attempts, may take any time."""

from __future__ import annotations

import threading
from typing import Callable, List, Optional, TypeVar

_Answer = TypeVar("_Answer")


def within(seconds: float, ask: Callable[[], _Answer]) -> Optional[_Answer]:
    """Return what *ask* returns, None where it has not done so within *seconds*. *ask* must not raise.

    What goes on then ends with the process.
    """
    answers: List[_Answer] = []
    asking = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    asking.start()
    asking.join(seconds)
    return answers[0] if answers else None
