"""Writes the tables of docs/troubleshooting.md: every message of the code, and what to do about it.

`python docs/messages.py docs/troubleshooting.md` (or `make docs`) rewrites the file. The messages are read
from the source (source_texts.py): whatever is raised, refused, found or logged, also what no test provokes.

1. A value that the message fills in is its name, in italics; a constant is filled in.
2. What to do is what the message says itself: behind " -> ", behind ": " in a settings file, or as the
   remedy of what the doctor finds.
3. What is read only by who works on this package is left out: `_OTHERS`; and log lines about which nothing
   can be done, or which do not say what.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

from source_texts import CLOSE, OPEN, Scope, called, sources

from handover_channel.graph_api import errors as known
from handover_channel.graph_api.remedies import REMEDIES, Caller
from handover_channel.settings.reference import rewrite, table_of, with_tables

#: Heading of the document -> the modules whose messages stand there, by how their paths begin.
PLACES: Mapping[str, Tuple[str, ...]] = {
    "In the settings": ("settings/", "rules/durations", "rules/business_hours"),
    "What the doctor finds": ("doctor/",),
    "When Rasa or the action server starts": ("rasa/refused_starts", "rasa/channel", "inbox/channel"),
    "At a command": (
        *("cli/", "project_setup/", "exports/", "store/agents", "inbox/passwords", "rasa/trackers"),
        "rules/points_in_time",
    ),
    "In the inbox": ("inbox/", "replies/", "rules/obstacle", "rasa/request_body", "store/replies"),
    "When a thread is handed over or returned": ("control/", "actions", "rules/", "settings/"),
    "From the queue, the webhook and Meta": ("",),
}
LOG, META = "In the log", "What Meta refuses"

#: Modules whose messages play Meta, judge a test, tell of this package's inside, or stand in those of others.
_OTHERS = (
    *("simulator/", "testing/", "queue/ipc", "settings/reference", "settings/keys"),
    *("sentences.py", "errors.py", "log.py", "graph_api/simulated_clock"),
    *("doctor/model", "store/examination"),
    "store/database_errors",  # a list of its own in the document
)
#: Modules whose errors nobody reads.
_INSIDE = ("simulator/", "queue/ipc")
#: Modules whose sentences are all reasons for which something cannot be.
_REASONS = ("rules/obstacle", "replies/sending_rules")
_VALUE_ERRORS = ("rules/durations", "rules/business_hours", "rules/points_in_time")

COLUMNS = ("what you read", "what to do")

#: What a command says because it was told so.
_ANSWERS = ("Nothing was changed.",)
#: What to do about a message that ends in another one.
ANOTHER = "see what stands behind the colon"

#: What Markdown would take for its own: an underscore within a word stays.
_MARKUP = re.compile(r"[\\\[\]<*]|(?<!\w)_|_(?!\w)")


class Message(NamedTuple):
    """What somebody reads, and what they can do."""

    place: str
    text: str
    remedy: str


@cache
def messages() -> Tuple[Message, ...]:
    """Return every message of the code, each once."""
    kinds = _kinds()
    found: Dict[Message, str] = {}
    for source in sources():
        if not source.name.startswith(_OTHERS):
            for call, scope in source.calls():
                for place, text in _said(call, scope, kinds):
                    made = _message(place, text)
                    if made is not None:
                        found.setdefault(made, source.name)
    return tuple(found)


def _message(place: str, text: str) -> Optional[Message]:
    """Return *text* as a message; None where there are no words of ours, or no advice in a log line."""
    said, _, remedy = (part.strip() for part in text.partition(" -> "))
    if not remedy and re.search(rf":\s+{OPEN}[^{OPEN}]*{CLOSE}$", said):
        remedy = ANOTHER
    words = re.findall(r"[a-z]{2,}", re.sub(f"{OPEN}.*?{CLOSE}", "", said))
    if len(words) < 2 or said in _ANSWERS or said.endswith(":") or (place == LOG and not remedy):
        return None
    return Message(place, said, remedy)


def _kinds() -> Set[str]:
    """Return the names of all errors that are for people: ours, and those that Rasa prints."""
    bases: Dict[str, Set[str]] = defaultdict(set)
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and not source.name.startswith(_INSIDE):
                bases[node.name] |= {getattr(base, "id", "") for base in node.bases}
    kinds = {"HandoverError", "RasaException", "SystemExit"}
    while True:
        more = {name for name, its in bases.items() if its & kinds} - kinds
        if not more:
            return kinds
        kinds |= more


def _said(call: ast.Call, scope: Scope, kinds: Set[str]) -> Iterator[Tuple[str, str]]:
    """Yield where *call* says something to people, and what: what to do is behind " -> "."""
    name, module = called(call), scope.source.name
    if not call.args:
        return
    if name in ("warning", "error", "critical"):
        yield from ((LOG, text) for text in _logged(call, scope))
        return
    texts: Iterable[str] = ()
    if module.startswith("doctor/") and name in ("fail", "warn", "_bad", "bad", "CouldNotLook"):
        texts = _found(call, scope, 1 if name == "CouldNotLook" else 2)
    elif name == "ValueError" and module.startswith(_VALUE_ERRORS):
        texts = (f"{OPEN}key{CLOSE} is {OPEN}value{CLOSE} -> {text}" for text in scope.wordings(call.args[0]))
    elif name in kinds:
        remedies = [each.value for each in call.keywords if each.arg == "remedy"]
        if name == "Unanswered":  # its remedy is that of its class
            remedies = [ast.Name("UNREACHABLE")]
        texts = _with_remedies(scope.filled(call.args[0], call.keywords), scope, remedies)
        if module.startswith("project_setup/"):
            texts = [text if " -> " in text else _by_colon(text) for text in texts]
        elif module.startswith(("inbox/", "replies/")):
            texts = map(_by_clause, texts)
    elif name == "Sentence" or name == "counted" and len(call.args) > 2:
        given = call.args[-1] if name == "Sentence" else call.args[1]
        texts = scope.filled(given, call.keywords)
        if module.startswith(_REASONS):
            texts = map(_by_clause, texts)
        texts = [text for text in texts if " -> " in text and not module.startswith("rules/why_silent")]
    elif module.startswith(("settings/", "inbox/")) and name in (
        "refuse",
        "required",
        "expect_none",
        "append",
    ):
        texts = _of_settings(call, name, scope)
    yield from ((_place(module), text) for text in texts)


def _found(call: ast.Call, scope: Scope, last: int) -> Iterable[str]:
    remedies = call.args[last : last + 1]
    return _with_remedies(scope.wordings(call.args[0]), scope, remedies)


def _with_remedies(texts: Iterable[str], scope: Scope, remedies: Iterable[ast.AST]) -> List[str]:
    found = [text for each in remedies for text in scope.wordings(each)]
    return [f"{text} -> {'; or '.join(found)}" if found else text for text in texts]


def _of_settings(call: ast.Call, name: str, scope: Scope) -> Iterator[str]:
    if name == "append":
        if (
            getattr(getattr(call.func, "value", None), "attr", getattr(call.func.value, "id", ""))
            == "problems"
        ):
            yield from map(_by_colon, scope.wordings(call.args[0]))
        return
    said = scope.wordings(call.args[-1])
    if name == "expect_none":
        yield from (f"{OPEN}key{CLOSE} is not a setting -> {text}" for text in said)
        return
    keys = scope.wordings(call.args[0]) if len(call.args) > 1 else [f"{OPEN}key{CLOSE}"]
    for key in filter(None, keys):
        for text in said:
            yield _by_colon(f"{key} is missing: {text}" if name == "required" else f"{key} {text}")


def _by_colon(text: str) -> str:
    """Return a problem of a settings file with its remedy behind " -> ": it is behind the last ": "."""
    found = re.fullmatch(
        rf"((?:{OPEN}\w+{CLOSE}|\S+\.yml|line {OPEN}\w+{CLOSE}): )?(.+?): (.+)", text, re.DOTALL
    )
    return f"{found[1] or ''}{found[2]} -> {found[3]}" if found else text


def _by_clause(text: str) -> str:
    """Return a reason with what to do behind " -> ": it is behind the colon, or in the last sentence."""
    if " -> " in text:
        return text
    if re.search(rf": {OPEN}[^{OPEN}]*{CLOSE}$", text):
        return text
    said, found, remedy = text.partition(": ") if ": " in text else text.rpartition(". ")
    return f"{said} -> {remedy}" if found else text


def _logged(call: ast.Call, scope: Scope) -> List[str]:
    for number, given in enumerate(call.args):
        texts = scope.wordings(given)
        if not isinstance(given, ast.Attribute) and any(" " in text for text in texts):
            return scope.filled_in_order(given, call.args[number + 1 :])
    return []


def _place(module: str) -> str:
    return next(heading for heading, begin in PLACES.items() if module.startswith(begin))


def tables() -> Dict[str, str]:
    """Return the tables of the document by their headings."""
    rows: Dict[str, List[str]] = defaultdict(list)
    for each in sorted(messages(), key=_by_words):
        rows[each.place].append(f"| {shown(each.text)} | {shown(each.remedy)} |")
    made = {heading: table_of(COLUMNS, rows[heading]) for heading in (*PLACES, LOG)}
    return {**made, META: table_of(("Meta's code", *COLUMNS[1:], "what agents read instead"), _refusals())}


def _by_words(message: Message) -> Tuple[str, str]:
    words = re.sub(f"{OPEN}.*?{CLOSE}|[^a-z ]", "", message.text.lower())
    return words.strip(), message.text


def _refusals() -> Iterator[str]:
    codes: Dict[str, List[str]] = defaultdict(list)
    for number, meaning in known.BY_CODE.items():
        codes[meaning.remedy].append(str(number))
    for number, meaning in known.BY_SUBCODE.items():
        codes[meaning.remedy].append(f"…/{number}")
    for number, words, meaning in known.BY_TEXT:
        codes[meaning.remedy].append(f"{number} ({words})")
    for_agents = REMEDIES[Caller.AGENT, ""]
    for remedy, numbers in codes.items():
        told = for_agents.get(remedy)
        instead = "" if told is None or remedy in told.remedy else told.remedy
        yield f"| {shown(_ranges(numbers))} | {shown(remedy)} | {shown(instead)} |"


def _ranges(numbers: List[str]) -> str:
    joined = ", ".join(numbers)
    return re.sub(r"\b200, 201,.*\b298, 299\b", "200 to 299", joined)


def shown(text: str) -> str:
    """Return *text* as a cell of a table in Markdown: what is in backticks is code, a value in italics."""
    parts = re.split(r"(`[^`]+`|\*[A-Z][^*]*\*)", " ".join(text.split()))
    escaped = (part if part[:1] in ("`", "*") else _MARKUP.sub(r"\\\g<0>", part) for part in parts)
    joined = "".join(escaped).replace("|", r"\|")
    return re.sub(f"{OPEN}(.*?){CLOSE}", lambda found: f"*{found[1]}*", joined)


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), lambda text: with_tables(text, tables()))
