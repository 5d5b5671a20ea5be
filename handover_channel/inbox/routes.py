"""The page's addresses.

1. A GET changes nothing but what its reader has seen.
2. A POST that was done answers 204 and `HX-Trigger: changed`; the page then asks for what it shows.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Awaitable, Callable, Dict, Optional

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from handover_channel.errors import EntranceRefused, HandoverError, HandoverRefused
from handover_channel.inbox import auth_routes, file_routes, http, server_sent_events
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.http import BASE, SignInFirst, field
from handover_channel.inbox.page_services import PageServices
from handover_channel.rules import limits
from handover_channel.rules.rights import Act
from handover_channel.store.replies import File

_Act = Callable[[Request, Visitor, str], Awaitable[None]]


def blueprint(room: PageServices) -> Blueprint:
    """Return the routes of the inbox."""
    routes = Blueprint("handover_inbox", __name__)
    _add_pages(routes, room)
    _add_acts(routes, room)
    auth_routes.add(routes, room)
    file_routes.add(routes, room)

    @routes.get("/live")
    async def live(request: Request) -> Optional[HTTPResponse]:
        visitor = await room.front.visitor(request)
        await server_sent_events.tell(room, request, visitor)
        return None

    for kind in (SignInFirst, EntranceRefused, HandoverError):

        @routes.exception(kind)
        async def refuse(request: Request, error: Exception) -> HTTPResponse:
            return await room.front.refusal(request, error)

    return routes


# --- pages and fragments ---


def _add_pages(routes: Blueprint, room: PageServices) -> None:
    front = room.front

    @routes.get("/")
    async def inbox(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        view, after = await room.list(request, visitor)
        return await front.page("inbox.html", request, visitor, list=view, after=after, thread=None)

    @routes.get("/list")
    async def items(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        view, after = await room.list(request, visitor)
        return await front.page("_list.html", request, visitor, list=view, after=after, thread=None)

    @routes.get("/thread/<thread>")
    async def whole(request: Request, thread: str) -> HTTPResponse:
        visitor = await front.visitor(request)
        found = await room.thread(request, visitor, http.thread_of(thread))
        view, after = await room.list(request, visitor)
        status = 200 if found else 404
        shown = {"list": view, "after": after, "thread": found, "unknown": found is None}
        return await front.page("inbox.html", request, visitor, status, **shown)

    @routes.get("/thread/<thread>/panel")
    async def panel(request: Request, thread: str) -> HTTPResponse:
        visitor = await front.visitor(request)
        found = await room.thread(request, visitor, http.thread_of(thread))
        if found is None:
            raise HandoverRefused("this conversation was never seen -> choose one of the list")
        return await front.page("_thread.html", request, visitor, thread=found)


# --- what agents do ---


def _add_acts(routes: Blueprint, room: PageServices) -> None:
    front = room.front
    #: What Meta, or another channel, may let wait.
    patiently = functools.partial(http.call_in, room.pools.acts)

    async def reply(request: Request, you: Visitor, thread: str) -> None:
        text, file, key = _written(request, "text"), _upload(request), field(request, "key")
        despite = field(request, "despite")
        row = await front.call(room.acts.expect_right, Act.REPLY, thread, you.name, despite=despite)
        if row is not None:
            await patiently(room.acts.claim_for_answer, row, you.name)
        await patiently(room.agent.reply, thread, text, agent=you.name, key=key, file=file)

    async def retry(request: Request, you: Visitor, thread: str) -> None:
        reply, despite = _reply_id(request), field(request, "despite")
        await front.call(room.acts.expect_right, Act.RETRY, thread, you.name, despite=despite, reply=reply)
        await patiently(room.agent.retry, reply, thread=thread)

    async def drop(request: Request, you: Visitor, thread: str) -> None:
        reply = _reply_id(request)
        await front.call(room.acts.expect_right, Act.DROP, thread, you.name, reply=reply)
        await front.call(room.agent.drop, reply, thread=thread)

    async def remark(request: Request, you: Visitor, thread: str) -> None:
        await front.call(room.acts.remark, thread, you.name, _written(request, "text"))

    async def tag(request: Request, you: Visitor, thread: str) -> None:
        await front.call(room.acts.tag, thread, field(request, "tag"), remove=bool(field(request, "remove")))

    async def claim(request: Request, you: Visitor, thread: str) -> None:
        seen = field(request, "assignee_seen")
        await patiently(room.acts.assign, thread, to=you.name, seen=seen, by=you.name)

    async def assign(request: Request, you: Visitor, thread: str) -> None:
        to, seen = field(request, "agent"), field(request, "assignee_seen")
        await patiently(room.acts.assign, thread, to=to, seen=seen, by=you.name)

    async def take_over(request: Request, you: Visitor, thread: str) -> None:
        await patiently(room.acts.take_over, thread, you.name)

    async def give_back(request: Request, you: Visitor, thread: str) -> None:
        note, intent = _written(request, "note"), field(request, "intent")
        if intent and intent not in room.reader.to_go_on_with(room.rasa.intents()):
            raise HandoverRefused(f"the bot has no intent {intent!r} -> choose one of the list")
        await patiently(room.acts.give_back, thread, you.name, note=note, intent=intent)

    async def extend(request: Request, you: Visitor, thread: str) -> None:
        await front.call(room.acts.extend, thread, you.name, field(request, "by"))

    async def typing(request: Request, you: Visitor, thread: str) -> None:
        await front.call(room.acts.types, field(request, "page"), thread)

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

    @routes.post("/thread/<thread>/<act>", stream=True)
    async def act(request: Request, thread: str, act: str) -> HTTPResponse:
        you = await front.acting(request, limits.ACTS.get(act, limits.FORM))
        do = done.get(act)
        if do is None:
            raise HandoverRefused(f"there is nothing called {act[:20]!r} to do -> load the page anew")
        await do(request, you, http.thread_of(thread))
        return http.done(request, to=f"{BASE}/thread/{thread}", quiet=act == "typing")


def _written(request: Request, name: str) -> str:
    # A form's line ends are CR LF: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html
    return field(request, name).replace("\r\n", "\n")


def _upload(request: Request) -> Optional[File]:
    """Return the file of a form. A field without one has neither name nor content."""
    given = [each for each in http.uploads(request) if each.name or each.content]
    if len(given) > 1:
        raise HandoverRefused("one reply takes one file -> send the others in replies of their own")
    if not given:
        return None
    (file,) = given
    name = Path(file.name.replace("\\", "/")).name[-200:]
    return File(name or "file", file.type or "application/octet-stream", file.content)


def _reply_id(request: Request) -> int:
    text = field(request, "reply")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise HandoverRefused("there is no such reply in this conversation -> load the page anew")
    return int(text)
