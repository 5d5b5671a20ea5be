"""Reads a bot's folder, and writes all of its files or none. The only module here that does I/O."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverError
from handover_channel.project_setup import git_ignore, record
from handover_channel.project_setup.project import (
    CONFIG,
    CREDENTIALS,
    ENDPOINTS,
    GIT_IGNORE,
    SETTINGS,
    NoProject,
    Project,
)
from handover_channel.project_setup.yaml_text import Unreadable

_YAML = (".yml", ".yaml")
#: Folders that are nobody's sources.
_NOT_SOURCES = frozenset(
    {"__pycache__", ".git", ".venv", "venv", "node_modules", "models", ".rasa", "results"}
)


class CannotWrite(HandoverError):
    """A file could not be written; all are as they were."""


def read(folder: Path, *, domain: str = "", data: str = "") -> Project:
    """Return the project in *folder*. *domain*, *data*: as for `rasa train`, where they are elsewhere.

    Raises NoProject where there is none, Unreadable for a file that cannot be read.
    """
    if not folder.is_dir():
        raise NoProject(f"there is no folder {folder} -> name the one that has your bot's {CONFIG}")
    if not (folder / CONFIG).is_file():
        raise NoProject(
            f"{folder} holds no Rasa project, it has no {CONFIG} -> go into your bot's folder, or name it: "
            "handover init FOLDER"
        )
    domain = domain or _domain_of(folder)
    if data and not (folder / data).is_dir():
        raise NoProject(f"there is no folder {folder / data} -> name yours: handover init --data FOLDER")
    data = (data or "data").strip("/")
    domain_files = _below(folder, domain, _YAML)
    if not domain_files:
        raise NoProject(
            f"{folder / domain} holds no domain -> name yours: handover init --domain FILE_OR_FOLDER"
        )
    if _below(folder, data, (".md",)) and not _below(folder, data, _YAML):
        raise NoProject(
            f"{data}/ is in the format of Rasa 1 and 2 (Markdown) -> rasa data migrate, then go on"
        )
    return Project(
        yaml=_texts(
            folder, [each for each in (CONFIG, CREDENTIALS, ENDPOINTS, SETTINGS) if (folder / each).is_file()]
        ),
        domain=_texts(folder, domain_files),
        domain_folder=domain.strip("/") if (folder / domain).is_dir() else "",
        data=_texts(folder, _below(folder, data, _YAML)),
        data_folder=data,
        tests=_texts(
            folder, [each for each in _below(folder, "tests", _YAML) if Path(each).name.startswith("test_")]
        ),
        python=_texts(
            folder, [*_below(folder, "actions.py", (".py",)), *_below(folder, "actions", (".py",))]
        ),
        git=_texts(folder, [GIT_IGNORE] if (folder / GIT_IGNORE).is_file() else []),
        commits_database=_commits_database(folder),
    )


def _commits_database(folder: Path) -> bool:
    """Whether git would take the database into a commit; where git cannot say, as .gitignore tells."""
    command = ["git", "-C", str(folder), "check-ignore", "--no-index", "-q", git_ignore.BESIDE]
    try:
        code = subprocess.run(command, capture_output=True, timeout=30, check=False).returncode
    except (OSError, subprocess.SubprocessError):
        code = -1
    if code in (0, 1):
        return code == 1
    return (folder / GIT_IGNORE).is_file() and git_ignore.lacks(read_text(folder, GIT_IGNORE))


def _domain_of(folder: Path) -> str:
    for name in ("domain.yml", "domain.yaml", "domain"):
        if (folder / name).exists():
            return name
    raise NoProject(
        f"{folder} has no domain.yml and no folder domain -> name it: handover init --domain FILE_OR_FOLDER"
    )


def _below(folder: Path, name: str, suffixes: Tuple[str, ...]) -> List[str]:
    """Return the paths of a file, or of the files in a folder, in order."""
    start = folder / name
    if start.is_file():
        return [name] if start.suffix in suffixes else []
    found = []
    for place, folders, files in os.walk(start):
        folders[:] = sorted(each for each in folders if each not in _NOT_SOURCES)
        paths = [Path(place) / each for each in sorted(files)]
        found += [path.relative_to(folder).as_posix() for path in paths if path.suffix in suffixes]
    return found


def _texts(folder: Path, paths: List[str]) -> Dict[str, str]:
    return {path: read_text(folder, path) for path in paths}


def read_text(folder: Path, path: str) -> str:
    """Return a text as it is, line ends and all. Raises Unreadable."""
    try:
        return (folder / path).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: it is not UTF-8: convert it") from None
    except OSError as error:
        raise Unreadable(f"{path}: it cannot be read ({error.strerror}): make it readable") from None


def records(folder: Path) -> List[record.Run]:
    """Return what earlier runs put in."""
    if not (folder / record.NAME).is_file():
        return []
    return record.parse(read_text(folder, record.NAME))


def missing_folders(folder: Path, paths: List[str]) -> Tuple[str, ...]:
    """Return the folders that have to be made for some files, the outermost first."""
    parents = {parent for path in paths for parent in Path(path).parents if parent != Path(".")}
    missing = [each for each in parents if not (folder / each).exists()]
    return tuple(each.as_posix() for each in sorted(missing, key=lambda each: len(each.parts)))


def uncommitted(folder: Path) -> bool:
    """Whether git has changes there that no commit holds; without git, not."""
    command = ["git", "-C", str(folder), "status", "--porcelain", "--", "."]
    try:
        ran = subprocess.run(command, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(ran.stdout.strip())


def write(folder: Path, texts: Mapping[str, Optional[str]], before: Mapping[str, str]) -> None:
    """Write all files, or none. *texts*: path -> text, None for one that goes; *before*: as they were read.

    Raises CannotWrite; then every file is as it was.
    """
    swap = _Swap()
    path = ""
    try:
        for path, text in texts.items():
            place = Path(os.path.realpath(folder / path))  # a link stays a link
            _expect_unchanged(path, place, before.get(path))
            swap.prepare(path, place, text)
        for path in texts:
            swap.step(path)
    except BaseException as error:
        swap.roll_back()
        if not isinstance(error, OSError):
            raise
        reason = error.strerror or str(error)
        raise CannotWrite(
            f"{path}: it cannot be written ({reason}) -> see to the rights there; nothing was changed"
        ) from None
    finally:
        swap.tidy_up()


def _expect_unchanged(path: str, place: Path, before: Optional[str]) -> None:
    now = place.read_bytes() if place.exists() else None
    if now != (None if before is None else before.encode("utf-8")):
        raise CannotWrite(f"{path}: it was changed meanwhile -> once more; nothing was changed")
    if now is not None and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")


class _Swap:
    """Files that take the places of others, one after the other, and can all go back.

    What may fail for want of room or rights, writing new files and copies of old ones, comes before the first
    file is in its place.
    """

    def __init__(self) -> None:
        self._waiting: Dict[str, Tuple[Path, Optional[Path], Optional[Path]]] = {}  # place, new file, old one
        self._done: List[Tuple[Path, Optional[Path], Optional[Path]]] = []
        self._spare: List[Path] = []
        self._made: List[Path] = []

    def prepare(self, path: str, place: Path, text: Optional[str]) -> None:
        """Write the new file, None for none, and a copy of the old one, beside it."""
        self._made += [each for each in (place.parent, *place.parent.parents) if not each.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        old = self._beside(place, place.read_bytes()) if place.exists() else None
        new = self._beside(place, text.encode("utf-8")) if text is not None else None
        self._waiting[path] = (place, new, old)

    def _beside(self, place: Path, content: bytes) -> Path:
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        self._spare.append(Path(name))
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            shutil.copymode(place, name)
        else:
            os.chmod(name, 0o666 & ~_umask())
        return Path(name)

    def step(self, path: str) -> None:
        """Put a file in its place."""
        place, new, _ = step = self._waiting[path]
        if new is not None:
            os.replace(new, place)
        else:
            place.unlink()
        self._done.append(step)

    def roll_back(self) -> None:
        """Put every old file back, and take new ones away."""
        for place, _, old in reversed(self._done):
            if old is not None:
                os.replace(old, place)
            else:
                place.unlink()
        self.tidy_up()
        for each in self._made:
            with contextlib.suppress(OSError):
                each.rmdir()

    def tidy_up(self) -> None:
        """Remove what lies beside the files."""
        for each in self._spare:
            with contextlib.suppress(FileNotFoundError):
                each.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_folders(folder: Path, names: Tuple[str, ...]) -> None:
    """Remove folders that were made for our files, where nothing but what Python compiled is left in them."""
    for name in sorted(names, key=lambda each: -each.count("/")):
        place = folder / name
        left = {each.name for each in place.iterdir()} if place.is_dir() else set()
        if left == {"__pycache__"}:
            shutil.rmtree(place / "__pycache__")
        with contextlib.suppress(OSError):
            place.rmdir()
