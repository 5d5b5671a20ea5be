"""Writes a file as a whole or not at all: whoever reads it finds one state or the next."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from handover_channel.errors import HandoverError


def reserve(path: Path, text: str, *, option: str, over: bool) -> None:
    """Begin the file *path* with *text*. Raises HandoverError where it exists, unless *over*."""
    try:
        if over:
            replace(path, text)
            return
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise HandoverError(
            f"{option}: {path} is there already -> give another name, or add --overwrite"
        ) from None
    except OSError as error:
        raise HandoverError(
            f"{option}: {path} cannot be written ({error.strerror}) -> name another file"
        ) from None


def replace(path: Path, text: str) -> None:
    """Put *text* in the place of what is in *path*. Raises OSError; then the file is as it was."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
