"""Answers at the page's addresses: what it shows, and what agents do in a thread.

1. A GET changes nothing but what its reader has seen.
2. What may have to wait for Meta, or another channel, waits in a pool of its own.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence
from urllib.parse import quote

from handover_channel.errors import NO_SUCH_CONVERSATION, NotKnown, NotUsable
from handover_channel.inbox import answer, auth_routes, file_routes, permissions, server_sent_events
from handover_channel.inbox.admin import routes as admin_routes
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.concurrency import call_in
from handover_channel.inbox.forms import Upload
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import BASE, Request
from handover_channel.inbox.route import Route
from handover_channel.rules import limits
from handover_channel.rules.rights import Act
from handover_channel.store.replies import File
from handover_channel.store.threads import Thread

# --- pages and fragments ---


async def show_inbox(services: PageServices, request: Request) -> Answer:
    """Show the list, and no thread."""
    view, after = await services.list(request)
    start = await services.call(services.queries.start, request.you.name)
    return await services.draw("inbox.html", request, list=view, after=after, thread=None, start=start)


async def show_start(services: PageServices, request: Request) -> Answer:
    """Show what there is to do next alone."""
    start = await services.call(services.queries.start, request.you.name)
    return await services.draw("_nothing.html", request, start=start)


async def show_list(services: PageServices, request: Request) -> Answer:
    """Show the list alone."""
    view, after = await services.list(request)
    return await services.draw("_list.html", request, list=view, after=after, thread=None)


async def show_commands(services: PageServices, request: Request) -> Answer:
    """Show the conversations that a search finds, for the command bar."""
    view, _ = await services.list(request)
    return await services.draw("_commands_found.html", request, list=view)


async def show_next(services: PageServices, request: Request) -> Answer:
    """Show whoever waits longest, behind the thread that is shown. Raises NotKnown where nobody waits."""
    found = await services.call(services.queries.next_waiting, request.argument("thread"))
    if found is None:
        raise NotKnown("nobody else is waiting -> look at your own conversations")
    if not request.is_of_the_script:
        return answer.redirect(f"{BASE}/thread/{quote(found, safe='')}")
    shown = await show_panel(services, replace(request, query="", in_path={"thread": quote(found, safe="")}))
    address = f"{request.base}/thread/{quote(found, safe='')}"
    return replace(shown, headers={**shown.headers, "HX-Push-Url": address})


async def show_thread(services: PageServices, request: Request) -> Answer:
    """Show a thread beside the list."""
    found = await services.thread(request)
    view, after = await services.list(request)
    shown = {"list": view, "after": after, "thread": found, "unknown": found is None}
    return await services.draw("inbox.html", request, 200 if found else 404, **shown)


async def show_panel(services: PageServices, request: Request) -> Answer:
    """Show a thread alone. Raises NotKnown for one that was never seen."""
    found = await services.thread(request)
    if found is None:
        raise NotKnown(NO_SUCH_CONVERSATION)
    return await services.draw("_thread.html", request, thread=found)


async def show_person(services: PageServices, request: Request) -> Answer:
    """Show who the person is. Raises NotKnown for a thread that was never seen."""
    row = await _row(services, request)
    person = await services.call(services.queries.person, row, services.bot)
    return await services.draw("_person.html", request, person=person)


async def show_card(services: PageServices, request: Request) -> Answer:
    """Show what was wanted and what failed before the handover. Raises NotKnown as `show_person`."""
    row = await _row(services, request)
    card = await services.call(services.queries.card, row, services.bot)
    return await services.draw("_card.html", request, card=card)


async def _row(services: PageServices, request: Request) -> Thread:
    row = await services.call(services.queries.row, request.thread)
    if row is None:
        raise NotKnown(NO_SUCH_CONVERSATION)
    return row


async def follow(services: PageServices, request: Request) -> Answer:
    """Tell an open page when something is new, as long as it is open."""
    return server_sent_events.stream(
        services, request, page=request.argument("page"), thread=request.argument("thread")
    )


# --- what agents do in a thread: all raise Refused for what cannot be, in words ---


async def reply(services: PageServices, request: Request) -> Answer:
    """Keep a reply and send it; who answers in a thread that nobody has, gets it.

    Raises AskFirst where a colleague has it, or somebody has answered since it was written.
    """
    thread, you = request.thread, request.you.name
    text, file, key = request.written("text"), only_file(request.form.files), request.field("key")
    given = {"despite": request.field("despite"), "seen": request.field("seen")}
    row = await _row(services, request)
    if request.field("take") and row.assignee != you:  # it is theirs where the same is asked once more
        await _assign(services, request, to=you, seen=given["despite"])
        row = await _row(services, request)
    await services.call(services.commands.expect_reply, row, you, key=key, **given)
    await call_in(services.pools.meta, services.commands.claim_for_answer, row, you)
    check = functools.partial(permissions.expect_reply, row=row, by=you, **given)
    send = functools.partial(services.replies.reply, agent=you, key=key, file=file, check=check)
    await call_in(services.pools.meta, send, thread, text)
    return answer.changed(request)


async def retry(services: PageServices, request: Request) -> Answer:
    """Send a reply that has failed once more; with `take`, take the thread over first, as `take_over`."""
    thread, you, about = request.thread, request.you.name, reply_id(request.field("reply"))
    despite = request.field("despite")
    if request.field("take"):
        await call_in(services.pools.meta, services.commands.take_over, thread, you)
    await services.call(services.commands.expect_right, Act.RETRY, thread, you, despite=despite, reply=about)
    await call_in(services.pools.meta, services.replies.retry, about, thread=thread)
    return answer.changed(request)


async def drop(services: PageServices, request: Request) -> Answer:
    """Discard a reply that has failed."""
    thread, you, about = request.thread, request.you.name, reply_id(request.field("reply"))
    await services.call(services.commands.expect_right, Act.DROP, thread, you, reply=about)
    await services.call(services.replies.drop, about, thread=thread)
    return answer.changed(request)


async def add_note(services: PageServices, request: Request) -> Answer:
    """Keep an internal note."""
    await services.call(services.commands.add_note, request.thread, request.you.name, request.written("text"))
    return answer.changed(request)


async def tag(services: PageServices, request: Request) -> Answer:
    """Tag the thread, or take the tag away."""
    wanted, remove, you = request.field("tag"), bool(request.field("remove")), request.you.name
    await services.call(services.commands.tag, request.thread, wanted, by=you, remove=remove)
    return answer.changed(request)


async def claim(services: PageServices, request: Request) -> Answer:
    """Assign the thread to who asks for it."""
    return await _assign(services, request, to=request.you.name, seen=request.field("assignee_seen"))


async def assign(services: PageServices, request: Request) -> Answer:
    """Assign the thread to another agent, or to nobody."""
    to, seen = request.field("agent"), request.field("assignee_seen")
    return await _assign(services, request, to=to, seen=seen)


async def _assign(services: PageServices, request: Request, *, to: str, seen: str) -> Answer:
    thread, you = request.thread, request.you.name
    await call_in(services.pools.meta, services.commands.assign, thread, to=to, seen=seen, by=you)
    return answer.changed(request)


async def take_over(services: PageServices, request: Request) -> Answer:
    """Take the thread from the bot, or from another app. Raises GraphError, too."""
    await call_in(services.pools.meta, services.commands.take_over, request.thread, request.you.name)
    return answer.changed(request)


async def return_to_bot(services: PageServices, request: Request) -> Answer:
    """Return the thread to the bot, which may go on with an intent. Raises NotUsable for an unknown one."""
    note, intent = request.written("note"), request.field("intent")
    bot = services.bot
    if intent and intent not in services.queries.to_go_on_with(bot.intents(), bot.flows()):
        raise NotUsable("the bot has no intent %(intent)r -> choose one of the list", intent=intent)
    thread, you = request.thread, request.you.name
    await call_in(services.pools.meta, services.commands.return_to_bot, thread, you, note=note, intent=intent)
    return answer.changed(request)


async def hand_on(services: PageServices, request: Request) -> Answer:
    """Hand the thread on to another target. Raises GraphError, too."""
    thread, you, to = request.thread, request.you.name, request.field("target")
    note = request.written("note")
    await call_in(services.pools.meta, services.commands.hand_on, thread, you, to, note=note)
    return answer.changed(request)


async def mark_unread(services: PageServices, request: Request) -> Answer:
    """Have the thread count as unread for who asks: it is closed, as looking at it would read it again."""
    await services.call(services.commands.mark_unread, request.thread, request.you.name)
    if not request.is_of_the_script:
        return answer.redirect(f"{BASE}/")
    drawn = await services.draw("_nothing.html", request)
    return replace(drawn, headers={**drawn.headers, "HX-Trigger": "changed"})


async def extend(services: PageServices, request: Request) -> Answer:
    """Put the time limit off."""
    await services.call(services.commands.extend, request.thread, request.you.name, request.field("by"))
    return answer.changed(request)


async def note_typing(services: PageServices, request: Request) -> Answer:
    """Note that somebody types in the thread."""
    await services.call(services.commands.note_typing, request.field("page"), request.thread)
    return answer.nothing()


async def do_unknown(services: PageServices, request: Request) -> Answer:
    """Raise NotKnown: nothing is done in a thread under any other name."""
    raise NotKnown(
        "there is nothing called %(act)r to do -> load the page anew", act=request.in_path["act"][:20]
    )


def only_file(given: Sequence[Upload]) -> Optional[File]:
    """Return the file of a form, None for none. Raises NotUsable for more than one.

    A field without a file has neither name nor content.
    """
    files = [each for each in given if each.name or each.content]
    if len(files) > 1:
        raise NotUsable("one reply takes one file -> send the others in replies of their own")
    if not files:
        return None
    (file,) = files
    name = Path(file.name.replace("\\", "/")).name[-200:]
    return File(name or "file", file.type or "application/octet-stream", file.content)


def reply_id(text: str) -> int:
    """Return the id of a reply. Raises NotKnown for what is no number."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NotKnown("there is no such reply in this conversation -> load the page anew")
    return int(text)


_THREAD = "/thread/<thread>"

ROUTES: Sequence[Route] = (
    Route("GET", "/", show_inbox),
    Route("GET", "/start", show_start),
    Route("GET", "/list", show_list),
    Route("GET", "/commands", show_commands),
    Route("GET", "/next", show_next),
    Route("GET", _THREAD, show_thread),
    Route("GET", f"{_THREAD}/panel", show_panel),
    Route("GET", f"{_THREAD}/person", show_person),
    Route("GET", f"{_THREAD}/card", show_card),
    Route("GET", "/live", follow),
    Route("POST", f"{_THREAD}/reply", reply, body=limits.REPLY),
    Route("POST", f"{_THREAD}/retry", retry),
    Route("POST", f"{_THREAD}/drop", drop),
    Route("POST", f"{_THREAD}/remark", add_note, body=limits.NOTE),
    Route("POST", f"{_THREAD}/tag", tag, body=limits.NOTE),
    Route("POST", f"{_THREAD}/claim", claim),
    Route("POST", f"{_THREAD}/assign", assign),
    Route("POST", f"{_THREAD}/take-over", take_over),
    Route("POST", f"{_THREAD}/return", return_to_bot, body=limits.NOTE),
    Route("POST", f"{_THREAD}/hand-on", hand_on, body=limits.NOTE),
    Route("POST", f"{_THREAD}/unread", mark_unread),
    Route("POST", f"{_THREAD}/extend", extend),
    Route("POST", f"{_THREAD}/typing", note_typing),
    Route("POST", f"{_THREAD}/<act>", do_unknown),
    *auth_routes.ROUTES,
    *file_routes.ROUTES,
    *admin_routes.ROUTES,
)
