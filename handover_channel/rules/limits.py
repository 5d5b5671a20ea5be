"""Lists every limit on input from outside: bytes, fields, characters, seconds, how many at a time.

1. Each way in from outside has its limits here; input beyond them is stopped before it is read, parsed or
   kept.
2. Each is enforced in one place, which `where` names. SECURITY.md shows this table (tested against it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

from handover_channel.messenger import webhook

KB, MB = 1024, 1024**2


@dataclass(frozen=True)
class Limit:
    """One limit. What exceeds it is refused."""

    way: str  #: by which things come in
    what: str
    value: int
    unit: str  #: bytes, characters, fields, seconds, ...
    why: str
    where: str  #: the module that enforces it, below handover_channel/; or whose own it is


@dataclass(frozen=True)
class Body:
    """The limits of a request's body."""

    size: Limit
    time: Limit


_WEBHOOK, _INBOX_FORMS, _PAGE, _FILES = (
    "webhook",
    "inbox, forms",
    "inbox, addresses",
    "files that the page shows",
)
_GRAPH, _LINE, _OTHER_CHANNELS, _RECORDINGS, _SUMMARY = (
    "Graph API",
    "between the two processes",
    "other channels",
    "recordings",
    "who writes `summary`",
)
_BODY = "rasa/request_body"

# --- requests ---

WEBHOOK_BODY = Limit(
    _WEBHOOK, "a delivery", 4 * MB, "bytes", "Meta sends up to 1,000 updates in one, some hundred kB", _BODY
)
WEBHOOK_SECONDS = Limit(_WEBHOOK, "until a delivery is here", 10, "seconds", "Meta gives up after 5", _BODY)
SIGNATURE = Limit(
    _WEBHOOK,
    "X-Hub-Signature-256",
    71,
    "characters",
    "`sha256=` and 64 lower-case hex digits",
    "rasa/channel",
)
LARGE = Limit("webhook, inbox", "a body that counts as large", 256 * KB, "bytes", "most have some kB", _BODY)
LARGE_AT_ONCE = Limit(
    _WEBHOOK,
    "deliveries above 256 kB that are read at once",
    8,
    "at a time",
    "more are answered 503, and Meta sends them again; small ones never wait for them",
    "rasa/channel",
)
UPDATES = Limit(
    _WEBHOOK,
    "updates of a delivery",
    2000,
    "updates",
    "Meta sends up to 1,000; storing takes its time",
    "messenger/webhook",
)
MESSAGE_ATTACHMENTS = Limit(
    _WEBHOOK,
    "attachments of a message",
    webhook.MOST_MESSAGE_ATTACHMENTS,
    "attachments",
    "people send 30 pictures at once",
    "messenger/webhook",
)
SMALL = Limit("webhook, inbox", "a chunk that counts as small", 512, "bytes", "packets have more", _BODY)
CHUNKS = Limit(
    "webhook, inbox",
    "small chunks of a body without Content-Length",
    4096,
    "chunks",
    "a chunk of one byte costs as much as one of 64 kB",
    _BODY,
)
THROWN_AWAY = Limit(
    "webhook, inbox",
    "what is read off and thrown away behind a refusal",
    32 * MB,
    "bytes",
    "a browser shows no answer while it still sends",
    _BODY,
)
SIGN_IN_BODY = Limit(_INBOX_FORMS, "sign-in", 16 * KB, "bytes", "anybody can send one", _BODY)
FORM_BODY = Limit(_INBOX_FORMS, "any form but those below", 16 * KB, "bytes", "a few short fields", _BODY)
NOTE_BODY = Limit(
    _INBOX_FORMS,
    "note, return to the bot",
    128 * KB,
    "bytes",
    "10,000 characters, of up to 12 bytes each as browsers send them",
    _BODY,
)
REPLY_BODY = Limit(_INBOX_FORMS, "reply", 30 * MB, "bytes", "Meta takes files of 25 MB", _BODY)
FORM_SECONDS = Limit(_INBOX_FORMS, "until a form is here", 20, "seconds", "128 kB at 7 kB a second", _BODY)
REPLY_SECONDS = Limit(
    _INBOX_FORMS, "until a reply is here", 300, "seconds", "30 MB at 100 kB a second", _BODY
)
REPLIES_AT_ONCE = Limit(
    _INBOX_FORMS,
    "replies above 256 kB of one sign-in that are read at once",
    2,
    "at a time",
    "memory",
    "inbox/http",
)
FORM_FIELDS = Limit(_INBOX_FORMS, "fields", 20, "fields", "the largest form has 6", "inbox/forms")
PART_HEAD = Limit(
    _INBOX_FORMS, "what describes a field or file", 2 * KB, "bytes", "name, type", "inbox/forms"
)
QUERY_FIELDS = Limit(_PAGE, "arguments", 20, "fields", "the list has 12", "inbox/request")
HEAD = Limit("webhook, inbox", "head of a request", 8 * KB, "bytes", "Sanic's own", "Sanic")

WEBHOOK = Body(WEBHOOK_BODY, WEBHOOK_SECONDS)
SIGN_IN = Body(SIGN_IN_BODY, FORM_SECONDS)
FORM = Body(FORM_BODY, FORM_SECONDS)
NOTE = Body(NOTE_BODY, FORM_SECONDS)
REPLY = Body(REPLY_BODY, REPLY_SECONDS)


def _field(name: str, most: int, why: str) -> Limit:
    return Limit("inbox, fields", f"`{name}`", most, "characters", why, "inbox/request")


#: Every field of a form or an address that the inbox reads.
FIELDS: Mapping[str, Limit] = {
    name: _field(name, most, why)
    for name, most, why in (
        ("name", 100, "names of agents have 64 at most"),
        ("password", 1000, "as long as passwords may be"),
        ("password_again", 1000, "as `password`"),
        ("shown_name", 1000, "names that are shown have 100 at most"),
        ("title", 20_000, "of a tag or a canned reply: 40 at most, in words"),
        ("canned", 100, "name of a canned reply"),
        ("into", 100, "a tag"),
        ("sure", 20, "a tick"),
        ("role", 20, "agent, admin"),
        ("said", 40, "what was done, in a word"),
        ("next", 2000, "a path of ours"),
        ("key", 200, "random text of the page's own"),
        ("csrf", 200, "43 characters"),
        ("language", 20, "en, ar"),
        ("hours", 20, "12, 24"),
        ("compact", 20, "a tick"),
        ("sound", 20, "a tick"),
        ("notifications", 20, "a tick"),
        ("text", 20_000, "ten messages of Meta's size; notes have 10,000"),
        ("note", 20_000, "as `text`"),
        ("tag", 20_000, "tags have 40 at most: a longer one is refused in words"),
        ("remove", 20, "a tick"),
        ("agent", 100, "as `name`"),
        ("assignee_seen", 100, "as `name`"),
        ("despite", 100, "as `name`"),
        ("seen", 40, "two numbers"),
        ("take", 20, "a tick"),
        ("intent", 200, "one of the bot's"),
        ("by", 40, "a duration"),
        ("reply", 20, "a number"),
        ("page", 64, "random text of the page's own"),
        ("thread", 500, "id of a conversation, as they are stored"),
        ("before", 40, "a time"),
        ("after", 600, "where a list goes on"),
        ("list", 40, "name of a list"),
        ("search", 2000, "its first 200 are looked for"),
        ("found", 40, "key of an entry"),
        ("only", 20, "what a search is about"),
        ("order", 40, "how a list is sorted"),
        ("channel", 100, "a filter"),
        ("unread", 20, "a tick"),
        ("target", 200, "a filter"),
        ("of", 4000, "address of a file: Meta's have about 700"),
        ("proof", 100, "64 hex digits"),
        ("period", 20, "a number of days"),
        ("from", 40, "a day"),
        ("to", 40, "a day"),
        ("zone", 100, "name of a time zone"),
    )
}

# --- what we fetch ---

FILE_BYTES = Limit(_FILES, "a file", 25 * MB, "bytes", "as much as Meta takes", "inbox/media_proxy")
FILE_SECONDS = Limit(
    _FILES,
    "a file, from the connection to the last byte",
    60,
    "seconds",
    "25 MB at 3 Mbit/s",
    "inbox/media_proxy",
)
FILE_CONNECT = Limit(
    _FILES, "until a connection stands", 3, "seconds", "of each address", "inbox/media_proxy"
)
FILE_READ = Limit(
    _FILES, "until the next bytes come", 10, "seconds", "as Meta's servers do", "inbox/media_proxy"
)
FILE_REDIRECTS = Limit(_FILES, "redirects", 3, "redirects", "Meta's have one", "inbox/media_proxy")
FILES_AT_ONCE = Limit(
    _FILES,
    "files of one host for one sign-in",
    2,
    "at a time",
    "others wait; a slow host takes no file of another host, and none from another agent",
    "inbox/page_services",
)
ADDRESSES = Limit(
    "files, Graph API", "addresses of a host that are tried", 4, "addresses", "a name may have any number",
    "graph_api/bounded_http",
)  # fmt: skip
GRAPH_BYTES = Limit(
    _GRAPH, "an answer, unpacked", 1 * MB, "bytes", "they have some kB", "graph_api/transport"
)
GRAPH_SECONDS = Limit(
    _GRAPH,
    "a call, from the connection to the last byte",
    20,
    "seconds",
    "Meta takes one or two",
    "graph_api/transport",
)
UPLOAD_SECONDS = Limit(
    _GRAPH,
    "a call with a file",
    300,
    "seconds",
    "25 MB, and the 75 in which Meta looks at a film",
    "graph_api/transport",
)

# --- between our own processes, and what other channels hand us ---

FRAME = Limit(_LINE, "a question or an answer", 16 * MB, "bytes", "the largest holds a delivery", "queue/ipc")
ATTACHMENTS = Limit(
    _OTHER_CHANNELS, "files of a message that are shown", 30, "files",
    "any caller of Rasa's REST channel names them", "inbox/bot_history",
)  # fmt: skip
ADDRESS = Limit(
    _OTHER_CHANNELS,
    "address of a file",
    FIELDS["of"].value,
    "characters",
    "longer ones are not shown",
    "inbox/bot_history",
)
SHOWN = Limit(
    _OTHER_CHANNELS,
    "text of a message that is shown",
    FIELDS["text"].value,
    "characters",
    "the rest is cut, on the page alone",
    "inbox/bot_history",
)

# --- recordings ---

RECORDED_STEPS = Limit(
    _RECORDINGS,
    "a recorded scenario",
    20_000,
    "lines",
    "it is written as a whole each time",
    "recording/scenario_recorder",
)

RECORDING_BYTES = Limit(
    _RECORDINGS,
    "a recording of a page",
    256 * MB,
    "bytes",
    "what follows is not kept",
    "recording/recording_file",
)
PROXIED_BODY = Limit(
    _RECORDINGS,
    "a body that the proxy forwards",
    32 * MB,
    "bytes",
    "Meta takes files of 25 MB",
    "recording/proxy",
)
PROXIED_SECONDS = Limit(
    _RECORDINGS, "until it is forwarded", 120, "seconds", "an upload takes its time", "recording/proxy"
)
RECORDED_BODY = Limit(
    _RECORDINGS,
    "a body that is recorded",
    1 * MB,
    "bytes",
    "of a longer one the size is kept",
    "recording/proxy",
)

# --- the note of a human part ---

SUMMARY = Limit(
    _SUMMARY,
    "the note in slot `handover_summary`",
    2000,
    "characters",
    "it goes into every prompt of the bot's LLM; the rest is cut",
    "rules/human_part",
)
SUMMARY_BYTES = Limit(
    _SUMMARY, "an answer", 64 * KB, "bytes", "a note has 2,000 characters", "control/summary_hook"
)
SUMMARIES_AT_ONCE = Limit(
    _SUMMARY,
    "calls under way",
    8,
    "at a time",
    "a function that never returns keeps its thread; more returns get our own note",
    "control/summary_hook",
)

TABLE: Tuple[Limit, ...] = (
    WEBHOOK_BODY, WEBHOOK_SECONDS, SIGNATURE, LARGE, LARGE_AT_ONCE, UPDATES, MESSAGE_ATTACHMENTS, SMALL,
    CHUNKS, THROWN_AWAY,
    SIGN_IN_BODY, FORM_BODY, NOTE_BODY, REPLY_BODY, FORM_SECONDS, REPLY_SECONDS, REPLIES_AT_ONCE, FORM_FIELDS,
    PART_HEAD, *FIELDS.values(), QUERY_FIELDS, HEAD,
    FILE_BYTES, FILE_SECONDS, FILE_CONNECT, FILE_READ, FILE_REDIRECTS, FILES_AT_ONCE, ADDRESSES,
    GRAPH_BYTES, GRAPH_SECONDS, UPLOAD_SECONDS,
    FRAME, ATTACHMENTS, ADDRESS, SHOWN,
    RECORDED_STEPS, RECORDING_BYTES, PROXIED_BODY, PROXIED_SECONDS, RECORDED_BODY,
    SUMMARY, SUMMARY_BYTES, SUMMARIES_AT_ONCE,
)  # fmt: skip
