"""Serves what the simulator's own page reads and does, under /simulator. Tests use /simulator/v1: api_routes.

All bodies and responses are JSON; bodies come as ``application/json``, and from no other web page. An
unknown app, message or switch is a 400 with ``{"error": "<sentence>"}``; what the Graph API refuses an app
is returned unchanged (status and body). `app` is an id or a name.

==================================================== ====================================================
GET  /health, /simulator/health                      ``{"status": "ok"}``
GET  /simulator/state?psid=                          mode, apps, switches, threads with owner, expiry and
                                                     chat, what each app was sent (of one thread); of a
                                                     bot that can be asked, what it says itself
GET  /simulator/log?after=N&psid=&app=               ``{"entries": [...]}``: webhooks with their status,
                                                     Graph calls with their answer
GET  /simulator/events                               server-sent events: ``change`` with the revision
POST /simulator/person/{psid}/text                   ``{text}``
POST /simulator/person/{psid}/attachment             ``{type, url}`` or ``{type, payload}``
POST /simulator/person/{psid}/postback               ``{mid?, index | payload}``, or a menu tap:
                                                     ``{payload, title?, app?, menu: true}``
POST /simulator/person/{psid}/quick_reply            ``{mid?, index | payload}``
POST /simulator/person/{psid}/referral               ``{ref, source?}``
POST /simulator/person/{psid}/optin                  ``{payload, type?}``
POST /simulator/person/{psid}/reaction               ``{mid, reaction?, emoji?}``
POST /simulator/person/{psid}/read                   ``{}``
POST /simulator/apps/{app}/reply                     ``{psid, text}`` or ``{psid, message}``
POST /simulator/apps/{app}/pass                      ``{psid, to?, metadata?}``
POST /simulator/apps/{app}/take, request             ``{psid, metadata?}``
POST /simulator/apps/{app}/release                   ``{psid}``
POST /simulator/apps/{app}/extend                    ``{psid, seconds}``
POST /simulator/inbox/{psid}/reply                   ``{text}``; so does ``apps/<Page inbox>/reply``
POST /simulator/inbox/{psid}/main, done              ``{}``
POST /simulator/mode                                 ``{default_app: app | null}``
POST /simulator/switches                             any of `Switches`
GET  /simulator/settings                             what Meta keeps of page and apps (`page_settings`)
POST /simulator/settings                             any of them: ``{default_app, published ...}``
POST /simulator/settings/apps/{app}                  of an app: ``{may_take, fields, token: {...} ...}``
POST /simulator/settings/apps/{app}/token            ``{scopes}``; gives ``{token}``, a new one
POST /simulator/settings/apps/{app}/webhook          ``{callback_url, verify_token}``, kept if it answers
POST /simulator/settings/nothing                     the bot's app as on the day it was made
POST /simulator/log/{n}/again                        that webhook, or that Graph call, once more
GET  /simulator/scenarios                            those that can be played here
POST /simulator/scenarios/begin                      ``{scenario}``: its id; gives ``{psid, skipped}``
POST /simulator/scenarios/step                       the next step; gives ``{done, failed, said, over}``
POST /simulator/webhook                              raw body, sent signed to the bot as it is;
                                                     gives ``{status, error}``
POST /simulator/files?name=                          raw body, kept; gives ``{url}``
GET  /simulator/pictures/{psid}.png                  a person's picture
POST /simulator/reset                                forgets people, threads and log
==================================================== ====================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Awaitable, Callable, Dict, Mapping, Set

from aiohttp import web

from handover_channel.simulator import http_actions, page_settings, replays
from handover_channel.simulator.apps import AppClient
from handover_channel.simulator.bot_at_hand import BotsWord
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.http_actions import Given
from handover_channel.simulator.person import NothingToTap
from handover_channel.simulator.pictures import portrait
from handover_channel.simulator.request import Response
from handover_channel.simulator.simulator import Simulator
from handover_channel.simulator.webhook_sender import WebhookSender

_Json = Dict[str, Any]

HEARTBEAT = 15.0  #: seconds between two events to the page when nothing changes

#: Types of uploads that a browser may show; anything else is offered for download.
_UPLOADS_SHOWN = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp"}
    | {f"audio/{kind}" for kind in ("mpeg", "mp4", "ogg", "wav", "webm", "aac")}
    | {f"video/{kind}" for kind in ("mp4", "webm", "ogg", "quicktime")}
)


class Routes:
    """The routes under /simulator."""

    def __init__(self, simulator: Simulator, sender: WebhookSender, bots_word: BotsWord) -> None:
        self._simulator, self._sender, self._bots_word = simulator, sender, bots_word
        self._streams: Set[asyncio.Event] = set()
        self._closed = False

    def add_routes(self, app: web.Application) -> None:
        """Add all of them to *app*."""
        get, post = app.router.add_get, app.router.add_post
        get("/health", self._health)
        get("/simulator/health", self._health)
        get("/simulator/state", self._state)
        get("/simulator/log", self._log)
        get("/simulator/events", self.events)
        get("/simulator/files/{number}", self._file)
        get("/simulator/files/{number}/{name}", self._file)
        get("/simulator/pictures/{psid}.png", _picture)
        post("/simulator/files", self._keep)
        post("/simulator/webhook", self._webhook)
        post("/simulator/person/{psid}/{action}", _checked(self._person))
        post("/simulator/apps/{app}/{action}", _checked(self._app))
        post("/simulator/inbox/{psid}/{action}", _checked(self._inbox))
        post("/simulator/mode", _checked(self._mode))
        post("/simulator/switches", _checked(self._switches))
        post("/simulator/reset", _checked(self._reset))
        get("/simulator/scenarios", self._scenarios)
        post("/simulator/scenarios/begin", _checked(self._begin_scenario))
        post("/simulator/scenarios/step", _checked(self._step_scenario))
        post("/simulator/log/{number}/again", _checked(self._again))
        get("/simulator/settings", self._settings)
        for path, action in self._changes_of_settings().items():
            post(f"/simulator/settings{path}", _checked(action))
        app.router.add_route("*", "/simulator/{rest:.*}", _nowhere)

    # --- reading ----------------------------------------------------------------------------------

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _state(self, request: web.Request) -> web.Response:
        state = self._simulator.state(request.query.get("psid", ""))
        for app in state["apps"]:
            app["handshake"] = self._sender.handshakes.get(app["id"], "")
        return web.json_response(await self._bots_word.add_to(state))

    async def _log(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        wanted = {key: request.query[key] for key in ("psid", "app", "kind") if key in request.query}
        entries = self._simulator.journal.after(int(after) if after.isdecimal() else 0)
        found = [entry for entry in entries if all(entry.get(key) == value for key, value in wanted.items())]
        return web.json_response({"entries": found, "revision": self._simulator.journal.revision})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer with the stream of changes."""
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await stream.prepare(request)
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        changed.set()
        unlisten = self._simulator.journal.listen(lambda: loop.call_soon_threadsafe(changed.set))
        self._streams.add(changed)
        try:
            with contextlib.suppress(ConnectionError):
                sent = -1
                while not self._closed:
                    try:
                        await asyncio.wait_for(changed.wait(), HEARTBEAT)
                    except asyncio.TimeoutError:
                        sent = -1  # a heartbeat
                    changed.clear()
                    if sent != self._simulator.journal.revision:
                        sent = self._simulator.journal.revision
                        await stream.write(f"event: change\ndata: {sent}\n\n".encode())
        finally:
            unlisten()
            self._streams.discard(changed)
        return stream

    @property
    def is_looked_at(self) -> bool:
        """Whether a page is open."""
        return bool(self._streams)

    def close(self) -> None:
        """End the event streams, so that the server can stop."""
        self._closed = True
        for changed in self._streams:
            changed.set()

    # --- acting -----------------------------------------------------------------------------------

    async def _person(self, request: web.Request, given: Given) -> Response:
        person, action = self._simulator.person(request.match_info["psid"]), request.match_info["action"]
        if action == "postback":
            app = given.get("app")
            done = http_actions.postback(person, given, self._simulator.app_called(app).id if app else "")
        else:
            done = http_actions.named(http_actions.PERSON_ACTIONS, action)(person, given)
        return Response(
            200, {key: value for key, value in (done or {}).items() if key in ("mid", "at", "kind")}
        )

    async def _app(self, request: web.Request, given: Given) -> Response:
        app, action = self._simulator.app(request.match_info["app"]), request.match_info["action"]
        psid = str(given["psid"])
        if app.id == PAGE_INBOX and action == "reply":
            return self._inbox_action(psid, action, given)
        call: Callable[[AppClient, str, Given], Response] = http_actions.named(
            http_actions.APP_ACTIONS, action
        )
        return call(app, psid, given)

    async def _inbox(self, request: web.Request, given: Given) -> Response:
        return self._inbox_action(request.match_info["psid"], request.match_info["action"], given)

    def _inbox_action(self, psid: str, action: str, given: Given) -> Response:
        inbox = self._simulator.inbox
        inbox_actions: Mapping[str, Callable[[], Any]] = {
            "reply": lambda: inbox.replies(psid, str(given["text"])),
            "main": lambda: inbox.moves_to_main(psid),
            "done": lambda: inbox.done(psid),
        }
        written = http_actions.named(inbox_actions, action)()
        return Response(200, {"mid": written["mid"]} if written else {})

    async def _mode(self, request: web.Request, given: Given) -> Response:
        self._simulator.set_default_app(given["default_app"])
        return Response(
            200, {"mode": self._simulator.settings.mode.value, "default_app": self._simulator.default_app}
        )

    async def _switches(self, request: web.Request, given: Given) -> Response:
        self._simulator.switches = self._simulator.switches.with_changes(given)
        self._simulator.journal.changed()
        return Response(200, self._simulator.state()["switches"])

    async def _reset(self, request: web.Request, given: Given) -> Response:
        self._sender.drop()
        self._simulator.reset()
        return Response(200, {})

    async def _again(self, request: web.Request, given: Given) -> Response:
        number = request.match_info["number"]
        made = await replays.again(
            self._simulator, self._sender, int(number) if number.isdecimal() and len(number) < 16 else 0
        )
        return Response(200, made)

    # --- scenarios --------------------------------------------------------------------------------

    async def _scenarios(self, request: web.Request) -> web.Response:
        return web.json_response({"scenarios": await self._bots_word.scenarios()})

    async def _begin_scenario(self, request: web.Request, given: Given) -> Response:
        return Response(200, await self._bots_word.begin(str(given["scenario"])))

    async def _step_scenario(self, request: web.Request, given: Given) -> Response:
        return Response(200, await self._bots_word.step())

    # --- the settings of Meta's pages -------------------------------------------------------------

    def _changes_of_settings(self) -> Mapping[str, Callable[[web.Request, Given], Awaitable[Response]]]:
        return {
            "": self._change_page,
            "/nothing": self._start_from_nothing,
            "/apps/{app}": self._change_app,
            "/apps/{app}/token": self._new_token,
            "/apps/{app}/webhook": self._new_webhook,
        }

    async def _settings(self, request: web.Request) -> web.Response:
        return web.json_response(page_settings.described(self._simulator))

    async def _change_page(self, request: web.Request, given: Given) -> Response:
        page_settings.change_page(self._simulator, given)
        return Response(200, page_settings.described(self._simulator))

    async def _change_app(self, request: web.Request, given: Given) -> Response:
        page_settings.change_app(self._simulator, request.match_info["app"], given)
        return Response(200, page_settings.described(self._simulator))

    async def _start_from_nothing(self, request: web.Request, given: Given) -> Response:
        page_settings.start_from_nothing(self._simulator)
        return Response(200, page_settings.described(self._simulator))

    async def _new_token(self, request: web.Request, given: Given) -> Response:
        app = request.match_info["app"]
        return Response(200, {"token": page_settings.new_token(self._simulator, app, given["scopes"])})

    async def _new_webhook(self, request: web.Request, given: Given) -> Response:
        app = self._simulator.app_called(request.match_info["app"])
        said = await self._sender.verify(app, str(given["callback_url"]), str(given["verify_token"]))
        if said != "ok":
            raise ValueError(f"The callback URL or verify token couldn't be validated: {said}")
        return Response(200, page_settings.described(self._simulator))

    # --- bytes ------------------------------------------------------------------------------------

    async def _webhook(self, request: web.Request) -> web.Response:
        status, error = await self._sender.post(self._simulator.bot, await request.read())
        return web.json_response({"status": status, "error": error})

    async def _keep(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        url = self._simulator.keep_file(request.content_type, await request.read(), name)
        return web.json_response({"url": url})

    async def _file(self, request: web.Request) -> web.Response:
        kept = self._simulator.files.get(request.match_info["number"])
        if kept is None:
            raise web.HTTPNotFound
        content_type, content = kept
        safe = {"X-Content-Type-Options": "nosniff"}
        if content_type not in _UPLOADS_SHOWN:
            safe["Content-Disposition"] = "attachment"
            content_type = "application/octet-stream"
        return web.Response(body=content, content_type=content_type, headers=safe)


async def _picture(request: web.Request) -> web.Response:
    return web.Response(body=portrait(request.match_info["psid"]), content_type="image/png")


def _checked(
    action: Callable[[web.Request, Given], Awaitable[Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Read the JSON body, and turn what is wrong with it into a 400 that says so."""

    async def handler(request: web.Request) -> web.Response:
        try:
            answer = await action(request, await _given(request))
        except KeyError as error:
            sentence = str(error.args[0])
            missing = " " not in sentence
            return _wrong(f"the body lacks {sentence!r}" if missing else sentence)
        except (NothingToTap, ValueError, TypeError) as error:
            return _wrong(str(error))
        return web.json_response(answer.body, status=answer.status)

    return handler


async def _given(request: web.Request) -> _Json:
    text = await request.text()
    try:
        given = json.loads(text) if text.strip() else {}
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _wrong(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=400)


async def _nowhere(request: web.Request) -> web.Response:
    return web.json_response({"error": f"nothing at {request.path}"}, status=404)
