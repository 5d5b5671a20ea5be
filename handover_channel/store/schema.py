"""Defines the tables and their indexes. A change here needs a migration in `migrations/versions/`.

1. Times ending in `_at` are seconds since the epoch, UTC, by our clock; `timestamp`, `seen` and `stamp` are
   milliseconds by Meta's. The two are never compared.
2. Ids of `deliveries`, `transcript`, `changes`, `acts` and `news` say what came before what: they only grow,
   so the newest row of each stays (retention.py, personal_data.py).
3. Partial indexes keep what is open, waiting or given up as cheap to find as it is rare, whatever there has
   ever been. SQLite uses one only for a query that has its condition as it stands, with no parameter in it:
   so the conditions stand here once (IS_OPEN and the like), and queries take them.
   https://www.sqlite.org/partialindex.html#queries_using_partial_indexes
4. An index serves the query named beside it. With its columns in another order the query still works, at the
   price of a sort or a scan: tests/unit/test_store.py asks SQLite which index it takes.
"""

from __future__ import annotations

from typing import Any, Dict

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: SQLite counts up only an INTEGER primary key.
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Seconds = sa.Float(53)


def _where(condition: Any) -> Dict[str, Any]:
    """Return what makes an index a partial one (rule 3), on both databases."""
    return {"sqlite_where": condition, "postgresql_where": condition}


threads = sa.Table(
    "threads",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # PSID: Rasa's conversation id
    sa.Column("channel", sa.Text, nullable=False),  # name of the Rasa channel
    sa.Column("page", sa.Text, nullable=False),
    # Who has control: control.State
    sa.Column("control", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("precedence", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # of the last change
    sa.Column("changed_at", _Seconds, nullable=False),
    sa.Column("until", _Seconds),  # when the time limit returns the thread
    sa.Column("version", sa.Integer, nullable=False),  # counts the writes of control; guards them
    # A way back that Meta refused
    sa.Column("wanted", sa.Text, nullable=False),  # the reason to return for, "" for none
    sa.Column("refusal", sa.Text, nullable=False),  # what Meta said, and what to do
    sa.Column("attempts", sa.Integer, nullable=False),
    # What was seen
    sa.Column("seen", sa.BigInteger, nullable=False),  # newest event that was processed
    sa.Column("active_at", _Seconds, nullable=False),  # last event, by our clock
    sa.Column("person_at", sa.BigInteger, nullable=False),  # last message of the person, Meta's clock
    sa.Column("context", sa.Text, nullable=False),  # JSON: referral and opt-in for the next message
    sa.Column("answers_from", sa.BigInteger, nullable=False),  # older deliveries are backlog
    # In the built-in inbox
    sa.Column("assignee", sa.Text, nullable=False, server_default=""),  # name of the agent, "" for none
    sa.Column("assigned_at", _Seconds),  # since when; null: never was anybody's
    sa.Column("assigned_by", sa.Text, nullable=False, server_default=""),  # the agent who gave it to them
    sa.Column("waiting_since", _Seconds),  # since when nobody has answered; null: nobody waits
    # How far the person has got with what the page wrote: Meta's clock, 0: never heard of
    sa.Column("delivered_to", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("read_to", sa.BigInteger, nullable=False, server_default="0"),
    # A return that rests on signs alone: rules/control.py, rule 5
    sa.Column("released_from", sa.Text, nullable=False, server_default=""),  # JSON: whose it is, if it fails
    sa.Column("release_refused", sa.Integer, nullable=False, server_default="0"),  # 1: it failed
    # Whether an agent's message gets there
    sa.Column("window_at", sa.BigInteger, nullable=False, server_default="0"),  # opened, but by no message
    sa.Column("obstacle", sa.Text, nullable=False, server_default=""),  # rules/obstacle.py; "" for none
    # The newest thing that the person and the bot said: rules/last_words.py; `last_at` is Meta's clock
    sa.Column("last_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_author", sa.Text, nullable=False, server_default=""),
    sa.Column("last_text", sa.Text, nullable=False, server_default=""),
    sa.Column("last_file", sa.Text, nullable=False, server_default=""),
)

#: Rule 3: the conditions of the partial indexes on `threads`.
IS_OPEN = sa.text("control <> 'bot'")
IS_ASSIGNED = sa.text("assignee <> ''")
IS_RETURNED = sa.text("control = 'bot' AND reason <> ''")
IS_WAITING = threads.c.waiting_since.isnot(None)
# Counted by statistics.py in groups of these three: it reads the index alone.
sa.Index("ix_threads_open", threads.c.control, threads.c.target, threads.c.wanted, **_where(IS_OPEN))
# Who has waited longest of all that are open, and how many wait before somebody (threads.waiting_before).
sa.Index("ix_threads_waiting", threads.c.waiting_since, **_where(IS_WAITING))
# The other lists of the inbox (conversation_lists.py), one index each: sorted by time, and by id within it,
# because a page begins where (time, id) of the one before it ended.
sa.Index("ix_threads_active_at", threads.c.active_at, threads.c.id)
sa.Index("ix_threads_assignee", threads.c.assignee, threads.c.active_at, **_where(IS_ASSIGNED))
# The list of those who wait, whom nobody has, and what comes first of an agent's: those that wait.
sa.Index("ix_threads_unanswered", threads.c.assignee, threads.c.waiting_since, **_where(IS_WAITING))
sa.Index("ix_threads_returned", threads.c.active_at, threads.c.id, **_where(IS_RETURNED))
sa.Index("ix_threads_active_open", threads.c.active_at, threads.c.id, **_where(IS_OPEN))

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("timestamp", sa.BigInteger, nullable=False),  # order within the thread, then id
    sa.Column("kind", sa.Text, nullable=False),  # "event", or a note to the worker: "returned", "muted"
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("received_at", _Seconds, nullable=False),
    sa.Column("done_at", _Seconds),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # how often it was begun
    sa.Column("failures", sa.Integer, nullable=False),  # how often that ended in an error
    sa.Column("rounds", sa.Integer, nullable=False, server_default="0"),  # how often its effect sent it back
)
#: Rule 3: given up and kept, until a person retries or drops it (queue_admin.GIVEN_UP).
IS_GIVEN_UP = sa.text("outcome IN ('failed', 'not sent', 'over budget')")
_waiting = deliveries.c.done_at.is_(None)
# The order in which a thread is answered: Meta's clock, then arrival; `deliveries.next_of` takes the first
# row. Notes have the timestamp -1, and so come before whatever waits.
sa.Index(
    "ix_deliveries_waiting", deliveries.c.thread, deliveries.c.timestamp, deliveries.c.id, **_where(_waiting)
)
# What `handover queue` and health show.
sa.Index("ix_deliveries_failed", deliveries.c.id, **_where(IS_GIVEN_UP))
# Which threads are claimed first: those that have waited longest, by our clock (deliveries.claim_waiting).
sa.Index("ix_deliveries_oldest", deliveries.c.received_at, deliveries.c.id, **_where(_waiting))
_done = deliveries.c.done_at.isnot(None)
# What open pages are told of (page_updates.since), and what is old enough to go (retention.py).
sa.Index("ix_deliveries_done", deliveries.c.done_at, **_where(_done))

#: Who is at a thread, and until when: a worker at its deliveries; at "replies:<thread>" whoever sends those.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("until", _Seconds, nullable=False),
)

sent = sa.Table(
    "sent",
    metadata,
    sa.Column("tag", sa.Text, primary_key=True),  # delivery and number of a message of ours
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("mid", sa.Text, nullable=False, server_default=""),  # Meta's id of it; "" where it is not known
)
_has_mid = sa.text("mid <> ''")
# Whether an echo is of ours (sent_messages.is_ours): asked for each echo.
sa.Index("ix_sent_mid", sent.c.mid, **_where(_has_mid))

deadlines = sa.Table(
    "deadlines",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("due_at", _Seconds, nullable=False, index=True),
)

transcript = sa.Table(
    "transcript",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("mid", sa.Text),  # null: Meta gave none
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),  # transcript.Line
    sa.Column("app_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("attachments", sa.Text, nullable=False),  # JSON list
    sa.Column("agent", sa.Text, nullable=False, server_default=""),  # who of the agents wrote it
    sa.Column("reply_to", sa.Text, nullable=False, server_default=""),  # mid of the message it is about
    sa.Column("original", sa.Text),  # text before the first edit; null: never edited
    sa.UniqueConstraint("thread", "mid"),
)

#: Other words for messages that were said before, wherever those are kept: here or in Rasa's tracker.
edits = sa.Table(
    "edits",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("mid", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),  # Meta's count of the message's edits; 0: not told
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
# The newest text of a message, as its line is written (transcript.add).
sa.Index("ix_edits_message", edits.c.thread, edits.c.mid)

#: What happened in a thread that is no message: reactions, the ads and links that the person came by ...
thread_events = sa.Table(
    "thread_events",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("delivery", sa.BigInteger, nullable=False, unique=True),  # that told of it
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),  # as in the transcript
    sa.Column("kind", sa.Text, nullable=False),  # Meta's key: "reaction", "referral" ...
    sa.Column("mid", sa.Text, nullable=False),  # of the message that it is about, "" for none
    sa.Column("detail", sa.Text, nullable=False),  # JSON, as Meta sent it
)
# A conversation is read from its newest end.
sa.Index("ix_thread_events_time", thread_events.c.thread, thread_events.c.timestamp)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("at", _Seconds, nullable=False, index=True),  # audits and reports go by time
    sa.Column("control_before", sa.Text, nullable=False),
    sa.Column("control", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),  # what an agent wrote about it
    sa.Column("intent", sa.Text, nullable=False, server_default=""),  # with which the bot was to go on
)

#: What the log tells of each handover, for reports: handovers.py.
handovers = sa.Table(
    "handovers",
    metadata,
    sa.Column("change", _Id, primary_key=True, autoincrement=False),  # of `changes`: by which it began
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),  # to which it went first
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("began_at", _Seconds, nullable=False, index=True),  # reports go by time
    sa.Column("taken_at", _Seconds),  # first claim, assignment or answer of an agent; null: none
    sa.Column("agent", sa.Text, nullable=False, server_default=""),  # whose that was, "" for none
    sa.Column("answered_at", _Seconds),  # first answer, of an agent or another app; null: none
    sa.Column("ended_at", _Seconds),  # when it came back to the bot; null: it has not
    sa.Column("return_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("again", sa.Integer, nullable=False, server_default="0"),  # 1: handed over again soon after
)
# Of a thread, the one in which an answer was given: the newest that began before it.
sa.Index("ix_handovers_thread", handovers.c.thread, handovers.c.began_at)

#: What agents did beside answering: acts.py.
acts = sa.Table(
    "acts",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),  # "" for none
    sa.Column("at", _Seconds, nullable=False, index=True),
    sa.Column("agent", sa.Text, nullable=False),  # who did it, "" where nobody did
    sa.Column("kind", sa.Text, nullable=False),  # acts.Done
    sa.Column("whom", sa.Text, nullable=False),  # the agent whom it concerns
    sa.Column("detail", sa.Text, nullable=False),  # a tag, a role; nothing of what was said
)

#: What is wrong with the set-up, as far as events and refusals have shown it: for health and command.
findings = sa.Table(
    "findings",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),  # whom it concerns: a page, an app, a thread
    sa.Column("text", sa.Text, nullable=False),  # what was found, and what to do
    sa.Column("at", _Seconds, nullable=False),  # when it was seen last
)

# --- the built-in inbox ---

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # what they sign in with
    sa.Column("shown_name", sa.Text, nullable=False),  # what colleagues and people see
    sa.Column("password", sa.Text, nullable=False),  # Argon2's own text: parameters, salt, hash
    sa.Column("role", sa.Text, nullable=False),  # "agent", "admin"
    sa.Column("picture", sa.Text, nullable=False, server_default=""),  # https address, for the persona
    sa.Column("persona", sa.Text, nullable=False, server_default=""),  # JSON: graph_api/personas.py
    sa.Column("preferences", sa.Text, nullable=False, server_default="{}"),  # JSON: language, sound ...
    sa.Column("created_at", _Seconds, nullable=False),
)

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # SHA-256 of the cookie's value
    sa.Column("agent", sa.Text, nullable=False, index=True),  # "" for the one of a machine without agents
    sa.Column("csrf", sa.Text, nullable=False),  # the page has it
    sa.Column("proof_key", sa.Text, nullable=False, server_default=""),  # nobody has it but the server
    sa.Column("preferences", sa.Text, nullable=False, server_default="{}"),  # of that one, as in agents
    sa.Column("started_at", _Seconds, nullable=False),
    sa.Column("expires_at", _Seconds, nullable=False),
)

#: Of the link that lets one in where there are no agents, and of passwords that were wrong.
entrance_keys = sa.Table(
    "entrance_keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # SHA-256
    sa.Column("expires_at", _Seconds, nullable=False),
)
failed_sign_ins = sa.Table(
    "failed_sign_ins",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False, index=True),  # or the browser, where it is known
    sa.Column("at", _Seconds, nullable=False),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("picture", sa.Text, nullable=False),  # address
    sa.Column("fetched_at", _Seconds, nullable=False),
    sa.Column("locale", sa.Text, nullable=False, server_default=""),  # as Meta writes it: "ar_AR"
    sa.Column("timezone", sa.Float(53)),  # hours beside UTC; null: Meta does not tell
)

#: Facebook pages, by their names.
pages = sa.Table(
    "pages",
    metadata,
    sa.Column("page", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("fetched_at", _Seconds, nullable=False),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True, index=True),
)

#: Internal notes: for colleagues, never sent.
remarks = sa.Table(
    "remarks",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

#: What agents send, kept before it is sent; a line of the transcript once it was.
replies = sa.Table(
    "replies",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the page's own: a repeated click is known
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("file", sa.LargeBinary),  # null: none, or sent
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("file_type", sa.Text, nullable=False),  # as in "image/png"
    sa.Column("state", sa.Text, nullable=False),  # "sending", "sent", "failed"
    sa.Column("error", sa.Text, nullable=False),  # what was refused, and what to do
)

read_marks = sa.Table(
    "read_marks",
    metadata,
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("person_at", sa.BigInteger, nullable=False),  # threads.person_at when the agent last looked
)

#: One row for each open page of the inbox.
presence = sa.Table(
    "presence",
    metadata,
    sa.Column("page", sa.Text, primary_key=True),  # id of the open page
    sa.Column("agent", sa.Text, nullable=False, index=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),  # what it shows, "" for none
    sa.Column("seen_at", _Seconds, nullable=False),
    sa.Column("typing_at", _Seconds, nullable=False),  # 0: never
)

#: What open pages are to hear of beside deliveries that are done: what agents do. Rows live for minutes.
news = sa.Table(
    "news",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("at", _Seconds, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False, server_default="news"),  # "news", "look": who looks and types
)
