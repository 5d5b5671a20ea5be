"""Shows who has control: of one thread, with why the bot is silent there, or of all open threads.

1. One thread begins with a paragraph (rules/why_silent.py), in English or Arabic. Meta is asked for it, for a
   few seconds; that it could not be asked is said, and is no failure.
2. What people and other apps have written is printed harmlessly (log.py). `--json` prints JSON alone.
"""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence

import typer
from rich.console import Console
from rich.table import Column, Table

from handover_channel.cli.ages import age
from handover_channel.cli.language import Language, translating
from handover_channel.cli.waiting import within
from handover_channel.errors import HandoverError, NotKnown
from handover_channel.log import printable
from handover_channel.messenger.bubble import words
from handover_channel.sentences import in_one_paragraph

if TYPE_CHECKING:
    from handover_channel.control.thread_control import ThreadControl
    from handover_channel.rules.why_silent import MetaSays
    from handover_channel.sentences import Sentence
    from handover_channel.services import Services
    from handover_channel.store.open_threads import OpenThread, Place
    from handover_channel.store.thread_status import Status

#: Of the JSON.
SCHEMA = 1

#: Seconds that Meta has to say who has control, whatever stands in between.
ASK_WITHIN = 5.0


def status(
    thread: Optional[str] = typer.Argument(
        None, help="The conversation id in Rasa: the person's PSID. Without it: all open threads."
    ),
    language: Language = typer.Option(Language.ENGLISH, help="Of the paragraph."),
    ask: bool = typer.Option(True, "--ask/--no-ask", help="Ask Meta who has control now."),
    limit: int = typer.Option(50, min=1, max=1000, help="Without THREAD: so many."),
    after: str = typer.Option(
        "", help="Without THREAD: go on behind this place, the `next` of the page before."
    ),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Show who has control of a thread, until when, and how it came to that; or all open threads.

    Exit code: 0; 2 if the settings are wrong, the database cannot be reached or the thread was never seen.
    """
    from handover_channel import services

    parts = services.from_config()
    if thread is None:
        _show_open(parts, limit=limit, after=_place(after), as_json=as_json)
        return
    found = status_of(parts.thread_control, thread)
    now = time.time()
    meta = _meta(parts, found, now) if ask else None
    why = _why(parts, found, meta, language, now=now)
    if as_json:
        typer.echo(json.dumps(_plain_status(found, meta, why), indent=2))
        return
    print_paragraph(Console(), why)
    _print_status(Console(), found)


def status_of(thread_control: ThreadControl, thread: str) -> Status:
    """Return the status of *thread*. Raises NotKnown for one that was never seen, StoreUnavailable."""
    found = thread_control.status(thread)
    if found is None:
        raise NotKnown(
            "thread %(thread)s was never seen -> is it the customer's PSID on this page?", thread=thread
        )
    return found


# --- why the bot is silent ------------------------------------------------------------------------


class WhyOfThread(NamedTuple):
    """Why the bot is silent in a thread, or that it is not."""

    thread: str
    why: List[Dict[str, str]]  #: `id` as in rules/why_silent.py, and `text` in the language asked for

    @property
    def paragraph(self) -> str:
        """All of it."""
        return in_one_paragraph(each["text"] for each in self.why)

    def plain(self) -> Dict[str, Any]:
        """Return it for JSON."""
        return {"why": self.why, "paragraph": self.paragraph}


def why_of(thread: str, language: Language) -> WhyOfThread:
    """Return why the bot is silent in *thread*, Meta asked.

    Raises SettingsError, NotKnown for a thread that was never seen, StoreUnavailable.
    """
    from handover_channel import services

    parts = services.from_config()
    found, now = status_of(parts.thread_control, thread), time.time()
    return _why(parts, found, _meta(parts, found, now), language, now=now)


def print_paragraph(console: Console, why: WhyOfThread) -> None:
    """Print it, and an empty line behind it."""
    text = printable(why.paragraph)
    console.print(text, markup=False, highlight=False, soft_wrap=not console.is_terminal)
    console.print()


def _why(
    parts: Services, found: Status, meta: Optional[MetaSays], language: Language, *, now: float
) -> WhyOfThread:
    """Return the sentences of the paragraph. *meta*: what Meta said, None if nobody has asked."""
    from handover_channel.control.thread_facts import facts_of
    from handover_channel.rules import why_silent

    said = why_silent.explain(facts_of(found, parts.settings, meta or why_silent.MetaSays(), now=now))
    lines = texts([each.sentence for each in said], language)
    named = [{"id": each.id, "text": text} for each, text in zip(said, lines)]
    return WhyOfThread(found.thread.id, named)


def texts(sentences: Sequence[Sentence], language: Language) -> List[str]:
    """Return the sentences in *language*; what Meta said itself stands in quotes, in its words."""
    found = map(translating(language), sentences)
    return [f'{each.sentence} "{each.details}"' if each.details else each.sentence for each in found]


def _meta(parts: Services, found: Status, now: float) -> MetaSays:
    """Return what Meta says, in ASK_WITHIN seconds at most: its name alone may take longer to look up."""
    from handover_channel.control.thread_facts import ask_meta
    from handover_channel.rules.why_silent import MetaSays, Whose
    from handover_channel.sentences import counted

    row, settings, graph = found.thread, parts.settings, parts.graph
    said = within(ASK_WITHIN, lambda: ask_meta(row, settings, graph, now=now))
    if said is not None:
        return said
    late = counted(
        "no answer within %(number)s second", "no answer within %(number)s seconds", round(ASK_WITHIN)
    )
    return MetaSays(Whose.NO_ANSWER, problem=late)


def _plain_status(found: Status, meta: Optional[MetaSays], why: WhyOfThread) -> Dict[str, Any]:
    row = found.thread
    names = (
        "id", "channel", "page", "reason", "changed_at", "until", "active_at", "waiting_since", "assignee",
        "attempts",
    )  # fmt: skip
    thread = {name: getattr(row, name) for name in names}
    state = {"control": row.state.control.value, "owner": row.state.owner, "target": row.state.target}
    return {
        "schema": SCHEMA,
        "thread": {**thread, **state, "refusal": str(row.refusal)},
        "meta": None if meta is None else {**asdict(meta), "whose": meta.whose.value},
        **why.plain(),
        "queue": found.queue._asdict(),
        "findings": [asdict(each) for each in found.findings],
        "changes": [asdict(each) for each in found.log],
        "transcript": [_plain_line(line) for line in found.transcript],
    }


def _plain_line(line: Any) -> Dict[str, Any]:
    names = ("author", "app_id", "text", "timestamp", "agent")
    types = [each.type or "unknown" for each in line.attachments]
    return {**{name: getattr(line, name) for name in names}, "attachments": types}


def _print_status(console: Console, found: Status) -> None:
    thread, state = found.thread, found.thread.state
    facts = {
        "Thread": thread.id,
        "Channel": thread.channel,
        "Control": f"{state.control.value} {state.target}".strip(),
        "Agent": found.shown_names.get(thread.assignee, thread.assignee),
        "Owner": state.owner and f"app {state.owner}",
        "Since": f"{_time(thread.changed_at)} ({thread.reason})" if thread.reason else "",
        "Until": _time(thread.until),
        "Refused": thread.refusal and f"{thread.refusal} (tried {thread.attempts} times)",
    }
    for name, fact in facts.items():
        if fact:
            console.print(f"{name + ':':<10}{printable(fact)}", markup=False, highlight=False, soft_wrap=True)
    for finding in found.findings:
        console.print(
            f"{'Wrong:':<10}{printable(finding.text)}", markup=False, highlight=False, soft_wrap=True
        )
    changes = Table("when", "from", "to", "reason", "who", title="Changes of control", title_justify="left")
    for change in found.log:
        to = f"{change.control} {change.target}".strip()
        changes.add_row(
            _time(change.at), *map(printable, (change.control_before, to, change.reason, change.who))
        )
    lines = Table("when", "who", "text", title="Said while the bot was silent", title_justify="left")
    for line in found.transcript:
        files = ", ".join(f"[{attachment.type or 'unknown'}]" for attachment in line.attachments)
        said = words(line.text) or files or "[nothing]"
        name = found.shown_names.get(line.agent, line.agent) or line.app_id
        lines.add_row(_time(line.timestamp / 1000), *map(printable, (f"{line.author} {name}".strip(), said)))
    for table in (changes, lines):
        if table.row_count:
            console.print()
            console.print(table, markup=False)


# --- all open threads -----------------------------------------------------------------------------


def _show_open(parts: Services, *, limit: int, after: Optional[Place], as_json: bool) -> None:
    from handover_channel.store import conversation_lists, open_threads

    now = time.time()
    with parts.store.reading() as connection:
        total = conversation_lists.count(connection, "open", agent="")
        found = open_threads.page(connection, limit=limit + 1, after=after)
    more = len(found) > limit
    found = found[:limit]
    behind = _place_text(found[-1].place) if more else ""
    if as_json:
        shown = [_plain_open(each, now) for each in found]
        counts = {"total": total, "total_is_least": total >= conversation_lists.MOST}
        typer.echo(json.dumps({"schema": SCHEMA, **counts, "next": behind, "threads": shown}, indent=2))
        return
    _print_open(Console(), found, total=total, most=conversation_lists.MOST, now=now)
    if behind:
        typer.echo(printable(f"There are more: handover status --after {shlex.quote(behind)}"))


def _print_open(console: Console, found: List[OpenThread], *, total: int, most: int, now: float) -> None:
    if not found:
        console.print("No thread is open: the bot has control of them all.")
        return
    count = f"{total} or more" if total >= most else str(total)
    table = Table(
        Column("thread", no_wrap=True),
        "control", "since", "until", "reason", "page", "last words", "waits", "wrong",
        title=f"Open: {len(found)} of {count}, whoever waits longest first", title_justify="left",
    )  # fmt: skip
    for each in found:
        cells = (
            each.id,
            f"{each.control} {each.target}".strip(),
            _time(each.changed_at),
            _time(each.until),
            each.reason,
            each.page,
            age(now - each.last_at / 1000) if each.last_at else "",
            age(now - each.waiting_since) if each.waiting_since else "",
            "; ".join(_wrong(each, now)),
        )
        table.add_row(*map(printable, cells))
    console.print(table, markup=False)


def _plain_open(each: OpenThread, now: float) -> Dict[str, Any]:
    plain = {name: value for name, value in asdict(each).items() if name not in ("place", "last_at")}
    last = round(now - each.last_at / 1000, 1) if each.last_at else None
    return {**plain, "refusal": str(each.refusal), "last_words_seconds": last, "wrong": _wrong(each, now)}


def _wrong(each: OpenThread, now: float) -> List[str]:
    """Return what is wrong with a thread, in some words each."""
    from handover_channel.rules.time_limit import is_unattended

    found = [f"Meta refused to give it back: {each.refusal}"] if each.refusal else []
    if is_unattended(each.until, now):
        found.append("its time is up, and no process has ended it")
    if each.given_up:
        found.append(f"messages given up: {each.given_up}")
    return [*found, *([each.finding] if each.finding else [])]


def _place_text(place: Place) -> str:
    return f"{place.part},{place.at!r},{place.thread}"


def _place(text: str) -> Optional[Place]:
    from handover_channel.store.open_threads import Place

    if not text:
        return None
    part, _, rest = text.partition(",")
    at, _, thread = rest.partition(",")
    try:
        if thread:
            return Place(int(part), float(at), thread)
    except ValueError:
        pass
    raise HandoverError("--after: this is no place of the list -> take `next` of the page before") from None


def _time(seconds: Optional[float]) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
