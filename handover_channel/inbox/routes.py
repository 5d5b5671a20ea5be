"""The page's addresses.

1. A GET changes nothing but what its reader has seen.
2. A POST that was done answers 204 and `HX-Trigger: changed`; the page then asks for what it shows.
3. Addresses of elsewhere are fetched only where we gave them to this visitor ourselves (web.proof).
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, Optional, Tuple

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw, redirect

from handover_channel.agent import Agent
from handover_channel.errors import EntranceRefused, HandoverError, HandoverRefused
from handover_channel.inbox import listing, web
from handover_channel.inbox.acts import Acts
from handover_channel.inbox.entrance import Visitor
from handover_channel.inbox.files import Files
from handover_channel.inbox.live import Live
from handover_channel.inbox.rasa_side import RasaSide
from handover_channel.inbox.reading import BotsPart, Reader
from handover_channel.inbox.views import ListView, ThreadView
from handover_channel.inbox.web import BASE, HEADERS, Front, SignInFirst, field
from handover_channel.profiles import Profiles
from handover_channel.store.replies import File
from handover_channel.store.threads import Thread

STATIC = Path(__file__).with_name("static")

#: Seconds between two signs of life of an open page, and for which a browser may keep our own files.
BEAT, KEEP = 15.0, 3600

_Act = Callable[[Request, Visitor, str], Awaitable[None]]


class Room:
    """What the routes use. Rasa's part comes in when the server has started."""

    rasa: RasaSide
    agent: Agent
    reader: Reader

    def __init__(
        self,
        front: Front,
        acts: Acts,
        live: Live,
        files: Files,
        profiles: Profiles,
        replies: ThreadPoolExecutor,
    ) -> None:
        self.front = front
        self.acts = acts
        self.live = live
        self.files = files
        self.profiles = profiles
        self.replies = replies

    def open(self, rasa: RasaSide, agent: Agent, reader: Reader) -> None:
        """Begin to serve."""
        self.rasa, self.agent, self.reader = rasa, agent, reader

    async def list(self, request: Request, visitor: Visitor) -> Tuple[ListView, str]:
        """Return the list that the address asks for, and where it begins."""
        query = {name: str(request.args.get(name) or "") for name in request.args}
        after = query.get("after", "")
        filters = listing.filters_of(query)
        view = await self.front.call(self.reader.list, filters, agent=visitor.name, after=after)
        for item in view.items:
            self.profiles.want(item.thread, page=item.page, channel=item.channel)
        return view, after

    async def thread(self, request: Request, visitor: Visitor, thread: str) -> Optional[ThreadView]:
        """Return the conversation, None where it was never seen."""
        row = await self.front.call(self.reader.row, thread)
        if row is None:
            return None
        self.profiles.want(row.id, page=row.page, channel=row.channel)
        before = _seconds(request.args.get("before"))
        return await self.front.call(self._thread, row, visitor, before)

    def _thread(self, row: Thread, visitor: Visitor, before: Optional[float]) -> ThreadView:
        self.reader.looked_at(row, visitor.name)
        bot = BotsPart(self.rasa.said(row.id), self.rasa.intents())
        link = functools.partial(web.link, visitor)
        return self.reader.thread(row, bot, agent=visitor.name, link=link, before=before)


def blueprint(room: Room) -> Blueprint:
    """Return the routes of the inbox."""
    routes = Blueprint("handover_inbox", __name__)
    _add_pages(routes, room)
    _add_acts(routes, room)
    _add_entrance(routes, room)
    _add_files(routes, room)

    @routes.get("/live")
    async def live(request: Request) -> Optional[HTTPResponse]:
        visitor = await room.front.visitor(request)
        await _tell(room, request, visitor)
        return None

    for kind in (SignInFirst, EntranceRefused, HandoverError):

        @routes.exception(kind)
        async def refuse(request: Request, error: Exception) -> HTTPResponse:
            return room.front.refusal(request, error)

    return routes


# --- pages and fragments ---


def _add_pages(routes: Blueprint, room: Room) -> None:
    front = room.front

    @routes.get("/")
    async def inbox(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        view, after = await room.list(request, visitor)
        return front.page("inbox.html", request, visitor, list=view, after=after, thread=None)

    @routes.get("/list")
    async def items(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        view, after = await room.list(request, visitor)
        return front.page("_list.html", request, visitor, list=view, after=after, thread=None)

    @routes.get("/thread/<thread>")
    async def whole(request: Request, thread: str) -> HTTPResponse:
        visitor = await front.visitor(request)
        found = await room.thread(request, visitor, web.thread_of(thread))
        view, after = await room.list(request, visitor)
        status = 200 if found else 404
        return front.page("inbox.html", request, visitor, status, list=view, after=after, thread=found)

    @routes.get("/thread/<thread>/panel")
    async def panel(request: Request, thread: str) -> HTTPResponse:
        visitor = await front.visitor(request)
        found = await room.thread(request, visitor, web.thread_of(thread))
        if found is None:
            raise HandoverRefused("this conversation was never seen -> choose one of the list")
        return front.page("_thread.html", request, visitor, thread=found)


# --- what agents do ---


def _add_acts(routes: Blueprint, room: Room) -> None:
    acts, front = room.acts, room.front

    async def reply(request: Request, you: Visitor, thread: str) -> None:
        loop = asyncio.get_running_loop()
        row = await front.call(room.reader.row, thread)
        if row is not None:
            await front.call(acts.claim_for_answer, row, you.name)
        send = functools.partial(
            room.agent.reply,
            thread,
            field(request, "text"),
            agent=you.name,
            key=field(request, "key"),
            file=_upload(request),
        )
        await loop.run_in_executor(room.replies, send)

    async def retry(request: Request, you: Visitor, thread: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(
            room.replies, functools.partial(room.agent.retry, _reply_id(request), thread=thread)
        )

    async def drop(request: Request, you: Visitor, thread: str) -> None:
        await front.call(room.agent.drop, _reply_id(request), thread=thread)

    async def remark(request: Request, you: Visitor, thread: str) -> None:
        await front.call(acts.remark, thread, you.name, field(request, "text"))

    async def tag(request: Request, you: Visitor, thread: str) -> None:
        await front.call(acts.tag, thread, field(request, "tag"), remove=bool(field(request, "remove")))

    async def claim(request: Request, you: Visitor, thread: str) -> None:
        seen = field(request, "assignee_seen")
        await front.call(acts.assign, thread, to=you.name, seen=seen, by=you.name)

    async def assign(request: Request, you: Visitor, thread: str) -> None:
        to, seen = field(request, "agent"), field(request, "assignee_seen")
        await front.call(acts.assign, thread, to=to, seen=seen, by=you.name)

    async def take_over(request: Request, you: Visitor, thread: str) -> None:
        await front.call(acts.take_over, thread, you.name)

    async def give_back(request: Request, you: Visitor, thread: str) -> None:
        note, intent = field(request, "note"), field(request, "intent")
        if intent and intent not in room.rasa.intents():
            raise HandoverRefused(f"the bot has no intent {intent!r} -> choose one of the list")
        await front.call(acts.give_back, thread, you.name, note=note, intent=intent)

    async def extend(request: Request, you: Visitor, thread: str) -> None:
        await front.call(acts.extend, thread, you.name, field(request, "by"))

    async def typing(request: Request, you: Visitor, thread: str) -> None:
        await front.call(acts.types, field(request, "page"), thread)

    done: Dict[str, _Act] = {
        "reply": reply,
        "retry": retry,
        "drop": drop,
        "remark": remark,
        "tag": tag,
        "claim": claim,
        "assign": assign,
        "take-over": take_over,
        "return": give_back,
        "extend": extend,
        "typing": typing,
    }

    @routes.post("/thread/<thread>/<act>")
    async def act(request: Request, thread: str, act: str) -> HTTPResponse:
        you = await front.acting(request)
        do = done.get(act)
        if do is None:
            raise HandoverRefused(f"there is nothing called {act!r} to do -> load the page anew")
        await do(request, you, web.thread_of(thread))
        return web.done(request, to=f"{BASE}/thread/{thread}", quiet=act == "typing")


def _upload(request: Request) -> Optional[File]:
    given = (request.files or {}).get("file")
    if given is None or not given.body:
        return None
    name = Path(given.name.replace("\\", "/")).name[:200]
    return File(name or "file", given.type or "application/octet-stream", given.body)


def _reply_id(request: Request) -> int:
    text = field(request, "reply")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise HandoverRefused("there is no such reply in this conversation -> load the page anew")
    return int(text)


def _seconds(text: Any) -> Optional[float]:
    try:
        found = float(text)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < 1e11 else None


# --- coming in and going ---


def _add_entrance(routes: Blueprint, room: Room) -> None:
    front, entrance = room.front, room.front.entrance

    @routes.get("/sign-in")
    async def ask(request: Request) -> HTTPResponse:
        try:
            await front.visitor(request)
        except SignInFirst:
            return front.page("sign_in.html", request, error="", name="", next=request.args.get("next") or "")
        return redirect(f"{BASE}/", headers=dict(HEADERS), status=303)

    @routes.post("/sign-in")
    async def sign_in(request: Request) -> HTTPResponse:
        entrance.check_origin(web.origin_of(request), request.headers.get("host", ""))
        name, wanted = field(request, "name"), field(request, "next")
        try:
            value, _ = await front.call(
                entrance.sign_in,
                name,
                field(request, "password"),
                address=web.address_of(request),
                cookie=web.cookie_of(request),
            )
        except EntranceRefused as error:
            status = front.status_of(error)
            return front.page(
                "sign_in.html", request, status=status, error=str(error), name=name, next=wanted
            )
        answer = redirect(web.own_path(wanted), headers=dict(HEADERS), status=303)
        return web.with_cookie(answer, request, value)

    @routes.get("/enter")
    async def enter(request: Request) -> HTTPResponse:
        value, _ = await front.call(
            entrance.enter,
            str(request.args.get("key") or ""),
            address=web.address_of(request),
            host=request.headers.get("host", ""),
            headers=list(request.headers.keys()),
        )
        return web.with_cookie(redirect(f"{BASE}/", headers=dict(HEADERS), status=303), request, value)

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> HTTPResponse:
        await front.acting(request)
        await front.call(entrance.sign_out, web.cookie_of(request))
        return redirect(f"{BASE}/sign-in", headers=dict(HEADERS), status=303)

    @routes.get("/preferences")
    async def preferences(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        return front.page("preferences.html", request, visitor, saved=False)

    @routes.post("/preferences")
    async def prefer(request: Request) -> HTTPResponse:
        visitor = await front.acting(request)
        after = await front.call(
            entrance.prefer,
            web.cookie_of(request),
            language=field(request, "language") or None,
            sound=bool(field(request, "sound")),
            notifications=bool(field(request, "notifications")),
        )
        return front.page("preferences.html", request, after or visitor, saved=True)


# --- our own files, and what people sent ---


def _add_files(routes: Blueprint, room: Room) -> None:
    front = room.front
    ours = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}

    @routes.get("/static/<name>")
    async def static(request: Request, name: str) -> HTTPResponse:
        content = ours.get(name)  # of those that were there at start: no path leads anywhere else
        if content is None:
            return front.page("_problem.html", request, status=404, text="there is no such file")
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return HTTPResponse(status=304, headers=headers)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return raw(content, headers=headers, content_type=kind)

    @routes.get("/picture/<thread>")
    async def picture(request: Request, thread: str) -> HTTPResponse:
        await front.visitor(request)
        address = await front.call(room.reader.picture_of, web.thread_of(thread))
        try:
            return await _file(front, room, address)
        except HandoverRefused:  # Meta's addresses of pictures end to work after some days
            return raw(ours["person.svg"], headers={**HEADERS, **_KEPT}, content_type="image/svg+xml")

    @routes.get("/file")
    async def file(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        address = str(request.args.get("of") or "")
        if not web.is_proven(visitor, address, str(request.args.get("proof") or "")):
            raise HandoverRefused("this file was not found in a conversation of yours -> load the page anew")
        return await _file(front, room, address)


_KEPT = {"Cache-Control": f"private, max-age={KEEP}"}


async def _file(front: Front, room: Room, address: str) -> HTTPResponse:
    if not address:
        raise HandoverRefused("there is no picture of this person -> nothing is wrong")
    found = await front.call(room.files.fetch, address)
    headers = {**HEADERS, **_KEPT, **found.headers}
    return raw(found.content, headers=headers, content_type=found.type)


# --- what is new ---


async def _tell(room: Room, request: Request, visitor: Visitor) -> None:
    """Stream server-sent events until the page, the sign-in or the server ends."""
    front, acts = room.front, room.acts
    page = str(request.args.get("page") or "")[:64]
    thread = str(request.args.get("thread") or "")
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    answer = await request.respond(content_type="text/event-stream", headers=headers)
    listener = room.live.open()
    try:
        await answer.send("retry: 2000\n\n")
        here = functools.partial(acts.is_here, page, agent=visitor.name, thread=thread)
        await front.call(here, arrived=True)
        while not listener.is_over:
            changed = await listener.changed(BEAT)
            if not changed:
                if await front.call(front.entrance.who, web.cookie_of(request), renew=False) is None:
                    await answer.send("event: signed-out\ndata:\n\n")
                    return
                await answer.send(":\n\n")
                await front.call(here)
                continue
            await answer.send("event: list\ndata:\n\n")
            if thread in changed:
                await answer.send("event: thread\ndata:\n\n")
    finally:
        room.live.close(listener)
        front.soon(acts.is_gone, page, thread)
