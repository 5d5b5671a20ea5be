"""Checks the bot that lies in the folder: its channels, its model and its action server."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Collection, Iterable, Iterator, Tuple

from handover_channel.doctor import action_server, bot_files
from handover_channel.doctor.bot_files import MODELS
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.installed_bot import ROWS, Row
from handover_channel.doctor.model import UnreadableModel
from handover_channel.doctor.report import UNSAID, Where
from handover_channel.sentences import Sentence, of_others

_SOURCES = ("config.yml", "domain.yml", "domain.yaml", "domain", "data")

#: Rows for which the model need not be there.
_WITHOUT_MODEL = ("channels.facebook", "channels.there", "channels.socketio")


#: What Rasa does not do with a file that it cannot read.
_UNREADABLE = {
    "config.yml": Sentence("`rasa train` stops there"),
    "domain.yml": Sentence("`rasa train` stops there"),
    "endpoints.yml": Sentence("`rasa run` and `rasa run actions` stop there"),
}


def _readable(facts: Facts) -> Iterator[Found]:
    for name, why in _UNREADABLE.items():
        for each in facts.file_problems(name):
            yield fail(of_others(each), why, UNSAID, Where(name))


def _has_own_models(facts: Facts) -> bool:
    return not bot_files.model_server(facts)


def _there(facts: Facts) -> Iterator[Found]:
    if not _has_own_models(facts):
        raise CouldNotLook(
            Sentence("the model comes from a server, which endpoints.yml names under `models`"),
            Sentence("run `handover doctor` where the model is trained"),
        )
    path = bot_files.newest_model(facts)
    train, silent = Sentence("run `rasa train`"), Sentence("Rasa starts without a model, and answers nobody")
    if path is None:
        yield fail(Sentence("there is no model in %(folder)s", folder=MODELS), silent, train)
        return
    try:
        found = bot_files.model_of(facts)
    except UnreadableModel as error:
        yield fail(
            Sentence("the model cannot be used: %(problem)s", problem=of_others(str(error))), silent, train
        )
        return
    yield ok(Sentence("the model %(model)s is of %(date)s", model=path.name, date=_day(found.made_at)))


def _newer_than_data(facts: Facts) -> Iterator[Found]:
    path = bot_files.newest_model(facts)
    if path is None:
        raise CouldNotLook(Sentence("there is no model"), Sentence("see the check `model.there`"))
    made_at = path.stat().st_mtime
    later = [
        each.relative_to(facts.folder).as_posix() for each in _sources(facts.folder) if _after(each, made_at)
    ]
    if later:
        yield warn(
            Sentence(
                "these files are newer than the model %(model)s: %(files)s",
                model=path.name,
                files=_few(later),
            ),
            Sentence("what was changed in them since is not in the bot"),
            Sentence("run `rasa train`; if it finds that nothing has changed, `touch` the model"),
        )
    else:
        yield ok(Sentence("the model %(model)s is newer than all training data", model=path.name))


def _after(path: Path, moment: float) -> bool:
    return path.stat().st_mtime > moment


def _sources(folder: Path) -> Iterator[Path]:
    for each in (folder / name for name in _SOURCES):
        if each.is_dir():
            yield from sorted(path for path in each.rglob("*.y*ml") if path.suffix in (".yml", ".yaml"))
        elif each.is_file():
            yield each


def _few(names: Collection[str], most: int = 3) -> str:
    shown = list(names)[:most]
    return ", ".join([*shown, *(["…"] if len(names) > most else [])])


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _row(row: Row) -> Check:
    bot = bot_files.without_model if row.id in _WITHOUT_MODEL else bot_files.bot_of

    def look(facts: Facts) -> Iterable[Found]:
        return row.look(bot(facts))

    applies = (lambda facts: True) if row.id in _WITHOUT_MODEL else _has_own_models
    return Check(row.id, row.title, look, applies=applies, at_start=False)


def _asking(look: Callable[[str, action_server.Ask], Iterator[Found]]) -> Callable[[Facts], Iterator[Found]]:
    def asked(facts: Facts) -> Iterator[Found]:
        def once(url: str) -> Collection[str]:
            return facts.once(("actions", url), lambda: action_server.registered_at(url))

        for each in look(bot_files.action_endpoint(facts), once):
            where = Where("endpoints.yml: action_endpoint")
            yield Found(each.status, each.found, each.why, each.remedy, where)

    return asked


def _has_action_endpoint(facts: Facts) -> bool:
    return bool(bot_files.action_endpoint(facts))


CHECKS: Tuple[Check, ...] = (
    Check("files.readable", Sentence("The bot's files can be read"), _readable, at_start=False),
    *(_row(row) for row in ROWS if row.id in _WITHOUT_MODEL),
    Check("model.there", Sentence("There is a model"), _there, at_start=False),
    Check(
        "model.newer_than_data",
        Sentence("The model is newer than its data"),
        _newer_than_data,
        applies=_has_own_models,
        at_start=False,
    ),
    *(_row(row) for row in ROWS if row.id not in _WITHOUT_MODEL),
    Check(
        "action_server.reachable",
        Sentence("The action server answers"),
        _asking(action_server.reachable),
        applies=_has_action_endpoint,
        at_start=False,
    ),
    Check(
        "action_server.actions",
        Sentence("The action server offers our actions"),
        _asking(action_server.offered),
        applies=_has_action_endpoint,
        at_start=False,
    ),
)
