"""A Graph API with a delay, echoes, and an action server, in one process: `python -m bench.fake_meta
PORT`.

1. Every call is written down when it arrives: what Meta has got, it may have delivered.
2. Its pictures come at once, or (`/bench/slow/`) a byte every three seconds.
3. Echoes carry `metadata` back as webhooks, signed, and are delivered again every half second until one
   of the callbacks answers 200.
4. It lies where it is told to: lies.py.
5. `action_repeat` says the person's text again, so that each answer names its message; the return clears
   its slots.

Only what the bench needs: the Messenger that keeps to Meta's rules is `handover simulate`.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set

import uvloop
from aiohttp import web

from bench.bodies import APP_ID, Item, echo, post
from bench.lies import Liar
from bench.wire import until_accepted

#: What `action_handover_return` does to a tracker when control is back already.
_CLEARED = [{"event": "slot", "name": name, "value": None} for name in ("handover_target", "handover_until")]


@dataclass
class Meta:
    """The state of the fake."""

    delay: float = 0.0  #: seconds until a Graph call is answered
    callbacks: List[int] = field(default_factory=list)  #: ports that get the echoes; none: no echoes
    calls: List[List[Any]] = field(default_factory=list)  #: [monotonic seconds, thread, kind, text]
    messages: int = 0  #: how many of the calls sent one
    liar: Optional[Liar] = None  #: None: it is honest
    couriers: Set[asyncio.Task[None]] = field(default_factory=set)

    async def graph(self, request: web.Request) -> web.Response:
        """Answer a Graph call."""
        body: Dict[str, Any] = await request.json() if request.can_read_body else {}
        thread = str((body.get("recipient") or {}).get("id") or request.query.get("recipient") or "")
        message = body.get("message") or {}
        kind = "message" if message else body.get("sender_action") or request.path.rsplit("/", 1)[-1]
        answer = self.liar.answer(kind) if self.liar else None
        yes = answer is None or answer.is_yes
        self.calls.append([time.monotonic(), thread, kind, _text(message), time.time(), yes])
        mid = f"m_out_{len(self.calls)}"
        self.messages += kind == "message" and yes
        if kind == "message" and yes and self.callbacks:
            self._echo(thread, message, mid)
        if self.delay:
            await asyncio.sleep(self.delay)
        if answer is not None and (not yes or kind == "thread_owner"):
            return web.json_response(answer.body, status=answer.status)
        if kind == "thread_owner":
            return web.json_response({"data": [{"thread_owner": {"app_id": APP_ID}}]})
        if kind == "message":
            return web.json_response({"recipient_id": thread, "message_id": mid})
        return web.json_response({"recipient_id": thread, "success": True})

    async def action(self, request: web.Request) -> web.Response:
        """Run a custom action."""
        body = await request.json()
        said = (body["tracker"].get("latest_message") or {}).get("text")
        answers = [{"text": said}] if body["next_action"] == "action_repeat" else []
        cleared = _CLEARED if body["next_action"] == "action_handover_return" else []
        return web.json_response({"events": cleared, "responses": answers})

    async def settings(self, request: web.Request) -> web.Response:
        """Change the delay or the callbacks, and forget what was."""
        given = await request.json()
        self.delay, self.callbacks = float(given["delay"]), list(given["callbacks"])
        self.calls, self.messages = [], 0
        self.liar = Liar(int(given["lies"])) if given.get("lies") else None
        return web.json_response({})

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """Answer with a picture: at once, or a byte every three seconds."""
        answer = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": "1000"})
        await answer.prepare(request)
        slow = "slow" in request.path
        for _ in range(1000 if slow else 1):
            await answer.write(b"x" if slow else b"x" * 1000)
            if slow:
                await asyncio.sleep(3)
        return answer

    async def wait(self, request: web.Request) -> web.Response:
        """Answer once so many messages were sent, or after so many seconds, with their number."""
        wanted, until = int(request.query["messages"]), time.monotonic() + float(request.query["within"])
        while self.messages < wanted and time.monotonic() < until:  # noqa: ASYNC110 (one waiter, for a moment)
            await asyncio.sleep(0.002)
        return web.json_response({"messages": self.messages})

    async def log(self, request: web.Request) -> web.Response:
        """Return every call since `settings`."""
        return web.json_response(self.calls)

    def _echo(self, thread: str, message: Dict[str, Any], mid: str) -> None:
        for pause, app_id in self.liar.echoes() if self.liar else [(0.0, APP_ID)]:
            metadata = str(message.get("metadata") or "")
            told = echo(thread, _text(message), app_id=app_id, metadata=metadata, mid=mid)
            courier = asyncio.ensure_future(self._deliver(told, pause))
            self.couriers.add(courier)
            courier.add_done_callback(self.couriers.discard)

    async def _deliver(self, told: Item, pause: float) -> None:
        await asyncio.sleep(pause)
        ports = random.sample(self.callbacks, len(self.callbacks))
        if ports:
            await until_accepted(ports, post(told), pause=0.5)


def _text(message: Dict[str, Any]) -> str:
    payload = (message.get("attachment") or {}).get("payload") or {}
    return str(message.get("text") or payload.get("text") or "")


def main() -> None:
    """Serve until the end."""
    meta = Meta()
    app = web.Application(client_max_size=64 * 2**20)  # an action server gets the whole tracker
    app.router.add_post("/bench/settings", meta.settings)
    app.router.add_get("/bench/wait", meta.wait)
    app.router.add_get("/bench/log", meta.log)
    app.router.add_get("/bench/picture", meta.picture)
    app.router.add_get("/bench/slow/{number}", meta.picture)
    app.router.add_post("/actions", meta.action)
    app.router.add_route("*", "/{call:.*}", meta.graph)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
