"""Carries out the calls of the control API that act: as people, as apps, as staff, on the page. No HTTP.

Each function takes a checked body (api_bodies.py) and returns the JSON of the answer. Raises KeyError for an
app or a fault that is not there, `NothingToTap`, and ValueError; each says what is wrong.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from handover_channel.simulator import api_bodies, page_settings, seeds
from handover_channel.simulator.apps import AppClient
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.faults import FAULTS
from handover_channel.simulator.person import Person
from handover_channel.simulator.request import Response
from handover_channel.simulator.simulator import Page, Simulator
from handover_channel.simulator.thread import ChatEntry, Thread

_Json = Dict[str, Any]
Given = Mapping[str, Any]
Act = Callable[[Simulator, Given], Any]


def _written(entry: Optional[ChatEntry]) -> _Json:
    return {"mid": entry.get("mid"), "at": entry["at"], "kind": entry["kind"]} if entry else {}


def _page(simulator: Simulator, given: Given) -> Page:
    """Return the page that a call names, else that of its person."""
    return simulator.page_for(given.get("person", ""), given.get("page", ""))


def _known_page(simulator: Simulator, given: Given) -> Page:
    """Return the page where the person of a call is; raises ValueError where they have not come yet.

    An app or staff that act in a thread, or a tap in it, make no thread: a slip in an id would be silent.
    """
    page = _page(simulator, given)
    if given["person"] not in page.threads:
        raise ValueError(
            f"'person' is {given['person']!r}, who has not come to this page -> say, or new_person"
        )
    return page


def _person(simulator: Simulator, given: Given) -> Person:
    return Person(_page(simulator, given), given["person"])


def _by_person(act: Callable[[Person, Given], Optional[ChatEntry]]) -> Act:
    return lambda simulator, given: _written(act(_person(simulator, given), given))


def _in_thread(act: Callable[[Person, Given], Optional[ChatEntry]]) -> Act:
    """Return an act of a person that needs what has been said."""
    return lambda simulator, given: _written(
        act(Person(_known_page(simulator, given), given["person"]), given)
    )


def _by_app(act: Callable[[AppClient, str, Given], Response]) -> Act:
    def call(simulator: Simulator, given: Given) -> _Json:
        answer = act(_known_page(simulator, given).app(given["app"]), given["person"], given)
        return {"status": answer.status, "body": answer.body}

    return call


def _new_person(simulator: Simulator, given: Given) -> _Json:
    with simulator.lock:
        page = simulator.page_for("", given.get("page", ""))
        psid, same = given.get("person", ""), given.get("same_as")
        known = simulator.meta.page_of(psid)
        if known is not None:
            raise ValueError(f"{psid!r} is {known.threads[psid].name} already")
        if same is None:
            thread = page.thread(psid or simulator.meta.new_psid())
        else:
            thread = page.thread_of_same(_known(simulator, "same_as", same), psid)
        for key, value in _picked(given, "name", "locale", "gender").items():
            setattr(thread, key, value)
        simulator.journal.changed()
        return {"person": thread.psid, "name": thread.name, "page": page.page_id}


def _known(simulator: Simulator, key: str, psid: str) -> Thread:
    page = simulator.meta.page_of(psid)
    if page is None:
        raise ValueError(f"{key!r} is {psid!r}, whom no page knows")
    return page.threads[psid]


def _picked(given: Given, *keys: str) -> _Json:
    return {key: given[key] for key in keys if key in given}


def _without(given: Given, *keys: str) -> _Json:
    return {name: value for name, value in given.items() if name not in keys}


def _tap_menu(simulator: Simulator, given: Given) -> _Json:
    app = given.get("app")
    app_id = _page(simulator, given).app_called(app).id if app else ""
    person = _person(simulator, given)
    return _written(person.taps_menu(given["payload"], given.get("title", ""), app_id=app_id))


def _reply(simulator: Simulator, given: Given) -> _Json:
    page = _known_page(simulator, given)
    app = page.app_called(given["app"])
    message = given.get("message") or {"text": given["text"]}
    if app.id == PAGE_INBOX:
        return _written(page.inbox.replies(given["person"], str(message.get("text", ""))))
    answer = AppClient(page, app).sends(given["person"], message)
    return {"status": answer.status, "body": answer.body}


def _main(simulator: Simulator, given: Given) -> _Json:
    _known_page(simulator, given).inbox.moves_to_main(given["person"])
    return {}


def _done(simulator: Simulator, given: Given) -> _Json:
    _known_page(simulator, given).inbox.done(given["person"])
    return {}


def _default_app(simulator: Simulator, given: Given) -> _Json:
    page = _page(simulator, given)
    page.set_default_app(given["app"])
    return {"mode": page.settings.mode.value, "default_app": page.default_app or None}


def _switches(simulator: Simulator, given: Given) -> _Json:
    simulator.switches = simulator.switches.with_changes(given)
    simulator.journal.changed()
    return dict(vars(simulator.switches))


def _setting(change: Callable[[Page, Given], None]) -> Act:
    def changed(simulator: Simulator, given: Given) -> _Json:
        page = _page(simulator, given)
        change(page, _without(given, "page"))
        return page_settings.described(page)

    return changed


def _new_token(simulator: Simulator, given: Given) -> _Json:
    return {"token": page_settings.new_token(_page(simulator, given), given["app"], given["scopes"])}


def _fault(simulator: Simulator, given: Given) -> _Json:
    return simulator.fault(**given).shown()


def _faults(simulator: Simulator, given: Given) -> _Json:
    known = {
        name: {
            "where": fault.where,
            "does": fault.does,
            "source": fault.source,
            "only": sorted(fault.only),
            "http_only": fault.http_only,
        }
        for name, fault in FAULTS.items()
    }
    return {"ordered": [fault.shown() for fault in simulator.faults], "known": known}


def _remove_faults(simulator: Simulator, given: Given) -> _Json:
    ordered = list(simulator.faults)
    for fault in ordered:
        simulator.remove_fault(fault.number)
    return {"removed": len(ordered)}


def checked(given: Given) -> List[Tuple[str, _Json]]:
    """Return operation and body of each of several acts; raises ValueError, which names the wrong one.

    An act is called by its path, as alone ("new_person"), or by its operation ("newPerson").
    """
    by_path = {each.path[1:]: each.name for each in api_bodies.operations() if each.method == "POST"}
    found = []
    for number, each in enumerate(given["acts"]):
        called = each["call"]
        name = by_path.get(called, called)
        if name not in ACTS or name == "acts":
            known = ", ".join(path for path, name in by_path.items() if name in ACTS and name != "acts")
            raise ValueError(
                f"'acts[{number}].call' is {called!r}, which is no call that acts (known: {known})"
            )
        try:
            found.append((name, api_bodies.check(name, _without(each, "call"))))
        except ValueError as error:
            raise ValueError(f"acts[{number}], {called}: {error}") from None
    return found


@contextmanager
def one_of_several(number: int, name: str) -> Iterator[None]:
    """Have what an act raises say which of several it is: the first that fails ends it."""
    try:
        yield
    except (LookupError, ValueError) as error:
        said = error.args[0] if error.args else error
        raise ValueError(f"acts[{number}], {name}: {said} (those before it have been done)") from None


def _acts(simulator: Simulator, given: Given) -> _Json:
    answers = []
    for number, (name, body) in enumerate(checked(given)):
        with one_of_several(number, name):
            answers.append(ACTS[name](simulator, body))
    return {"answers": answers}


def _reset(simulator: Simulator, given: Given) -> _Json:
    simulator.reset()
    return {}


#: Operation of openapi.json -> what it does. The others are for HTTP alone: api_routes.py.
ACTS: Mapping[str, Act] = {
    "reset": _reset,
    "seed": seeds.seed,
    "newPerson": _new_person,
    "say": _by_person(lambda person, given: person.says(given["text"])),
    "send": _by_person(
        lambda person, given: person.sends(given["type"], given.get("url", ""), given.get("payload"))
    ),
    "tap": _in_thread(
        lambda person, given: person.taps(**_picked(given, "mid", "index", "payload", "title"))
    ),
    "tapMenu": _tap_menu,
    "choose": _in_thread(
        lambda person, given: person.chooses(**_picked(given, "mid", "index", "payload", "title"))
    ),
    "react": _in_thread(
        lambda person, given: person.reacts(given["mid"], **_picked(given, "reaction", "emoji"))
    ),
    "comeBy": _by_person(lambda person, given: person.comes_by(given["ref"], **_picked(given, "source"))),
    "optIn": _by_person(
        lambda person, given: person.opts_in(given["payload"], given.get("type", "notification_messages"))
    ),
    "read": _in_thread(lambda person, given: person.reads()),
    "reply": _reply,
    "pass": _by_app(lambda app, psid, given: app.passes(psid, **_picked(given, "to", "metadata"))),
    "take": _by_app(lambda app, psid, given: app.takes(psid, **_picked(given, "metadata"))),
    "request": _by_app(lambda app, psid, given: app.requests(psid, **_picked(given, "metadata"))),
    "release": _by_app(lambda app, psid, given: app.releases(psid)),
    "extend": _by_app(lambda app, psid, given: app.extends(psid, given["seconds"])),
    "moveToMain": _main,
    "done": _done,
    "defaultApp": _default_app,
    "switches": _switches,
    "settings": lambda simulator, given: page_settings.described(simulator),
    "changeSettings": _setting(page_settings.change_page),
    "changeApp": _setting(
        lambda page, given: page_settings.change_app(page, given["app"], _without(given, "app"))
    ),
    "newToken": _new_token,
    "startFromNothing": _setting(lambda page, given: page_settings.start_from_nothing(page)),
    "fault": _fault,
    "faults": _faults,
    "removeFaults": _remove_faults,
    "acts": _acts,
}
