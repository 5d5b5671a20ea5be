"""Serves the control API under /simulator/v1/, as openapi.json describes it: every call of the file alone.

Bodies and answers are JSON. What is wrong with a call is a 400 with ``{"error": "<sentence>"}``, which names
the key. Of the call `advance`: the answer comes once what happened has been delivered, as far as it can be,
and those processes of a bot that follow the clock have moved along.
"""

from __future__ import annotations

import json
from typing import Any, Awaitable, Callable, Dict, List, Mapping

from aiohttp import web

from handover_channel.simulator import api_acts, api_bodies, page_settings, replays
from handover_channel.simulator.bot_at_hand import BotsWord
from handover_channel.simulator.followers import Followers
from handover_channel.simulator.journal import ENTRY_KINDS
from handover_channel.simulator.person import NothingToTap
from handover_channel.simulator.simulator import Simulator
from handover_channel.simulator.webhook_sender import WebhookSender

_Json = Dict[str, Any]
LARGEST_BODY = 32 * 1024**2  #: bytes: more than Meta's 25 MB, so that a larger file gets its refusal

Stream = Callable[[web.Request], Awaitable[web.StreamResponse]]

API_PATH = "/simulator/v1"

FOLLOWED = "Meta's clock, and that of the bot ({count} of its processes follow)"
ALONE = (
    "Meta's clock alone: no process of the bot follows it -> for a bot with rasa-handover set "
    "HANDOVER_TEST_CLOCK to this simulator's address; any other's own deadlines stay where they are"
)


class ApiRoutes:
    """The calls of the file. *events*: answers with the stream of changes."""

    def __init__(
        self, simulator: Simulator, sender: WebhookSender, bots_word: BotsWord, events: Stream
    ) -> None:
        self._simulator, self._sender = simulator, sender
        self._bots_word, self._events = bots_word, events
        self._followers = Followers(simulator.clock)
        #: Operation -> what answers it, for what `ACTS` does not know.
        self.answers: Mapping[str, Callable[[web.Request, Any], Awaitable[Any]]] = {
            "health": self._health,
            "openapi": self._openapi,
            "snapshot": self._snapshot,
            "settings": self._settings,
            "journal": self._journal,
            "clock": self._clock,
            "advance": self._advance,
            "reset": self._reset,
            "seed": self._seed,
            "acts": self._acts,
            "removeFault": self._remove_fault,
            "newWebhook": self._new_webhook,
            "deliver": self._deliver,
            "again": self._again,
            "keepFile": self._keep_file,
            "scenarios": self._scenarios,
            "beginScenario": self._begin_scenario,
            "stepScenario": self._step_scenario,
        }

    def add_routes(self, app: web.Application) -> None:
        """Add them all to *app*; raises KeyError for a call of the file that nothing answers."""
        methods: Dict[str, List[str]] = {}
        for operation in api_bodies.operations():
            handler = self._events if operation.name == "events" else self._handler(operation.name)
            app.router.add_route(operation.method, API_PATH + operation.path, handler)
            methods.setdefault(operation.path, []).append(operation.method)
        for path, known in methods.items():
            app.router.add_route("*", API_PATH + path, _for_other_methods(known))

    def close(self) -> None:
        """Answer those who wait for the clock, so that the server can stop."""
        self._followers.close()

    def _handler(self, name: str) -> Stream:
        answer = self.answers.get(name)
        act = None if answer else api_acts.ACTS[name]

        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                api_bodies.check_query(name, request.query)
                body = await _body(name, request)
                given = await answer(request, body) if answer else act(self._simulator, body)  # type: ignore[misc]
            except KeyError as error:
                return _wrong(str(error.args[0]))
            except (NothingToTap, ValueError, TypeError) as error:
                return _wrong(str(error))
            except web.HTTPRequestEntityTooLarge:
                return _wrong(f"the body is larger than {LARGEST_BODY // 1024**2} MB", 413)
            return web.json_response(given)

        return handler

    # --- reading ----------------------------------------------------------------------------------

    async def _health(self, request: web.Request, body: _Json) -> _Json:
        return {"status": "ok"}

    async def _openapi(self, request: web.Request, body: _Json) -> _Json:
        return api_bodies.document()

    async def _snapshot(self, request: web.Request, body: _Json) -> _Json:
        state = self._simulator.state(request.query.get("person", ""), request.query.get("page", ""))
        for app in state["apps"]:
            app["handshake"] = self._sender.handshakes.get(app["id"], "")
        return await self._bots_word.add_to(state)

    async def _settings(self, request: web.Request, body: _Json) -> _Json:
        return page_settings.described(self._simulator.page_for("", request.query.get("page", "")))

    async def _journal(self, request: web.Request, body: _Json) -> _Json:
        page = request.query.get("page")
        page_id = self._simulator.page(page).page_id if page else None
        wanted = {
            "page": page_id,
            "psid": request.query.get("person"),
            "app": request.query.get("app"),
            "kind": request.query.get("kind"),
        }
        if wanted["kind"] not in (None, *ENTRY_KINDS):
            raise ValueError(f"'kind' is {wanted['kind']!r}; it must be one of {', '.join(ENTRY_KINDS)}")
        journal = self._simulator.journal
        read = journal.read(_number(request, "after"))
        asked = [(key, value) for key, value in wanted.items() if value is not None]
        found = [entry for entry in read.entries if all(entry.get(key) == value for key, value in asked)]
        return {
            "entries": found,
            "dropped": read.dropped,
            "last": journal.count,
            "revision": journal.revision,
        }

    # --- time -------------------------------------------------------------------------------------

    async def _clock(self, request: web.Request, body: _Json) -> _Json:
        if "after" not in request.query:
            return self._followers.time()
        told = await self._followers.next(
            _number(request, "after"),
            request.query.get("follower", ""),
            is_there=lambda: request.transport is not None,
        )
        if self._followers.is_closed:  # or they would ask again at once, and hold the server up
            raise web.HTTPServiceUnavailable(headers={"Connection": "close"})
        return told

    async def _advance(self, request: web.Request, body: _Json) -> _Json:
        clock, by = self._simulator.clock, body["by"]
        happened: List[str] = []
        count = 0
        await self._sender.settle()  # what is on its way arrives in the time in which it was sent
        for each in clock.steps(by) if body.get("how") == "run" else [clock.jump(by)]:
            happened += each
            count = await self._followers.moved_along()
            await self._sender.settle()
        moved = FOLLOWED.format(count=count) if count else ALONE
        return {
            "now": clock.now(),
            "ahead": clock.offset,
            "happened": happened,
            "moved": moved,
            "followers": count,
        }

    # --- starting afresh --------------------------------------------------------------------------

    async def _reset(self, request: web.Request, body: _Json) -> Any:
        self._sender.drop()
        api_acts.ACTS["reset"](self._simulator, body)
        await self._bots_word.begin_afresh()
        return {}

    async def _seed(self, request: web.Request, body: _Json) -> Any:
        given = api_acts.ACTS["seed"](self._simulator, body)
        self._sender.drop()
        return given

    async def _acts(self, request: web.Request, body: _Json) -> _Json:
        """Begin afresh in the middle of it as the calls alone do: those are more than an act at Meta."""
        alone = {"reset": self._reset, "seed": self._seed}
        answers = []
        for number, (name, each) in enumerate(api_acts.checked(body)):
            with api_acts.one_of_several(number, name):
                if name in alone:
                    answers.append(await alone[name](request, each))
                else:
                    answers.append(api_acts.ACTS[name](self._simulator, each))
        return {"answers": answers}

    async def _remove_fault(self, request: web.Request, body: _Json) -> _Json:
        number = request.match_info["number"]
        self._simulator.remove_fault(int(number) if _is_number(number) else 0)
        return {}

    # --- webhooks and files -----------------------------------------------------------------------

    async def _new_webhook(self, request: web.Request, body: _Json) -> _Json:
        page = self._simulator.page_for("", body.get("page", ""))
        app = page.app_called(body["app"])
        said = await self._sender.verify(app, body["callback_url"], body["verify_token"])
        if said != "ok":
            raise ValueError(f"The callback URL or verify token couldn't be validated: {said}")
        return page_settings.described(page)

    async def _deliver(self, request: web.Request, body: bytes) -> _Json:
        status, error = await self._sender.post(self._simulator.bot, body)
        return {"status": status, "error": error}

    async def _again(self, request: web.Request, body: _Json) -> _Json:
        return await replays.again(self._simulator, self._sender, body["number"])

    async def _keep_file(self, request: web.Request, body: bytes) -> _Json:
        name = request.query.get("name", "")
        return {"url": self._simulator.keep_file(request.content_type, body, name)}

    # --- scenarios --------------------------------------------------------------------------------

    async def _scenarios(self, request: web.Request, body: _Json) -> _Json:
        return {"scenarios": await self._bots_word.scenarios()}

    async def _begin_scenario(self, request: web.Request, body: _Json) -> _Json:
        return await self._bots_word.begin(body["scenario"])

    async def _step_scenario(self, request: web.Request, body: _Json) -> _Json:
        return await self._bots_word.step()


async def _body(operation: str, request: web.Request) -> Any:
    if api_bodies.takes_bytes(operation):
        return await request.read()
    content = await request.read()
    try:
        text = content.decode("utf-8")
        body = json.loads(text, parse_constant=_no_number) if text.strip() else {}
    except UnicodeDecodeError:
        raise ValueError("the body is not JSON: it is not UTF-8") from None
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    return api_bodies.check(operation, body)


def _number(request: web.Request, key: str) -> int:
    given = request.query.get(key, "0")
    if not _is_number(given):
        raise ValueError(f"{key!r} is {given[:40]!r}; it must be a whole number of 18 digits at most")
    return int(given)


def _is_number(text: str) -> bool:
    """Tell whether it is a number that can be counted to: Python's own limits are met beyond."""
    return text.isdecimal() and len(text) <= 18


def _no_number(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _for_other_methods(known: List[str]) -> Stream:
    """Return what answers where a call is, and is called by another method."""

    async def handler(request: web.Request) -> web.StreamResponse:
        allowed = ", ".join(known)
        refused = _wrong(f"{request.path} is called by {allowed}, not by {request.method}", 405)
        refused.headers["Allow"] = allowed
        return refused

    return handler


def _wrong(sentence: str, status: int = 400) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
