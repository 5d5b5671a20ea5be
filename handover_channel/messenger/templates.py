"""Turns structured messages (`"type": "template"`) into parts of a bubble, whoever sent them.

Most templates are alike: a text, cards, buttons. `_OTHER_PARTS` has those that hold more; a bubble of an
unknown template says that the message has more to it.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/templates
"""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Sequence, Tuple

from handover_channel.messenger import links
from handover_channel.messenger.bubble import (
    Button,
    Card,
    Content,
    Link,
    Note,
    joined,
    mapping,
    mappings,
    words,
)

_Json = Mapping[str, Any]

#: Templates that are drawn whole by what they have in common.
_PLAIN = frozenset({"", "generic", "button", "list", "media", "open_graph", "product", "customer_feedback"})

#: Keys under which some apps and Instagram put the template once more.
_ELSEWHERE = ("generic", "product", "button", "media")


def content_of_template(payload: _Json) -> Content:
    """Return what *payload* (an attachment's) shows; nothing where nothing in it can be shown."""
    inner = next((payload[key] for key in _ELSEWHERE if isinstance(payload.get(key), Mapping)), payload)
    kind = words(payload.get("template_type")) or words(inner.get("template_type"))
    special = _OTHER_PARTS.get(kind)
    parts = [_heading(inner), *map(_element, mappings(inner.get("elements")))]
    parts.append(Content(buttons=buttons_of(inner.get("buttons"))))
    if special is not None:
        parts.append(special(inner))
    found = joined(parts)
    if kind in _PLAIN or special is not None:
        return found
    return joined([found, Content(notes=(Note("template", kind),))])


def card_of(element: _Json) -> Card:
    """Return the card of one element; `Card("")` where it has nothing to show."""
    return Card(
        title=words(element.get("title")),
        subtitle=" · ".join(filter(None, (words(element.get("subtitle")), _price(element)))),
        picture=links.safe(element.get("image_url")),
        buttons=buttons_of(element.get("buttons")),
    )


def buttons_of(given: Any) -> Tuple[Button, ...]:
    """Return buttons or quick replies by their titles; those without one by what they lead to."""
    found: List[Button] = []
    for each in mappings(given):
        url = words(each.get("url"))
        title = words(each.get("title")) or url or words(each.get("type")) or words(each.get("content_type"))
        if title:
            found.append(Button(title, url))
    return tuple(found)


def _heading(payload: _Json) -> Content:
    text = "\n".join(filter(None, (words(payload.get("text")), words(payload.get("intro_message")))))
    card = card_of({key: payload.get(key) for key in ("title", "subtitle", "image_url")})
    return Content(text=text, cards=_if_seen(card))


def _element(element: _Json) -> Content:
    card, address = card_of(element), element.get("url")
    link = links.opened(address)
    shown = (Link(link, card.title, detail=links.host_of(link)),) if link else ()
    if card.picture or card.subtitle or not shown:
        shown_card = _if_seen(card)
    else:  # media and open_graph: an address with buttons
        shown_card = _if_seen(Card("", buttons=card.buttons)) if card.buttons else ()
    if shown_card or shown:
        return Content(cards=shown_card, links=shown)
    number = (
        words(element.get("id")) or words(element.get("retailer_id")) or words(element.get("attachment_id"))
    )
    return Content(notes=(Note("element", number),)) if number else Content()


def _if_seen(card: Card) -> Sequence[Card]:
    return (card,) if card != Card("") else ()


def _price(element: _Json) -> str:
    quantity, price, currency = (words(element.get(key)) for key in ("quantity", "price", "currency"))
    return " ".join(filter(None, (quantity and f"{quantity} ×", price, price and currency)))


def _receipt(payload: _Json) -> Content:
    total = words(mapping(payload.get("summary")).get("total_cost"))
    given = (
        words(payload.get("order_number")),
        words(payload.get("recipient_name")),
        " ".join(filter(None, (total, total and words(payload.get("currency"))))),
    )
    return Content(notes=(Note("receipt", " · ".join(filter(None, given))),))


def _coupon(payload: _Json) -> Content:
    code, address = words(payload.get("coupon_code")), links.opened(payload.get("coupon_url"))
    title = words(payload.get("coupon_url_button_title"))
    shown = (Link(address, title, detail=links.host_of(address)),) if address else ()
    return Content(links=shown, notes=(Note("coupon", code),))


#: Template type -> what it has beside text, cards and buttons.
_OTHER_PARTS: Mapping[str, Callable[[_Json], Content]] = {"receipt": _receipt, "coupon": _coupon}
