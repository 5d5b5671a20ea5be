"""Holds what the page shows, as values: made by listing.py and timeline.py, drawn by the templates.

Times are seconds since the epoch, UTC, whatever clock they come from. Texts are as people wrote them: the
templates escape them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence, Tuple, Union

from handover_channel.messenger.bubble import Button, Card, File, Link, Note
from handover_channel.rules.search_words import Piece

#: The lists, in the order of the page's tabs.
WAITING, MINE, OPEN, RETURNED, BOT = "waiting", "mine", "open", "returned", "bot"
LISTS = (WAITING, MINE, OPEN, RETURNED, BOT)

#: What agents read of something: language -> title; {} for nothing.
Title = Mapping[str, str]


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; "" for everything."""

    list: str = WAITING
    search: str = ""  #: in names, in what was said, and in what was said to the bot before a handover
    page: str = ""
    target: str = ""
    tag: str = ""
    agent: str = ""  #: who answers; "~" for nobody
    channel: str = ""
    unread: str = ""  #: "1": only what the person has written since this agent last looked
    only: str = ""  #: of a search: "list" for what is in the list, else all lists; "names" for names alone

    @property
    def used(self) -> Sequence[str]:
        """The names of those that narrow the list."""
        return [name for name, value in vars(self).items() if value and name not in ("list", "only")]


@dataclass(frozen=True)
class Item:
    """One thread in the list."""

    thread: str
    name: str  #: of the person; the thread's id where Meta gives no name
    has_picture: bool
    channel: str  #: name of the Rasa channel: "facebook", "socketio" ...
    page: str
    control: str  #: control.Control
    target: str  #: name of the target that has it, an app id, "" for the bot
    preview: str  #: the newest thing said, whoever's part it is in, one line
    preview_author: str  #: "person", "bot", "agent", "app", "" for none
    unread: bool  #: the person has written since this agent last looked
    waiting_since: Optional[float]  #: since when nobody has answered; None: nobody waits
    active_at: float
    until: Optional[float]  #: when the time limit returns it
    assignee: str  #: shown name, "" for none
    is_mine: bool
    tags: Tuple[str, ...] = ()
    preview_file: str = ""  #: type of what came with it, "" for nothing
    answered_by: str = ""  #: in the inbox, and answered from outside it: the target, or the app's id
    person_at: float = 0.0  #: when the person last wrote, by Meta's clock; 0: never
    window: str = ""  #: Meta's window that ends soon: messaging_window.Ending; "" for none
    window_left: float = 0.0  #: seconds until it ends
    waits_long: bool = False  #: for half of what its target allows, or LONG
    state: str = ""  #: in what is found: the list that it is in
    named: Sequence[Piece] = ()  #: its name, where it was found by that
    hit: Optional[Hit] = None  #: the newest message in which it was found


@dataclass(frozen=True)
class Hit:
    """A message in which everything was found that was looked for."""

    entry: str  #: its entry's key
    at: float
    author: str
    words: Sequence[Piece]  #: around what was found
    more: int = 0  #: further ones of that conversation that were seen


@dataclass(frozen=True)
class Notice:
    """Something that an agent is told, also where they look elsewhere."""

    kind: str  #: a key of labels.NOTICES
    thread: str
    name: str  #: of the person
    at: float  #: tells it from an earlier one of that thread
    words: str  #: what was said last, one line
    file: str  #: type of what came without words, "" for nothing
    who: str = ""  #: shown name of the colleague who gave it to them


@dataclass(frozen=True)
class Concerns:
    """News of an agent's own conversations, whatever list they look at."""

    unread: int = 0  #: conversations of theirs in which the person has written since they looked
    notices: Sequence[Notice] = ()


@dataclass(frozen=True)
class ListView:
    """One page of the list."""

    filters: Filters
    counts: Mapping[str, int]  #: list -> how many, at most 1000; counted for WAITING, MINE and OPEN
    items: Sequence[Item]
    after: str = ""  #: cursor of the next page, "" for the last
    pages: Sequence[str] = ()  #: to filter by; ids
    page_names: Mapping[str, str] = field(default_factory=dict)  #: those that are known, by id
    targets: Sequence[str] = ()
    tags: Sequence[str] = ()
    agents: Mapping[str, str] = field(default_factory=dict)  #: to filter by; name -> shown name
    channels: Sequence[str] = ()
    order: str = ""  #: in which it is sorted: list_orders
    orders: Sequence[str] = ()  #: in which it can be
    people: Sequence[Item] = ()  #: of a search: found by their names
    has_more_people: bool = False
    is_signs: bool = False  #: there is no letter and no digit in what is looked for
    missing_before: float = 0.0  #: what was said before that time cannot be found yet; 0: everything can
    concerns: Concerns = field(default_factory=Concerns)  #: of the agent who looks


@dataclass(frozen=True)
class Quote:
    """The words that a message answers, or is about. Nothing known of them: "" everywhere."""

    speaker: str = ""
    words: str = ""
    kind: str = ""  #: where it has no text: a key of labels.SUMMARY_LABELS


@dataclass(frozen=True)
class Reaction:
    """Somebody's reaction to a message."""

    emoji: str  #: "" where Meta does not say
    by: str  #: "person", "app"
    is_taken_back: bool = False


@dataclass(frozen=True)
class Said:
    """One message."""

    key: str  #: unique in the thread, good for an id attribute
    at: float
    speaker: str  #: "person", "bot", "agent", "app"
    name: str  #: of the speaker where it is known: the person, the agent, the target
    text: str = ""
    files: Sequence[File] = ()
    buttons: Sequence[Button] = ()
    quick_replies: Sequence[Button] = ()
    cards: Sequence[Card] = ()
    mark: str = ""  #: of what the page wrote: "delivered", "read"; of a reply: "sending", "failed"
    error: str = ""  #: of a failed reply: what was refused, and what to do
    reply: Optional[int] = None  #: its id, while it is not sent: to be tried again or dropped
    links: Sequence[Link] = ()
    notes: Sequence[Note] = ()
    mid: str = ""
    reply_to: str = ""  #: mid of the message that it answers, or is about
    quote: Optional[Quote] = None  #: that message
    former: Sequence[str] = ()  #: what stood here before it was edited, the oldest first
    reaction: Optional[Reaction] = None  #: all that it is: shown on the message it is about
    reactions: Sequence[Reaction] = ()
    chosen: str = ""  #: title of the button or quick reply that the person took
    turn: str = ""  #: in the bot's part: id of the message of the person that it is, or answers


@dataclass(frozen=True)
class ControlChange:
    """A divider: control went from one to another."""

    key: str
    at: float
    control_before: str
    control: str
    target: str
    reason: str  #: as in the log of changes: "handed_over", "keyword", "time_limit", "staff_took_over" ...
    who: str
    note: str = ""  #: what the agent wrote about it
    went_on: Title = field(default_factory=dict)  #: with what the bot went on after it


@dataclass(frozen=True)
class PrivateNote:
    """An internal note: for colleagues."""

    key: str
    at: float
    name: str  #: of the agent
    text: str


@dataclass(frozen=True)
class AgentAct:
    """An act of an agent beside answering: a claim, an assignment, a tag."""

    key: str
    at: float
    kind: str  #: the value of an acts.Done: a key of labels.ACT_LABELS
    who: str  #: shown name, "" where nobody did it
    whom: str  #: shown name of the agent whom it concerns
    detail: str  #: a tag


@dataclass(frozen=True)
class AgentActs:
    """A divider: what agents did between two things that were said, the oldest first. Folded from two on."""

    key: str
    at: float
    acts: Sequence[AgentAct]


@dataclass(frozen=True)
class Arrival:
    """A divider: how the person came to the page, or what they agreed to."""

    key: str
    at: float
    way: str  #: a key of labels.NOTES: "came_by", "ad", "optin"
    detail: str  #: the link's, the ad's


Entry = Union[Said, ControlChange, PrivateNote, AgentActs, Arrival]


@dataclass(frozen=True)
class Colleague:
    """An agent, as others see them."""

    name: str
    shown_name: str
    here: bool = False  #: has a page of the inbox open
    looking: bool = False  #: at this thread
    typing: bool = False  #: in this thread
    is_you: bool = False


@dataclass(frozen=True)
class Onward:
    """A target that a conversation can be handed on to."""

    name: str
    is_open: bool  #: somebody is there now


@dataclass(frozen=True)
class StartView:
    """The right side while no conversation is open: what to do next."""

    waiting: int  #: how many wait for anybody, at most 1000
    longest_since: float  #: since when whoever waits longest does
    here: Sequence[str]  #: shown names of colleagues who have a page of the inbox open
    is_first: bool  #: no conversation has come here yet
    simulator: str = ""  #: address of its page, where Messenger is played on this machine


@dataclass(frozen=True)
class ThreadView:
    """One conversation, whole."""

    thread: str
    name: str
    has_picture: bool
    channel: str
    page: str
    control: str
    target: str
    since: float  #: of control
    reason: str  #: of the last change
    until: Optional[float]
    refusal: str  #: Meta did not give control back: what it said, and what to do
    waiting_since: Optional[float]
    assignee: str  #: name (not the shown one), "" for none
    assignee_shown: str
    is_mine: bool
    can_reply: bool
    why_not: str = ""  #: why nothing can be sent: told in place of the reply box
    hint: str = ""  #: told above the reply box: for one, that Meta lets only people answer by now
    return_hint: str = ""  #: why the person does not hear the bot when it is back
    asks: str = ""  #: name of the colleague who has it, where you are asked before you answer
    answered: str = ""  #: the mark of the newest answer of somebody else: answers.Mark
    decides: bool = True  #: it is nobody's or yours, or you are an admin: you may give it away or return it
    can_take_over: bool = False
    can_return: bool = False
    can_extend: bool = False
    can_attach: bool = False
    can_be_unread: bool = False
    person_at: float = 0.0  #: when the person last wrote, by Meta's clock; 0: never
    onward: Sequence[Onward] = ()  #: to whom you can hand it on
    tags: Sequence[str] = ()
    entries: Sequence[Entry] = ()  #: oldest first
    earlier: str = ""  #: cursor of what came before, "" for nothing
    colleagues: Sequence[Colleague] = ()
    canned: Mapping[str, str] = field(default_factory=dict)  #: name -> text, placeholders filled in
    intents: Sequence[str] = ()  #: the bot can go on with
    kept: Sequence[
        str
    ] = ()  #: keys of replies that the page has sent, and that stand here as the server has them
    found: str = ""  #: key of the entry that a search has found
    wanted: Sequence[str] = ()  #: what was looked for there: search_words.wanted_of
    is_aside: bool = False  #: entries are not the newest: what was found is too far back
    intent_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: intent -> language -> name
    page_name: str = ""  #: of the Facebook page; "" where there is only one


@dataclass(frozen=True)
class Episode:
    """One handover, from the bot to people and back."""

    began: float
    ended: Optional[float]  #: None: it still goes on
    target: str  #: who had it last
    reason: str  #: why it was handed over: as in the log of changes
    returned: str  #: why it came back, "" while it goes on
    who: str  #: returned it: an agent's shown name, or whoever it was
    note: str  #: what that agent wrote
    went_on: Title = field(default_factory=dict)  #: with what the bot went on


@dataclass(frozen=True)
class PersonView:
    """The person beside the chat."""

    thread: str
    name: str
    has_picture: bool
    channel: str
    locale: str  #: "ar_AR", "" where it is not known
    timezone: Optional[float]  #: hours beside UTC
    first_seen: float  #: 0.0: not known
    slots: Sequence[Tuple[Title, str]]  #: of the bot, with their values
    is_known: bool  #: Rasa's tracker could be read
    tags: Sequence[str]
    episodes: Sequence[Episode]  #: the newest first


@dataclass(frozen=True)
class Trouble:
    """Something that failed before the handover."""

    kind: str  #: a key of labels.TROUBLES
    times: int
    about: Title = field(default_factory=dict)  #: the form


@dataclass(frozen=True)
class CardView:
    """The card that an agent reads above the chat of a conversation that was handed over."""

    wanted: Title
    words: Sequence[str]  #: the person's last ones, oldest first
    form: Title  #: in whose middle it happened
    asked: Title  #: what it asked for
    troubles: Sequence[Trouble]
    slots: Sequence[Tuple[Title, str]]
