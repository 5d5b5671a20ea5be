"""Maps our own words to the sentences that agents read; the templates translate them.

The keys are those of `control.Control`, of the log of changes and of `view_models`; a test compares them.
Places: %(who)s and %(name)s are an agent and the person; %(target)s is who has control, as configured.
"""

from __future__ import annotations

from typing import Mapping

from handover_channel.inbox.concerns import GIVEN, MESSAGE, WAITS
from handover_channel.inbox.view_models import BOT, MINE, OPEN, RETURNED, WAITING
from handover_channel.messenger.events import META_INBOXES
from handover_channel.rules.reasons_in_words import REASONS  # noqa: F401  (the templates find it here)
from handover_channel.store.list_orders import LONGEST_FIRST, NEWEST_FIRST, UNANSWERED_FIRST, WINDOW_FIRST


def _(text: str) -> str:
    """Mark *text* to be translated where it is drawn."""
    return text


#: The tabs.
LIST_LABELS: Mapping[str, str] = {
    WAITING: _("Waiting"),
    MINE: _("Mine"),
    OPEN: _("Open"),
    RETURNED: _("Returned"),
    BOT: _("Bot"),
}

#: The pages for admins, by their path below /admin/, in the order of the navigation.
ADMIN_PAGES: Mapping[str, str] = {
    "agents": _("Agents"),
    "reports": _("Reports"),
    "canned": _("Canned replies"),
    "tags": _("Tags"),
}

#: What is said on such a page when something was done.
ADMIN_SAID: Mapping[str, str] = {
    "role": _("The role is changed: it counts from the agent's next click."),
    "removed": _("The agent is removed and signed out. Their open conversations are assigned to nobody."),
    "signed_out": _("The agent is signed out everywhere."),
    "canned_added": _("The canned reply is saved: agents can choose it."),
    "canned_changed": _("The canned reply is changed."),
    "canned_deleted": _("The canned reply is deleted."),
    "tag_renamed": _("The tag has its new name in every conversation."),
    "tag_merged": _("The two tags are one in every conversation."),
    "tag_deleted": _("The tag is taken from every conversation."),
}

#: What is kept about a person: tables that have a name for people who run a page; others are not named.
DATA: Mapping[str, str] = {
    "transcript": _("Messages"),
    "replies": _("Replies of agents"),
    "remarks": _("Internal notes"),
    "tags": _("Tags"),
    "changes": _("Handovers and returns"),
    "acts": _("Steps of agents"),
    "deliveries": _("Events from Meta"),
}

#: Roles of agents.
ROLES: Mapping[str, str] = {"agent": _("Agent"), "admin": _("Admin")}

#: Those that are looked into rarely: together they have one tab.
LISTS_BEHIND_MORE = (RETURNED, BOT)

#: What an empty list says.
EMPTY: Mapping[str, str] = {
    WAITING: _("Nobody is waiting."),
    MINE: _("No conversation is assigned to you."),
    OPEN: _("No conversation is open: the bot has them all."),
    RETURNED: _("No conversation has come back to the bot yet."),
    BOT: _("No conversations with the bot."),
}

#: Ways to sort a list: list_orders.ORDERS.
ORDER_LABELS: Mapping[str, str] = {
    LONGEST_FIRST: _("Longest waiting first"),
    UNANSWERED_FIRST: _("Unanswered first"),
    NEWEST_FIRST: _("Newest first"),
    WINDOW_FIRST: _("Window ends soonest first"),
}

#: What a list is narrowed to: view_models.Filters.
FILTER_LABELS: Mapping[str, str] = {
    "agent": _("Answered by"),
    "channel": _("Channel"),
    "target": _("Handled by"),
    "tag": _("Tag"),
    "page": _("Page"),
    "unread": _("Unread only"),
}

#: Meta's window that ends soon, or is over: messaging_window.Ending.
WINDOW_LABELS: Mapping[str, str] = {
    "standard": _("24 h window: %(time)s left"),
    "human_agent": _("7-day window: %(time)s left"),
    "over": _("Window closed"),
}
WINDOW_TITLES: Mapping[str, str] = {
    "standard": _("24 hours after the customer's last message Meta delivers only what people write"),
    "human_agent": _("7 days after the customer's last message Meta delivers nothing any more"),
    "over": _("Nothing can be sent until the customer writes again"),
}

#: What an agent is told of, whatever list they look at: concerns.py.
NOTICES: Mapping[str, str] = {
    MESSAGE: _("New message from %(name)s"),
    GIVEN: _("%(who)s gave you %(name)s"),
    WAITS: _("%(name)s is waiting"),
}

#: Who has control, in one or two words: where a sentence names it.
CONTROLS: Mapping[str, str] = {
    "bot": _("Bot"),
    "passing": _("Being handed over"),
    "inbox": _("Inbox"),
    "app": _("Elsewhere"),
    "beside": _("Answered elsewhere"),
}

#: Why the bot says nothing, or that it does.
SILENCE_LABELS: Mapping[str, str] = {
    "bot": _("The bot answers here."),
    "passing": _("The bot is silent: Meta is handing this over to %(target)s."),
    "inbox": _("The bot is silent: people in this inbox answer."),
    "app": _("The bot is silent: %(target)s has control."),
    "beside": _("The bot is silent: somebody answered from outside this inbox."),
}

#: While Meta has not answered yet.
PASSING = _("Being handed over to %(target)s")
#: An agent returned it, and chose what comes next: in place of the sentence about the reason.
WENT_ON = _("%(who)s returned it to the bot, which went on with %(subject)s")
#: A reason this version does not know.
CHANGED = _("Control changed: %(target)s")

#: Who speaks.
SPEAKERS: Mapping[str, str] = {
    "person": _("Customer"),
    "bot": _("Bot"),
    "agent": _("Agent"),
    "app": _("Outside"),
    "automatic_reply": _("Automatic reply"),
    "meta_ai": _("Meta AI"),
}
#: Speakers that are nobody: drawn as somebody from outside.
BY_THEMSELVES = ("automatic_reply", "meta_ai")

#: How far a message has got.
MARKS: Mapping[str, str] = {
    "delivered": _("Delivered"),
    "read": _("Read"),
    "sending": _("Sending"),
    "failed": _("Not sent"),
}

#: Attachments, where they cannot be shown or have no title.
FILES: Mapping[str, str] = {
    "image": _("Picture"),
    "audio": _("Voice message"),
    "video": _("Video"),
    "file": _("File"),
    "location": _("Location"),
    "sticker": _("Sticker"),
    "template": _("Card"),
    "fallback": _("Shared link"),
}
ANY_FILE = _("Attachment")

#: Addresses outside: `bubble.Link.kind`.
LINKS: Mapping[str, str] = {
    "link": _("Shared link"),
    "reel": _("Reel"),
    "post": _("Post"),
    "story": _("Story"),
    "place": _("Location"),
}

#: What a message is for which Messenger gives no words: `bubble.Note.key`. Details stand behind it.
NOTES: Mapping[str, str] = {
    "nothing": _("A message without content"),
    "blank": _("A message of blanks only"),
    "unsupported": _("Something that Messenger does not pass on: it can be seen in Meta Business Suite"),
    "unknown": _("Something of a kind that this page does not know"),
    "template": _("There is more in this message than can be shown here"),
    "elsewhere": _("Something came with this message that cannot be shown here"),
    "deleted": _("This message was taken back"),
    "element": _("Known by its number only"),
    "receipt": _("Receipt"),
    "coupon": _("Coupon code"),
    "no_place": _("A place without coordinates"),
    "appointment": _("An appointment"),
    "appointment_requested": _("An appointment was asked for"),
    "appointment_confirmed": _("An appointment was confirmed"),
    "appointment_declined": _("An appointment was declined"),
    "appointment_cancelled": _("An appointment was cancelled"),
    "contact": _("A contact"),
    "ad": _("Came by an ad"),
    "came_by": _("Came by a link"),
    "optin": _("Agreed to get messages from the page"),
    "tap": _("Tapped a button without a title"),
    "reacted": _("Reacted"),
    "story_reply": _("An answer to a story"),
    "linked": _("Linked their account"),
    "unlinked": _("Ended the link to their account"),
    "account": _("Changed the link to their account"),
    "good_answer": _("Called an answer good"),
    "bad_answer": _("Called an answer bad"),
    "feedback": _("Said what they think of an answer"),
    "edited_earlier": _("Changed an earlier message to this"),
}

#: What came without a text, in the list and in quotes: the keys of `bubble.summary`.
SUMMARY_LABELS: Mapping[str, str] = {**LINKS, **FILES, **NOTES, "buttons": _("Buttons")}

#: What failed before a handover: `bot_facts.Failure.kind`.
TROUBLES: Mapping[str, str] = {
    "not_understood": _("The bot did not understand"),
    "not_taken": _("An answer was not accepted"),
    "broke": _("The bot had an error"),
    "nobody_there": _("Nobody could be reached before"),
}

#: What agents did: `acts.Done`, of those that have a divider. %(whom)s is a colleague, %(tag)s a tag.
ACT_LABELS: Mapping[str, str] = {
    "claimed": _("%(who)s took this conversation"),
    "assigned": _("%(who)s assigned it to %(whom)s"),
    "unassigned": _("%(who)s unassigned it from %(whom)s"),
    "freed": _("%(whom)s is not here any more: assigned to nobody"),
    "tagged": _("%(who)s added the tag %(tag)s"),
    "untagged": _("%(who)s removed the tag %(tag)s"),
}

#: How an agent reads times of day: auth.HOURS.
HOURS_LABELS: Mapping[str, str] = {
    "": _("As the browser has it"),
    "12": _("12 hours (2:25 PM)"),
    "24": _("24 hours (14:25)"),
}

#: By how much a time limit is put off: what the server takes, and what the button says.
EXTENSIONS: Mapping[str, str] = {
    "1 hour": _("1 hour"),
    "4 hours": _("4 hours"),
    "1 day": _("1 day"),
    "3 days": _("3 days"),
}

#: How long something has lasted, or will, where there is little room. "none": less than one of the last.
SHORT_UNITS: Mapping[str, str] = {
    "day": _("%(num)s d"),
    "hour": _("%(num)s h"),
    "minute": _("%(num)s min"),
    "second": _("%(num)s s"),
    "none": _("< 1 min"),
}
NO_TIME = _("less than a minute")
#: "1 hour 31 minutes"
TWO_UNITS = _("%(first)s %(second)s")

#: Targets whose name is ours, not configured; of an app, by its id.
TARGETS: Mapping[str, str] = {
    "": _("the bot"),
    "another_app": _("another app"),
    **dict.fromkeys(META_INBOXES, _("Page inbox")),
}

#: Who outside the inbox has said the last word in a conversation of it.
ANSWERED_BY = _("Answered by %(target)s")
ANSWERED_FROM: Mapping[str, str] = dict.fromkeys(META_INBOXES, _("Answered from the Page inbox"))

#: Who did it, where it was no agent.
WHO: Mapping[str, str] = {
    "command line": _("the command line"),
    "you": _("you"),
}

#: By what reports are added up (reports.SUMMED_BY), and what each row of such a table is.
REPORT_TITLES: Mapping[str, str] = {
    "agent": _("By agent"),
    "target": _("By target"),
    "reason": _("By reason of the handover"),
    "return": _("By reason of the return"),
    "tag": _("By tag"),
    "hour": _("By hour of the day"),
    "day": _("By day"),
}
REPORT_HEADS: Mapping[str, str] = {
    "agent": _("Agent"),
    "target": _("Target"),
    "reason": _("Reason"),
    "return": _("Reason"),
    "tag": _("Tag"),
    "hour": _("Hour"),
    "day": _("Day"),
}
#: A row without a key.
REPORT_OF_NONE: Mapping[str, str] = {
    "agent": _("Taken by nobody"),
    "target": _("Not known"),
    "reason": _("Not known"),
    "return": _("Not back yet"),
}
#: Reasons of handovers and returns, in a few words: those of REASONS by which one begins or ends.
REPORT_REASONS: Mapping[str, str] = {
    "handed_over": _("The bot handed over"),
    "requested": _("Another app asked for it"),
    "staff_took_over": _("Answered from outside"),
    "not_released": _("Another app had kept it"),
    "automatic_reply": _("Automatic reply of the Page inbox"),
    "meta_ai": _("Answer of Meta's AI"),
    "took_over": _("An agent stepped in"),
    "settled": _("Found out from Meta"),
    "channel_corrected": _("Wrong channel corrected"),
    "keyword": _("Keyword"),
    "button": _("Button"),
    "time_limit": _("Time limit"),
    "agent": _("Returned by an agent"),
    "passed_back": _("Passed back by the other app"),
    "lapsed": _("Other app silent for 24 hours"),
    "released": _("Let go by the other app"),
    "no_answer": _("Not answered in time"),
}

#: Fields of a form that agents fill in.
FIELD_LABELS: Mapping[str, str] = {
    "text": _("Text"),
    "note": _("Note"),
    "tag": _("Tag"),
    "search": _("Search"),
    "name": _("Name"),
    "shown_name": _("Shown name"),
    "title": _("Name"),
    "password": _("Password"),
}

#: Why somebody may not come in: auth.py's reasons.
REFUSALS: Mapping[str, str] = {
    "elsewhere": _("This inbox has no agents yet. Until it has, it is open only on the machine it runs on."),
    "proxy": _(
        "This inbox has no agents yet. Until it has, it is open only on the machine it runs on; "
        "behind a proxy nobody can tell who sits there."
    ),
    "host": _(
        "This inbox has no agents yet. Until it has, it is open only on the machine it runs on, and by a "
        "name of that machine: open it there as http://localhost, with the port."
    ),
    "link": _(
        "This inbox has no agents yet. On this machine, come in by the link that was printed at the start."
    ),
    "used": _("This link was used already, or is more than 15 minutes old."),
    "agents": _("This inbox has agents, so links let nobody in: sign in with username and password."),
}
