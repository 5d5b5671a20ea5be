"""`rasa`, started in half of the time: `python -m bench.rasa_command run ...`.

Only the order in which it imports is another: skops, which reads the classifier, looks for each of scipy's
functions in all modules that there are, and does so here before TensorFlow's thousands are among them.
"""

from __future__ import annotations

import sys

import skops.io  # type: ignore[import-untyped, unused-ignore]  # noqa: F401  (not for its names)
from rasa.__main__ import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.argv[0] = "rasa"
    main()
