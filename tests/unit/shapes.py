"""Shapes of Meta's webhooks, each with what agents see of it, and recordings of other projects.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
"""

from __future__ import annotations

import json
from pathlib import Path

from play import PSID, SALES_BOT

from handover_channel.messenger import webhook

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "webhooks.jsonl"
AT = 1_700_000_000_000
CDN = "https://scontent.example/a.png"
WEB = "https://shop.example"


def attached(*attachments):
    return {"attachments": list(attachments)}


def one(kind, **payload):
    return attached({"type": kind, "payload": payload})


def template(kind, **payload):
    return attached(
        {"type": "template", "title": "", "url": None, "payload": {"template_type": kind, **payload}}
    )


BUTTONS = [{"type": "postback", "title": "Yes", "payload": "YES"}, {"type": "element_share"}]
BOOKED = {
    "booking_id": "1",
    "status": "confirmed",
    "start_time": 1739612400,
    "end_time": 1739616000,
    "timezone": "America/Los_Angeles",
}
OMAR = {"contacts": [{"name": {"formatted_name": "Omar"}, "phones": [{"phone": "+966"}]}]}
CHAIR = {"id": "1", "retailer_id": "2", "title": "Garden chair", "subtitle": "EUR 40", "image_url": CDN}
GEAR = {"title": "Gear", "quantity": 2, "price": 99.5, "currency": "USD"}
RECEIPT = {
    "order_number": "505",
    "currency": "USD",
    "recipient_name": "Ali",
    "summary": {"total_cost": 626.66},
}
AD = {
    "ref": "summer",
    "ad_id": "604",
    "source": "ADS",
    "type": "OPEN_THREAD",
    "ads_context_data": {"ad_title": "Garden chairs", "photo_url": CDN, "post_id": "9"},
}
LINK = {"ref": "shop", "source": "SHORTLINK", "type": "OPEN_THREAD"}
NOT_PASSED_ON = "Something that Messenger does not pass on"
NOTHING = "A message without content"
MORE = "There is more in this message than can be shown here"

#: Shapes of `message` with a text.
TEXTS = {
    "text": ({"text": "hello"}, "hello"),
    "quick reply": ({"text": "Red", "quick_reply": {"payload": "RED"}}, "Red"),
    "quick reply without text": ({"quick_reply": {"payload": "RED"}}, "Tapped a button without a title: RED"),
    "quick replies": ({"text": "Which?", "quick_replies": [{"content_type": "text", "title": "Red"}]}, "Red"),
    "quick replies alone": ({"quick_replies": [{"title": "Red"}]}, NOTHING),
    "reply": ({"text": "this", "reply_to": {"mid": "m0", "is_self_reply": False}}, "About a message"),
    "reply to a story": ({"text": "nice", "reply_to": {"story": {"url": CDN}}}, "An answer to a story"),
    "an ad": (
        {"text": "hi", "referral": AD},
        "Came by an ad: Garden chairs · ref: summer · ad: 604 · post: 9",
    ),
    "a product's referral": ({"text": "hi", "referral": {"product": {"id": "77"}}}, "product: 77"),
    "an address": ({"text": f"see {WEB}."}, f"see {WEB}."),
}

#: Shapes of `message` in which there is nothing.
NOTHINGS = {
    "unsupported": ({"is_unsupported": True}, NOT_PASSED_ON),
    "nothing": ({}, NOTHING),
    "null everywhere": ({"mid": None, "text": None, "attachments": None, "quick_reply": None}, NOTHING),
    "blanks": ({"text": " \u200b\u2800\n"}, "A message of blanks only"),
    "an empty list": (attached(), NOTHING),
}

#: Attachments that have an address, or should.
ADDRESSES = {
    "image": (one("image", url=CDN), CDN),
    "audio": (one("audio", url=CDN), CDN),
    "video": (one("video", url=CDN), CDN),
    "file": (one("file", url=CDN), "a.png"),
    "image without address": (one("image"), "Picture cannot be shown here"),
    "attachment, not in a list": ({"attachment": {"type": "image", "payload": {"url": CDN}}}, CDN),
    "sticker": (one("sticker", url=CDN, sticker_id=369239263222822), CDN),
    "sticker of before": (one("image", url=CDN, sticker_id=369239263222822), CDN),
    "sticker without address": (one("sticker", sticker_id=1), "Sticker cannot be shown here"),
    "reel": (one("reel", url=CDN, title="Our chairs"), "Our chairs"),
    "ig_reel": (one("ig_reel", url=CDN, reel_video_id="1"), CDN),
    "post": (one("post", url=CDN), CDN),
    "ig_post": (one("ig_post", url=CDN, ig_post_media_id="1"), CDN),
    "ig_story": (one("ig_story", story_media_url=CDN, story_media_id="1"), CDN),
    "share": (one("share", url=CDN), CDN),
    "fallback": (attached({"type": "fallback", "title": "Garden chair", "url": WEB}), "Garden chair"),
    "fallback of before": (attached({"type": "fallback", "payload": None, "title": "T", "URL": WEB}), "T"),
    "fallback of a script": (
        attached({"type": "fallback", "title": "T", "url": "javascript:alert(1)"}),
        "T javascript:alert(1) Shared link · cannot be opened",
    ),
    "fallback without address": (
        attached({"type": "fallback", "payload": None, "title": "T"}),
        "T Shared link · cannot be opened",
    ),
    "fallback of nothing": (attached({"type": "fallback", "payload": None}), NOT_PASSED_ON),
    "a kind of tomorrow": (one("hologram", url=CDN), "hologram"),
    "no kind": (attached({}), "Something of a kind that this page does not know"),
    "unsupported_type": (one("unsupported_type", url=CDN), NOT_PASSED_ON),
}

#: Places, people, appointments.
FACTS = {
    "location": (
        attached(
            {
                "type": "location",
                "title": "Pinned",
                "payload": {"coordinates": {"lat": 24.7136, "long": 46.6753}},
            }
        ),
        "Pinned Location · 24.7136, 46.6753",
    ),
    "location without place": (one("location"), "A place without coordinates"),
    "appointment": (
        one("appointment_booking", **BOOKED),
        "An appointment was confirmed: 2025-02-15 01:40 – 2025-02-15 02:40 America/Los_Angeles",
    ),
    "appointment, nothing known": (one("appointment_booking", timezone="../x"), "An appointment"),
    "contact": (one("contacts", **OMAR), "A contact: Omar · +966"),
    "contact of nobody": (one("contact"), "A contact"),
}

#: Templates by `template_type`.
TEMPLATES = {
    "product": (one("template", product={"elements": [CHAIR]}), "Garden chair EUR 40"),
    "product without words": (
        one("template", product={"elements": [{"id": "17"}]}),
        "Known by its number only: 17",
    ),
    "template without payload": (attached({"type": "template", "payload": None}), "template"),
    "template with a title": (attached({"type": "template", "title": "Chairs", "payload": None}), "Chairs"),
    "generic": (template("generic", elements=[{"title": "A", "buttons": BUTTONS}]), "A Yes element_share"),
    "generic, nested": (one("template", generic={"elements": [{"title": "Chair"}]}), "Chair"),
    "generic, a picture only": (template("generic", elements=[{"image_url": CDN}]), CDN),
    "button": (template("button", text="Book it?", buttons=BUTTONS), "Book it? Yes element_share"),
    "button without text": (template("button", buttons=[{"type": "web_url", "url": WEB}]), WEB),
    "media": (template("media", elements=[{"media_type": "video", "url": WEB, "buttons": BUTTONS}]), WEB),
    "media by number": (template("media", elements=[{"media_type": "image", "attachment_id": "18"}]), "18"),
    "open_graph": (template("open_graph", elements=[{"url": WEB}]), WEB),
    "list": (template("list", elements=[{"title": "One"}, {"title": "Two"}], buttons=BUTTONS), "One Two"),
    "receipt": (
        template("receipt", elements=[GEAR], **RECEIPT),
        "Gear 2 × 99.5 USD Receipt: 505 · Ali · 626.66 USD",
    ),
    "coupon": (template("coupon", title="10 % off", coupon_code="TEN", coupon_url=WEB), "Coupon code: TEN"),
    "customer_feedback": (template("customer_feedback", title="Rate us", subtitle="Now"), "Rate us Now"),
    "airline": (
        template("airline_itinerary", intro_message="Your flight"),
        f"Your flight {MORE}: airline_itinerary",
    ),
    "a template of tomorrow": (template("hologram", elements={}), f"{MORE}: hologram"),
}

MESSAGES = {
    name: ({"mid": "m", **message}, wanted)
    for table in (TEXTS, NOTHINGS, ADDRESSES, FACTS, TEMPLATES)
    for name, (message, wanted) in table.items()
}

#: Shapes of `postback`.
POSTBACKS = {
    "title": ({"mid": "m", "title": "Track", "payload": "TRACK"}, "Track"),
    "no title": ({"mid": "m", "payload": "TRACK"}, "Tapped a button without a title: TRACK"),
    "on standby": ({"mid": "m", "title": "Track"}, "Track"),
    "on standby, no title": ({"mid": "m"}, "Tapped a button without a title"),
    "by a link": (
        {"title": "Start", "payload": "GO", "referral": LINK},
        "Came by a link: shop",
    ),
}


def reaction(**given):
    return {"reaction": {"action": "react", "mid": "m9", **given}}


#: Events that are no messages: what the thread says of them.
OTHERS = {
    "reaction": (reaction(reaction="love", emoji="\u2764"), "Reacted: \u2764"),
    "reaction without emoji": (reaction(reaction="smile"), "Reacted: 😆"),
    "reaction of no message": ({"reaction": {"reaction": "other", "action": "react"}}, "Reacted: other"),
    "edit": (
        {"message_edit": {"mid": "m9", "text": "new", "num_edit": 1}},
        "new Changed an earlier message to this",
    ),
    "link": ({"referral": LINK}, "Came by a link: shop"),
    "optin": (
        {"optin": {"type": "notification_messages", "title": "Sales", "payload": "news"}},
        "Agreed to get messages from the page: Sales · news",
    ),
    "optin of nothing": ({"optin": {"type": "x"}}, "Agreed to get messages from the page"),
    "linked": ({"account_linking": {"status": "linked", "authorization_code": "X"}}, "Linked their account"),
    "unlinked": ({"account_linking": {"status": "unlinked"}}, "Ended the link to their account"),
    "good": ({"response_feedback": {"feedback": "Good response", "mid": "m9"}}, "Called an answer good"),
    "bad": ({"response_feedback": {"feedback": "Bad response", "mid": "m9"}}, "Called an answer bad"),
    "feedback of tomorrow": (
        {"response_feedback": {"feedback": "Meh", "mid": "m9"}},
        "Said what they think of an answer: Meh",
    ),
}


def of_person(**part):
    return {"sender": {"id": PSID}, "recipient": {"id": "1717"}, "timestamp": AT, **part}


def of_page(message):
    part = {"is_echo": True, "app_id": int(SALES_BOT), **message}
    return {"sender": {"id": "1717"}, "recipient": {"id": PSID}, "timestamp": AT, "message": part}


def recorded():
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        try:
            yield from webhook.parse(json.dumps(json.loads(line)["body"]).encode())
        except webhook.MalformedWebhook:
            continue
