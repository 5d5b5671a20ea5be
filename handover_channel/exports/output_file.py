"""Writes an export to its place: a file that appears whole or not at all, or standard output.

1. A file is its owner's alone (mode 0600): people's words are in it. It is written beside its place, on the
   disk before it gets its name, and gone again after an error.
2. On standard output there is the data and nothing else. Who stops reading (`| head`) is no error.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import sys
from pathlib import Path
from typing import Iterator, Optional, TextIO

from handover_channel.errors import HandoverError
from handover_channel.store import private_file

#: Half of a character cannot be written, and is no reason to write nothing.
_ENCODING, _WHAT_CANNOT_BE_WRITTEN = "utf-8", "replace"


def problem(path: Path) -> str:
    """Return why no file can be written there, with what to do; "" where nothing is known against it."""
    folder = path.parent
    if path.is_dir():
        return f"--output: {path} is a folder -> name a file in it"
    if path.exists() and not path.is_file():
        return f"--output: {path} is no file -> leave --output away, and use > or |"
    if not folder.is_dir():
        return f"--output: there is no folder {folder} -> make it first"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"--output: nothing may be written in {folder} -> name another folder, or use its owner"
    return ""


@contextlib.contextmanager
def opened(path: Optional[Path]) -> Iterator[TextIO]:
    """Give a text stream, whose line breaks stay as they are. None: standard output."""
    with _standard_output() if path is None else _file(path) as stream:
        yield stream


@contextlib.contextmanager
def _file(path: Path) -> Iterator[TextIO]:
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(
            os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, private_file.MODE),
            "w",
            encoding=_ENCODING,
            errors=_WHAT_CANNOT_BE_WRITTEN,
            newline="",
        ) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise HandoverError(f"{path} cannot be written: {error.strerror} -> nothing was left there") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


@contextlib.contextmanager
def _standard_output() -> Iterator[TextIO]:
    sys.stdout.flush()
    stream = io.TextIOWrapper(
        sys.stdout.buffer, encoding=_ENCODING, errors=_WHAT_CANNOT_BE_WRITTEN, newline=""
    )
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        # Python would try to flush once more at its end, and complain.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        with contextlib.suppress(BrokenPipeError):
            stream.detach()
