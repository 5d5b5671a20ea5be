"""`rasa`, with Rasa's own Facebook channel pointed at the fake Graph API: `python -m bench.stock URL run
...`.

Nothing else of it is changed. fbmessenger has the address of the real one in its constructor.
"""

from __future__ import annotations

import sys
from typing import Any

import fbmessenger  # type: ignore[import-untyped, unused-ignore]

from bench.rasa_command import main

_construct = fbmessenger.MessengerClient.__init__


def _construct_here(self: Any, *given: Any, **named: Any) -> None:
    _construct(self, *given, **named)
    self.graph_url = f"{_url}/v2.12"


if __name__ == "__main__":
    _url = sys.argv.pop(1)
    fbmessenger.MessengerClient.__init__ = _construct_here
    sys.argv[0] = "rasa"
    main()
