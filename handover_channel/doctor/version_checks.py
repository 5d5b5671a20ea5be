"""Checks the versions of what works together: Rasa, the model's, rasa-sdk, this package."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Dict, Iterator, Tuple

from handover_channel.doctor import bot_files
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.model import UnreadableModel
from handover_channel.doctor.report import Where
from handover_channel.sentences import Sentence

_SHOWN = ("rasa-handover", "rasa", "rasa-sdk", "SQLAlchemy")

#: What docs/versions.md says was tried.
_RASA = "3.6"


def installed() -> Dict[str, str]:
    """Return the versions of what is installed, by its name."""
    found = {}
    for name in _SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _minor(text: str) -> str:
    return ".".join(re.findall(r"\d+", text)[:2])


def _versions(facts: Facts) -> Iterator[Found]:
    there = installed()
    rasa = there.get("rasa", "")
    pins = Sentence("`pip install rasa==3.6.21`")
    if rasa and not rasa.startswith("3."):
        yield fail(
            Sentence("Rasa %(version)s is installed", version=rasa),
            Sentence(
                "this package is made for Rasa 3.6, and knows parts of it that other versions do not have"
            ),
            pins,
            Where("docs/versions.md"),
        )
    elif rasa and _minor(rasa) != _RASA:
        yield warn(
            Sentence("Rasa %(version)s is installed", version=rasa),
            Sentence("all tests run on Rasa 3.6; earlier ones were tried by hand"),
            pins,
            Where("docs/versions.md"),
        )
    trained = _trained_by(facts)
    if rasa and trained and _minor(trained) != _minor(rasa):
        yield warn(
            Sentence(
                "the model was trained by Rasa %(trained)s, and Rasa %(version)s is installed",
                trained=trained,
                version=rasa,
            ),
            Sentence("Rasa may refuse to load it"),
            Sentence("run `rasa train`"),
        )
    yield ok(Sentence("installed: %(versions)s", versions=_listed(there)))


def _listed(there: Dict[str, str]) -> str:
    every = {**there, "Python": platform.python_version()}
    return ", ".join(f"{name} {each}" for name, each in every.items())


def _trained_by(facts: Facts) -> str:
    try:
        return bot_files.model_of(facts).rasa
    except (CouldNotLook, UnreadableModel):
        return ""


CHECKS: Tuple[Check, ...] = (Check("versions", Sentence("The versions suit each other"), _versions),)
