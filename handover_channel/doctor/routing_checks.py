"""Checks Conversation Routing and the targets: who is the default app, may we take control, who is there.

Meta tells an app that there is a default app (`messaging_feature_status`), and not which; nor does it tell
whether the app may take control. What it shows of threads that others have, and what it has refused, tells:
the default app sees the owner of every thread, others only that there is one. Where nothing was seen, nothing
speaks against it, and that is what is said.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing

Who has only the built-in inbox as a target needs no control of others': there it is a warning.
"""

from __future__ import annotations

from typing import Callable, Iterator, List, Optional, Tuple

from handover_channel.doctor import meta_answers, meta_pages
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.errors import GraphError
from handover_channel.graph_api.client import ThreadOwner, parse_thread_owner
from handover_channel.graph_api.errors import TAKE_REFUSED
from handover_channel.messenger.webhook_fields import NEEDED_FIELDS
from handover_channel.sentences import Sentence, of_others
from handover_channel.settings.credentials import Page
from handover_channel.settings.loader import Target, TargetKind
from handover_channel.store.findings import APP_ID_DIFFERS

_Bad = Callable[..., Found]

#: Part of what Meta says without a default app, to whoever takes control.
_NO_ROUTING = "conversation routing is not enabled"

_NOBODY_COMES_BACK = Sentence("button, keyword and time limit bring nobody back from another app")
_TWO_ANSWERS = Sentence("every connected app may answer, and people get two answers")
_CHOOSE_US = Sentence("choose the app of this bot as the default app, and click *Save*")
_SWITCH_ON = Sentence("switch on *Allow this app to take control of conversations* for the app of this bot")


def _others(facts: Facts) -> List[Target]:
    return [each for each in facts.settings.targets.values() if each.kind is not TargetKind.INBOX]


def _bad(facts: Facts) -> _Bad:
    return fail if _others(facts) else warn


def _why(facts: Facts) -> Sentence:
    return _NOBODY_COMES_BACK if _others(facts) else _TWO_ANSWERS


# --- routing --------------------------------------------------------------------------------------


def _refused_takes(facts: Facts) -> List[str]:
    """Return what Meta said where it did not let us take control, the newest first."""
    found = []
    for each in meta_answers.seen(facts).refusals:
        if each.seen_at < facts.clock() - meta_answers.SEEN_WITHIN:
            continue
        remedy = each.said.values.get("remedy")
        first = remedy.values.get("first") if isinstance(remedy, Sentence) else None
        if TAKE_REFUSED.msgid in (getattr(remedy, "msgid", ""), getattr(first, "msgid", "")):
            found.append(str(each.said.values.get("said") or each.said))
    return found


def _is_on(facts: Facts, page: Page) -> Optional[bool]:
    told = meta_answers.routing_is_on(facts, page)
    if told is None and any(_NO_ROUTING in said.lower() for said in _refused_takes(facts)):
        return False
    return told


def _on(facts: Facts) -> Iterator[Found]:
    return meta_answers.each_page(facts, lambda page: _on_of(facts, page))


def _on_of(facts: Facts, page: Page) -> Iterator[Found]:
    named, told = meta_answers.named(facts, page), _is_on(facts, page)
    if told is False:
        said = Sentence("page %(page)s has no default app: Conversation Routing is off", page=named)
        yield _bad(facts)(said, _why(facts), _CHOOSE_US, meta_pages.ROUTING)
    elif told:
        yield ok(Sentence("page %(page)s has a default app", page=named))
    else:
        yield ok(Sentence("page %(page)s: Meta does not say; nothing speaks against it", page=named))


def _default_app(facts: Facts) -> Iterator[Found]:
    return meta_answers.each_page(facts, lambda page: _default_app_of(facts, page))


def _default_app_of(facts: Facts, page: Page) -> Iterator[Found]:
    named = meta_answers.named(facts, page)
    if _is_on(facts, page) is False:
        said = Sentence("page %(page)s: no app is the default app", page=named)
        yield _bad(facts)(said, _why(facts), _CHOOSE_US, meta_pages.ROUTING)
        return
    shown = _is_shown_owners(facts, page)
    if shown is False:
        yield _bad(facts)(
            Sentence("page %(page)s: another app is the default app", page=named),
            Sentence("the bot may not answer a conversation that nobody has, and does not hear of it"),
            _CHOOSE_US,
            meta_pages.ROUTING,
        )
    elif shown:
        yield ok(Sentence("page %(page)s: this app is the default app", page=named))
    else:
        yield ok(
            Sentence("page %(page)s: Meta tells no app which it is; nothing speaks against it", page=named)
        )


def _is_shown_owners(facts: Facts, page: Page) -> Optional[bool]:
    """Tell whether Meta shows us who has a thread that is not ours; None where there is none to ask about."""
    for held in meta_answers.seen(facts).held:
        if held.page not in ("", page.id) and page.id:
            continue
        try:
            answer = facts.graph.get(page.token, "/me/thread_owner", recipient=held.thread)
        except (GraphError, CouldNotLook):
            continue
        owner: ThreadOwner = parse_thread_owner(answer)
        shown = owner.shows_default_app(facts.settings.app_id)
        if shown is not None:
            return shown
    return None


def _take(facts: Facts) -> Iterator[Found]:
    refused = _refused_takes(facts)
    if refused:
        said = Sentence("Meta has refused to give control back: %(said)s", said=of_others(refused[0]))
        no_routing = _NO_ROUTING in refused[0].lower()
        remedy, where = (_CHOOSE_US, meta_pages.ROUTING) if no_routing else (_SWITCH_ON, meta_pages.ADVANCED)
        yield _bad(facts)(said, _NOBODY_COMES_BACK, remedy, where)
        return
    if _others(facts) and any(_is_on(facts, page) is False for page in meta_answers.pages(facts)):
        yield fail(
            Sentence("without a default app Meta lets nobody take control"),
            _NOBODY_COMES_BACK,
            _CHOOSE_US,
            meta_pages.ROUTING,
        )
        return
    yield ok(Sentence("Meta tells no app whether it may take control; it has not refused it"))


# --- targets --------------------------------------------------------------------------------------


def _targets(facts: Facts) -> List[Target]:
    """Return the targets that are apps of somebody else's: Meta's own inbox is always there."""
    return [each for each in _others(facts) if each.kind is TargetKind.APP]


def _known(facts: Facts) -> Iterator[Found]:
    for target in _targets(facts):
        name = _name_of(facts, target)
        if name:
            yield ok(Sentence("target %(target)s is the app %(app)s", target=target.name, app=name))
        elif _is_seen(facts, target):
            yield ok(
                Sentence(
                    "target %(target)s: app %(app)s was seen here", target=target.name, app=target.app_id
                )
            )
        else:
            yield warn(
                Sentence(
                    "target %(target)s: Meta shows no app %(app)s", target=target.name, app=target.app_id
                ),
                Sentence("if there is none of this id, every handover to it is refused"),
                Sentence(
                    "compare `app_id` of the target in handover.yml with what `handover apps` lists, or what "
                    "the other app's people say"
                ),
                meta_pages.ADVANCED,
            )
    if not _targets(facts):
        yield ok(Sentence("no target is another app"))


def _name_of(facts: Facts, target: Target) -> str:
    for page in meta_answers.pages(facts):
        listed = _listed(facts, page).get(target.app_id)
        name = listed or meta_answers.secondary_receivers(facts, page).get(target.app_id)
        if name:
            return name
    return meta_answers.app_name(facts, target.app_id) or ""


def _listed(facts: Facts, page: Page) -> dict[str, str]:
    """Return the names of the page's apps by their ids, none where Meta tells none."""
    try:
        found = meta_answers.page_subscriptions(facts, page)
    except CouldNotLook:
        return {}
    return {app_id: meta_answers.text(app.get("name")) or app_id for app_id, app in found.items()}


def _is_seen(facts: Facts, target: Target) -> bool:
    try:
        return target.app_id in meta_answers.seen(facts).apps
    except CouldNotLook:
        return False


def _subscribed(facts: Facts) -> Iterator[Found]:
    for target in _targets(facts):
        for page in meta_answers.pages(facts):
            yield _subscription_of(facts, target, page)
    if not _targets(facts):
        yield ok(Sentence("no target is another app"))


def _subscription_of(facts: Facts, target: Target, page: Page) -> Found:
    found = meta_answers.page_subscriptions(facts, page)
    named = meta_answers.named(facts, page)
    theirs = found.get(target.app_id)
    if theirs is not None:
        given = meta_answers.names(theirs.get("subscribed_fields", list(NEEDED_FIELDS)))
        lacking = [name for name in ("messages", "messaging_handovers") if name not in given]
        if not lacking:
            return ok(
                Sentence("target %(target)s is subscribed to page %(page)s", target=target.name, page=named)
            )
        return warn(
            Sentence(
                "target %(target)s is not subscribed to %(fields)s",
                target=target.name,
                fields=meta_answers.in_words(lacking),
            ),
            Sentence("it does not learn that it has control, or what people write"),
            Sentence("ask the other app's people to subscribe their app to these fields"),
            meta_pages.WEBHOOKS,
        )
    if set(found) - {facts.settings.app_id}:  # others are listed, and it is not
        return fail(
            Sentence("target %(target)s is not connected to page %(page)s", target=target.name, page=named),
            Sentence("Meta refuses every handover to it, or nobody there hears of it"),
            Sentence("connect the page in the other app or tool; then it is in the list there"),
            meta_pages.ADVANCED,
        )
    return ok(
        Sentence("target %(target)s: Meta lists our app alone; nothing speaks against it", target=target.name)
    )


# --- our own app ----------------------------------------------------------------------------------


def _app_id(facts: Facts) -> Iterator[Found]:
    for each in meta_answers.seen(facts).findings:
        # Where it has been corrected, the next echo takes the finding away.
        if each.kind == APP_ID_DIFFERS and each.subject != facts.settings.app_id:
            yield fail(
                Sentence("echoes of our own messages come from app %(app)s", app=each.subject),
                Sentence("the bot takes its own answers for those of somebody else"),
                Sentence("write that id as `app_id` in handover.yml, if it is this bot's app"),
                meta_pages.BASIC,
            )
            return
    yield ok(Sentence("no echo of our own messages came from another app"))


CHECKS: Tuple[Check, ...] = (
    Check("routing.on", Sentence("Conversation Routing is on"), _on, applies=meta_answers.on_messenger),
    Check(
        "routing.default_app",
        Sentence("This app is the default app"),
        _default_app,
        applies=meta_answers.on_messenger,
    ),
    Check("routing.take", Sentence("This app may take control"), _take, applies=meta_answers.on_messenger),
    Check(
        "targets.known",
        Sentence("The targets are apps that exist"),
        _known,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "targets.subscribed",
        Sentence("The targets are on the page"),
        _subscribed,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "app_id.true", Sentence("`app_id` is that of this bot"), _app_id, applies=meta_answers.on_messenger
    ),
)
