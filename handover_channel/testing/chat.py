"""Draws a conversation as a chat, with what else happened between the lines: control, time, refusals.

This is what a test that fails shows: whoever reads it was not there.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from handover_channel.log import printable
from handover_channel.simulator.message_checks import buttons_of
from handover_channel.simulator.thread import ChatEntry

#: Characters of the column with the names.
_NAMES = 14

#: What is drawn between two lines: (how many entries of the chat are before it, text).
Note = Tuple[int, str]


def drawn(chat: Iterable[ChatEntry], notes: Iterable[Note], names: Mapping[str, str]) -> str:
    """Return the conversation, a line or more for each message. *names*: author, or mid -> name shown."""
    waiting, lines = sorted(notes, key=lambda note: note[0]), []
    for number, entry in enumerate(chat):
        while waiting and waiting[0][0] <= number:
            lines.append(_note(waiting.pop(0)[1]))
        lines.extend(_entry(entry, names))
    return "\n".join([*lines, *(_note(text) for _, text in waiting)])


def text_of(message: Mapping[str, Any]) -> str:
    """Return what a person reads of a message, without its buttons: text, titles of cards, kind of a file."""
    if message.get("text"):
        return str(message["text"])
    found = [message["attachment"]] if message.get("attachment") else message.get("attachments") or ()
    return "\n".join(filter(None, (_text_of_attachment(each) for each in found)))


def taps_of(message: Mapping[str, Any]) -> List[str]:
    """Return the titles that a person can tap: of buttons and quick replies."""
    offered: List[Dict[str, Any]] = [*buttons_of(message), *(message.get("quick_replies") or ())]
    return [str(each.get("title", "")) for each in offered]


def _text_of_attachment(attachment: Mapping[str, Any]) -> str:
    payload = attachment.get("payload") or {}
    if attachment.get("type") != "template":
        return f"[{attachment.get('type')}] {payload.get('url', '')}".rstrip()
    cards = payload.get("elements") or ()
    titles = (f"{each.get('title', '')}\n{each.get('subtitle', '')}".strip() for each in cards)
    return str(payload.get("text") or "") or "\n".join(titles)


def _entry(entry: ChatEntry, names: Mapping[str, str]) -> List[str]:
    name = names.get(str(entry.get("mid"))) or names.get(entry.get("author", ""), entry.get("author", ""))
    if entry["kind"] == "message":
        taps = "  ".join(f"[{title}]" for title in taps_of(entry["message"]))
        said = [*text_of(entry["message"]).splitlines(), *([taps] if taps else [])]
    elif entry["kind"] == "postback":
        said = [f"taps [{entry['title']}]"]
    elif entry["kind"] == "control":
        return []  # what the bot knew of it is a note
    else:
        said = [f"({entry['kind']})"]
    first, *others = [printable(line) for line in said] or [""]
    indent = " " * _NAMES
    return [f"{printable(name):<{_NAMES}}{first}", *(f"{indent}{line}" for line in others)]


def _note(text: str) -> str:
    return f"{'':-<{_NAMES - 1}} {printable(text)}"
