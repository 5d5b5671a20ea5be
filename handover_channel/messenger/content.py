"""Turns a message of a webhook into the bubble that agents see. No bubble is ever empty.

1. A table by type of attachment (`_BY_TYPE`): what it has no line for is named, and linked where it has an
   address. What Messenger does not pass on, or sends without anything in it, becomes a sentence (`Note`).
2. Pictures, sounds, films and files are fetched by our server; everything else that has an address is a link
   that an agent may open, never a download.
3. Webhooks carry more than text and attachments: `extras_of` makes attachments of our own types of that,
   which are drawn for agents and never given to the bot.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone, tzinfo
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence
from zoneinfo import ZoneInfo

from handover_channel.messenger import links
from handover_channel.messenger.bubble import (
    Content,
    File,
    Link,
    Note,
    joined,
    mapping,
    mappings,
    words,
)
from handover_channel.messenger.events import Attachment
from handover_channel.messenger.templates import buttons_of, content_of_template

_Json = Mapping[str, Any]

#: Meta's names of reactions -> what the person saw, where Meta does not send the emoji.
#: https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/webhook-events/message-reactions
EMOJI: Mapping[str, str] = {
    "smile": "😆",
    "angry": "😠",
    "sad": "😢",
    "wow": "😮",
    "love": "❤️",
    "like": "👍",
    "dislike": "👎",
}

#: Where a place is shown. https://wiki.openstreetmap.org/wiki/Browsing#Other_URL_tricks
_MAP = "https://www.openstreetmap.org/?mlat={0}&mlon={1}#map=16/{0}/{1}"


def content_of(text: Any, attachments: Iterable[Attachment], *more: Content) -> Content:
    """Return what a message shows, with *more* of it that is drawn already: never nothing."""
    every = list(attachments)
    found = joined([Content(text=words(text)), *map(_drawn, _without_twins(every)), *more])
    if not found.is_empty:
        return found
    return replace(found, notes=(Note("blank" if isinstance(text, str) and text else "nothing"),))


#: Meta's keys of what `extras_of` looks for.
_EXTRA = frozenset({"is_unsupported", "is_deleted", "referral", "reply_to", "quick_replies", "quick_reply"})


def extras_of(message: _Json) -> Iterator[Attachment]:
    """Give what a `message` or `postback` carries beside words and attachments, as attachments of our own."""
    if _EXTRA.isdisjoint(message):  # nearly always: this runs for every message
        return
    if message.get("is_unsupported"):
        yield Attachment("unsupported")
    if message.get("is_deleted"):
        yield Attachment("deleted")
    if mapping(message.get("referral")):
        yield Attachment("referral", payload=message["referral"])
    story = mapping(mapping(message.get("reply_to")).get("story"))
    if story:
        yield Attachment("story_reply", url=words(story.get("url")), payload=story)
    if mappings(message.get("quick_replies")):
        yield Attachment("quick_replies", payload={"quick_replies": message["quick_replies"]})
    if mapping(message.get("quick_reply")) and not words(message.get("text")):
        yield tap_of(message["quick_reply"])


def tap_of(tapped: _Json) -> Attachment:
    """Return the tap on a button without a title, as an attachment of our own."""
    return Attachment("tap", payload={"payload": words(tapped.get("payload"))})


def attachment_of(given: _Json) -> Attachment:
    """Return the attachment that was kept as JSON, whatever it has become."""
    texts = {key: words(given.get(key)) for key in ("type", "url", "title")}
    return Attachment(**texts, payload=mapping(given.get("payload")))


def emoji_of(reaction: _Json) -> str:
    """Return what a `reaction` of Meta's shows, "" where it does not say."""
    name = words(reaction.get("reaction"))
    return words(reaction.get("emoji")) or EMOJI.get(name, name)


def is_taken_back(reaction: _Json) -> bool:
    """Tell whether a `reaction` of Meta's ends an earlier one."""
    return reaction.get("action") == "unreact"


def _drawn(attachment: Attachment) -> Content:
    found = _BY_TYPE.get(attachment.type, _unknown)(attachment)
    return found if found != Content() else _unknown(attachment)


def _without_twins(attachments: Sequence[Attachment]) -> List[Attachment]:
    """Leave out pictures of stickers that are there as stickers, too: until August 2026 Meta sent both."""
    stickers = [each for each in attachments if each.type == "sticker"]
    numbers = {_sticker_number(each) for each in stickers} - {""}
    addresses = {_address(each).partition("?")[0] for each in stickers} - {""}
    return [
        each
        for each in attachments
        if not (
            each.type == "image"
            and stickers
            and (_sticker_number(each) in numbers or _address(each).partition("?")[0] in addresses)
        )
    ]


def _sticker_number(attachment: Attachment) -> str:
    payload = mapping(attachment.payload)
    return words(payload.get("sticker_id")) or words(payload.get("stickerId"))


def _address(attachment: Attachment) -> str:
    payload = mapping(attachment.payload)
    given = (attachment.url, *(payload.get(key) for key in ("url", "link", "story_media_url", "src")))
    return next(filter(None, map(words, given)), "")


def _title(attachment: Attachment) -> str:
    payload = mapping(attachment.payload)
    return next(filter(None, map(words, (attachment.title, payload.get("title"), payload.get("name")))), "")


def _media(attachment: Attachment) -> Content:
    kind = "sticker" if _sticker_number(attachment) else attachment.type
    url = links.safe(_address(attachment))
    # Of pictures, voice messages and videos the address has a name of Meta's own.
    title = _title(attachment) or (links.file_name_in(url) if kind == "file" else "")
    return Content(files=(File(kind, url, title),))


def _link(kind: str) -> Callable[[Attachment], Content]:
    def drawn(attachment: Attachment) -> Content:
        address, title = _address(attachment), _title(attachment)
        url = links.opened(address)
        if not url:  # shares that Meta does not pass on come without an address, or with one that none is
            title = "\n".join(filter(None, (title, address)))
        if not title and not url:
            return Content(notes=(Note("unsupported"),))
        return Content(links=(Link(url, title, kind, links.host_of(url)),))

    return drawn


def _place(attachment: Attachment) -> Content:
    given = mapping(mapping(attachment.payload).get("coordinates"))
    latitude = _degrees(given, ("lat", "latitude"), 90)
    longitude = _degrees(given, ("long", "lng", "lon", "longitude"), 180)
    if latitude is None or longitude is None:
        found = _link("place")(attachment)
        return found if found.links else Content(notes=(Note("no_place"),))
    url = _MAP.format(latitude, longitude)
    return Content(links=(Link(url, _title(attachment), "place", f"{latitude}, {longitude}"),))


def _degrees(given: _Json, names: Sequence[str], most: float) -> Optional[float]:
    found = next((given[name] for name in names if given.get(name) is not None), None)
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        return None
    try:
        degrees = float(found)
    except (ValueError, OverflowError):
        return None
    return round(degrees, 6) if -most <= degrees <= most else None


def _template(attachment: Attachment) -> Content:
    found = content_of_template(mapping(attachment.payload))
    if found.is_empty and (_title(attachment) or links.opened(_address(attachment))):
        return _link("link")(attachment)
    return found


#: What Meta says of an appointment -> the sentence.
_APPOINTMENTS = ("requested", "confirmed", "declined", "cancelled")


def _appointment(attachment: Attachment) -> Content:
    payload = mapping(attachment.payload)
    status = words(payload.get("status"))
    key = f"appointment_{status}" if status in _APPOINTMENTS else "appointment"
    there = _zone(words(payload.get("timezone")))
    times = [_local(payload.get(name), there) for name in ("start_time", "end_time")]
    when = " – ".join(filter(None, times))
    detail = " · ".join(filter(None, (_title(attachment), when and f"{when} {there}")))
    url = links.opened(_address(attachment))
    return Content(notes=(Note(key, detail),), links=(Link(url, detail=links.host_of(url)),) if url else ())


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.utc
    except (ValueError, OSError, KeyError):  # not one that this machine knows
        return timezone.utc


def _local(seconds: Any, there: tzinfo) -> str:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return ""
    try:
        return datetime.fromtimestamp(seconds, there).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # a time there is not
        return ""


#: Keys that say who a shared contact is, and how to reach them.
_OF_A_CONTACT = ("formatted_name", "name", "phone", "phone_number", "wa_id", "email", "id")
#: How deep they are looked for.
_DEEP = 5


def _contacts(attachment: Attachment) -> Content:
    found = list(dict.fromkeys(_in_contact(attachment.payload, _DEEP)))
    return Content(notes=(Note("contact", " · ".join(filter(None, (attachment.title, *found)))),))


def _in_contact(given: Any, deep: int) -> Iterator[str]:
    if isinstance(given, (list, tuple)) and deep:
        for each in given:
            yield from _in_contact(each, deep - 1)
    elif isinstance(given, Mapping) and deep:
        for key, value in given.items():
            if isinstance(value, (Mapping, list, tuple)):
                yield from _in_contact(value, deep - 1)
            elif key in _OF_A_CONTACT and words(value):
                yield words(value)


def _referral(attachment: Attachment) -> Content:
    given = attachment.payload
    context = mapping(given.get("ads_context_data"))
    is_ad = bool(context or words(given.get("ad_id")) or words(given.get("source")) == "ADS")
    ref, source = words(given.get("ref")), words(given.get("source"))
    product = words(mapping(given.get("product")).get("id")) or words(context.get("product_id"))
    more = {"ad": words(given.get("ad_id")), "product": product, "post": words(context.get("post_id"))}
    detail = [f"{name}: {value}" for name, value in more.items() if value]
    if is_ad:
        detail = [words(context.get("ad_title")), ref and f"ref: {ref}", *detail]
    else:  # SHORTLINK is an m.me link, which the sentence says
        detail = [ref, *detail, "" if source == "SHORTLINK" else source, words(given.get("referer_uri"))]
    return Content(notes=(Note("ad" if is_ad else "came_by", " · ".join(filter(None, detail))),))


def _noted(key: str, *names: str) -> Callable[[Attachment], Content]:
    """Return what draws an attachment as the sentence *key*, with what stands under *names* behind it."""

    def drawn(attachment: Attachment) -> Content:
        detail = " · ".join(filter(None, (words(mapping(attachment.payload).get(name)) for name in names)))
        return Content(notes=(Note(key, detail),))

    return drawn


def _by_value(name: str, keys: Mapping[str, str], otherwise: str) -> Callable[[Attachment], Content]:
    """Return what draws an attachment as the sentence that belongs to the value under *name*."""

    def drawn(attachment: Attachment) -> Content:
        value = words(mapping(attachment.payload).get(name))
        known = keys.get(value)
        return Content(notes=(Note(known) if known else Note(otherwise, value),))

    return drawn


def _reaction(attachment: Attachment) -> Content:
    return Content(notes=(Note("reacted", emoji_of(mapping(attachment.payload))),))


def _story_reply(attachment: Attachment) -> Content:
    found = _link("story")(attachment) if _address(attachment) else Content()
    return joined([Content(notes=(Note("story_reply"),)), found])


def _quick_replies(attachment: Attachment) -> Content:
    return Content(quick_replies=buttons_of(mapping(attachment.payload).get("quick_replies")))


def _unknown(attachment: Attachment) -> Content:
    """Name what is not known here, and draw of it what has a usual form."""
    known = content_of_template(mapping(attachment.payload))
    url = links.opened(_address(attachment))
    shown = (Link(url, _title(attachment), detail=links.host_of(url)),) if url else ()
    what = " · ".join(dict.fromkeys(filter(None, (words(attachment.type), _title(attachment)))))
    return joined([known, Content(links=shown, notes=(Note("unknown", what),))])


#: Type of an attachment, Meta's or (second part) one of `extras_of` -> how it is drawn.
_BY_TYPE: Dict[str, Callable[[Attachment], Content]] = {
    **dict.fromkeys(("image", "audio", "video", "file", "sticker"), _media),
    **dict.fromkeys(("fallback", "share", "link"), _link("link")),
    **dict.fromkeys(("reel", "ig_reel"), _link("reel")),
    **dict.fromkeys(("post", "ig_post"), _link("post")),
    **dict.fromkeys(("story", "ig_story", "story_mention"), _link("story")),
    **dict.fromkeys(("contact", "contacts"), _contacts),
    **dict.fromkeys(("unsupported", "unsupported_type"), _noted("unsupported")),
    "location": _place,
    "template": _template,
    "appointment_booking": _appointment,
    "deleted": _noted("deleted"),
    "elsewhere": _noted("elsewhere"),
    "referral": _referral,
    "optin": _noted("optin", "title", "ref", "payload"),
    "tap": _noted("tap", "payload"),
    "quick_replies": _quick_replies,
    "story_reply": _story_reply,
    "reaction": _reaction,
    "account_linking": _by_value("status", {"linked": "linked", "unlinked": "unlinked"}, "account"),
    "response_feedback": _by_value(
        "feedback", {"Good response": "good_answer", "Bad response": "bad_answer"}, "feedback"
    ),
}
