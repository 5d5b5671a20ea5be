"""Checks the page itself: features, restrictions, what answers in it by itself, and its first button.

Meta has no call that tells of restrictions, or of its automatic replies: what deliveries and refusals have
shown within the last week tells (store/evidence.py).
"""

from __future__ import annotations

from typing import Iterator, Mapping, Tuple

from handover_channel.doctor import meta_answers, meta_pages
from handover_channel.doctor.check import Check, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.rules.obstacle import Obstacle
from handover_channel.sentences import Sentence, of_others
from handover_channel.settings.automatic_replies import AUTOMATIC_REPLY, META_AI
from handover_channel.settings.credentials import Page
from handover_channel.settings.loader import TargetKind
from handover_channel.store.findings import POLICY_ENFORCED

#: What Meta calls the feature in App Review.
FEATURE = "human_agent"

#: What *Get Started* sends: the greeting, as Rasa's own documents have it.
GET_STARTED = {"get_started": {"payload": "/greet"}}

_ASK_FOR_IT = Sentence("ask for *Human Agent* with advanced access")
_AFTER_A_DAY = Sentence("agents of the built-in inbox cannot answer once 24 hours have passed")


def _human_agent(facts: Facts) -> Iterator[Found]:
    if not any(each.kind is TargetKind.INBOX for each in facts.settings.targets.values()):
        yield ok(Sentence("agents answer elsewhere: the feature is not needed"))
        return
    if Obstacle.NO_TAG.value in meta_answers.seen(facts).obstacles:
        said = Sentence("Meta has refused a reply with the tag HUMAN_AGENT")
        yield warn(said, _AFTER_A_DAY, _ASK_FOR_IT, meta_pages.APP_REVIEW)
        return
    for page in meta_answers.pages(facts):
        status = meta_answers.feature_reviews(facts, page).get(FEATURE, "")
        if status and status != "approved":
            said = Sentence("Human Agent is not approved: %(status)s", status=status)
            yield warn(said, _AFTER_A_DAY, _ASK_FOR_IT, meta_pages.APP_REVIEW)
        elif status:
            yield ok(Sentence("Human Agent is approved"))
        else:
            yield ok(Sentence("Meta does not say whether Human Agent is approved; it has refused nothing"))


def _restrictions(facts: Facts) -> Iterator[Found]:
    nothing_wrong = True
    for page in meta_answers.pages(facts):
        if meta_answers.is_published(facts, page) is False:
            nothing_wrong = False
            yield fail(
                Sentence("page %(page)s is not published", page=meta_answers.named(facts, page)),
                Sentence("only people with a role on the page can write to it"),
                Sentence("publish it"),
                meta_pages.QUALITY,
            )
    seen = meta_answers.seen(facts)
    for each in seen.findings:
        if each.kind == POLICY_ENFORCED:
            nothing_wrong = False
            yield fail(
                Sentence("Meta enforces a policy: %(said)s", said=of_others(each.text)),
                Sentence("Meta may refuse what the bot and agents send"),
                Sentence("read what it says there, and ask for a review"),
                meta_pages.QUALITY,
            )
    if Obstacle.RESTRICTED.value in seen.obstacles:
        nothing_wrong = False
        yield fail(
            Sentence("Meta has restricted the page or the app"),
            Sentence("nothing can be sent"),
            Sentence("read what it says there, and ask for a review"),
            meta_pages.QUALITY,
        )
    if nothing_wrong:
        yield ok(Sentence("Meta tells of no restriction, and has refused nothing for one"))


_WHAT_ANSWERS: Mapping[str, Tuple[Sentence, Sentence]] = {
    AUTOMATIC_REPLY: (
        Sentence("the Page inbox has answered by itself"),
        Sentence("switch off instant reply and away message"),
    ),
    META_AI: (Sentence("Meta's own AI has answered"), Sentence("switch it off for this page")),
}


def _automatic_replies(facts: Facts) -> Iterator[Found]:
    seen = meta_answers.seen(facts).answered_by_itself
    for kind in sorted(seen):
        said, remedy = _WHAT_ANSWERS[kind]
        why = Sentence("people get two answers, of which one is not the bot's")
        yield warn(said, why, remedy, meta_pages.AUTOMATIONS)
    if not seen:
        yield ok(Sentence("nothing but the bot has answered by itself within the last week"))


def _get_started(facts: Facts) -> Iterator[Found]:
    return meta_answers.each_page(facts, lambda page: _get_started_of(facts, page))


def _get_started_of(facts: Facts, page: Page) -> Iterator[Found]:
    named = meta_answers.named(facts, page)
    if meta_answers.get_started(facts, page):
        yield ok(Sentence("page %(page)s has the button *Get Started*", page=named))
    else:
        yield warn(
            Sentence("page %(page)s has no button *Get Started*", page=named),
            Sentence("people do not see that a bot answers here, and no menu can be shown"),
            Sentence("run `handover doctor --fix`: no page of Meta's sets it"),
        )


def _set_get_started(facts: Facts) -> None:
    """Set the button where there is none.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
    """
    for page in meta_answers.pages(facts):
        if not meta_answers.get_started(facts, page):
            facts.graph.post(page.token, "/me/messenger_profile", GET_STARTED)


CHECKS: Tuple[Check, ...] = (
    Check(
        "human_agent",
        Sentence("Agents may answer after a day"),
        _human_agent,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "page.restrictions",
        Sentence("Meta restricts nothing"),
        _restrictions,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "page.automatic_replies",
        Sentence("Nothing answers beside the bot"),
        _automatic_replies,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "profile.get_started",
        Sentence("The page has a first button"),
        _get_started,
        _set_get_started,
        meta_answers.on_messenger,
    ),
)
