"""Begins with pages, people, apps and threads in a state: the call `seed` of the control API. No HTTP.

All of a body is checked before anything is changed. Pages and apps that are there stay, as after a reset.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from handover_channel.simulator.clock import seconds_of
from handover_channel.simulator.connected_app import on_another_page, simulated_app
from handover_channel.simulator.simulator import PageFacts, Simulator
from handover_channel.simulator.thread import Thread
from handover_channel.simulator.thread_control import DAY, ThreadControl

Given = Mapping[str, Any]


def seed(simulator: Simulator, given: Given) -> Dict[str, Any]:
    """Begin so; raises KeyError and ValueError, which name what is wrong."""
    apps = {each["id"]: each.get("name") or f"app {each['id']}" for each in given.get("apps", ())}
    names = {name: app_id for app_id, name in apps.items()}

    def app_id(name: str) -> str:
        return name if name in apps else names.get(name) or simulator.app_called(name).id

    new_pages = _new_pages(simulator, given)
    pages = _pages_of_people(simulator, given, new_pages)
    owners = {
        each["person"]: (app_id(each["owner"]), seconds_of(each.get("expires_in", DAY)))
        for each in given.get("threads", ())
    }
    default = given.get("default_app")
    default_id = app_id(default) if default else None
    switches = simulator.switches.with_changes(given.get("switches", {}))
    with simulator.lock:
        simulator.reset()
        for facts in new_pages:
            simulator.add_page(facts)
        _connect(simulator, apps)
        _have_come(simulator, given.get("people", ()), pages)
        for person, (owner, seconds) in owners.items():
            thread = simulator.page_for(person, pages[person]).thread(person)
            thread.control = ThreadControl(owner, simulator.now() + seconds)
        for page in simulator.pages if "default_app" in given else ():
            page.set_default_app(default_id)
        simulator.switches = switches
        simulator.journal.changed()
    return {}


def _new_pages(simulator: Simulator, given: Given) -> List[PageFacts]:
    """Return the pages that are to be opened; raises ValueError where an id or a name is taken."""
    there = {(page.page_id, page.page_name) for page in simulator.pages}
    taken = {each for facts in there for each in facts}
    found = []
    for page in given.get("pages", ()):
        facts = PageFacts(page.get("id", ""), page.get("name", ""), page.get("token", ""))
        named = facts.page_id or facts.name
        if named and any(facts.page_id in ("", each) and facts.name in ("", name) for each, name in there):
            continue
        for wanted in filter(None, (facts.page_id, facts.name)):
            if wanted in taken:
                raise ValueError(f"'pages' has {wanted!r}, which is another page's id or name")
            taken.add(wanted)
        found.append(facts)
    return found


def _pages_of_people(simulator: Simulator, given: Given, new: List[PageFacts]) -> Dict[str, str]:
    """Return which page each person is of, "" where none is given.

    Raises KeyError for a page that is not there, ValueError for a person of two.
    """
    opened = {each: facts.page_id or facts.name for facts in new for each in (facts.page_id, facts.name)}
    found: Dict[str, str] = {}
    listed: List[Tuple[str, str]] = [
        *((each["id"], each.get("page", "")) for each in given.get("people", ())),
        *((each["person"], each.get("page", "")) for each in given.get("threads", ())),
    ]
    for person, page in listed:
        if page:
            page = opened.get(page) or simulator.page(page).page_id
        if page and found.get(person) not in (None, "", page):
            raise ValueError(f"{person!r} is on two pages; everybody has another id on each page")
        found[person] = page or found.get(person, "")
    return found


def _connect(simulator: Simulator, apps: Mapping[str, str]) -> None:
    for number, name in apps.items():
        if number not in simulator.apps:
            simulator.connect(simulated_app(number, name))
        simulator.apps[number].name = name
        for page in simulator.pages:
            if number not in page.apps:
                page.connect(on_another_page(simulator.apps[number], f"token-{number}-{page.page_id}"))


def _have_come(simulator: Simulator, people: List[Given], pages: Mapping[str, str]) -> None:
    for page in simulator.pages if people else ():
        page.threads.clear()
    for each in people:
        page = simulator.page_for("", pages[each["id"]])
        page.threads[each["id"]] = Thread(each["id"], each.get("name") or each["id"])
