"""Makes the calls of the Graph API that this package needs.

1. Synchronous, for any number of threads at once; never called on the event loop.
2. A transient failure is tried again (retries.py); typing and mark-seen are decoration, and get one attempt.
3. A refusal is raised, with a remedy for whoever made the call, and not logged here: the caller knows what
   it means for the thread. A message is taken for the bot's; others reword its refusal (remedies.py).
4. Every call about a thread is counted (rules/budget.py): one too many is not made, and raises OverBudget.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import quote

from handover_channel.errors import TakeNotAllowed, TokenRefused
from handover_channel.graph_api.errors import BY_CODE, TAKE_REFUSED
from handover_channel.graph_api.remedies import Caller, meant_for
from handover_channel.graph_api.retries import Persistence, Retries
from handover_channel.graph_api.transport import Call, Pools, Transport, Upload, appsecret_proof
from handover_channel.rules.budget import CallBudget
from handover_channel.sentences import Sentence

__all__ = ["GraphApi", "ThreadOwner", "Upload", "parse_thread_owner"]


@dataclass(frozen=True)
class ThreadOwner:
    """The app that controls a thread, as far as Meta tells us.

    Where it tells nothing, nobody has control, or somebody we may not see: never a reason to unmute.
    """

    app_id: str = ""  #: "" unknown. Meta names it to the owner and to the default app
    expiration: Optional[int] = None  #: epoch seconds at which control lapses

    @property
    def hidden(self) -> bool:
        """An app has control, and Meta does not tell us which."""
        return not self.app_id and self.expiration is not None

    def shows_default_app(self, own: str) -> Optional[bool]:
        """Tell whether *own*, which asked, is the page's default app; None where the answer does not show it.

        Meta names the owner to nobody but the owner and the default app: conversation-routing, as above.
        """
        if self.app_id in ("", own):
            return False if self.hidden else None
        return True


class GraphApi:
    """The Graph API at *url*, e.g. `https://graph.facebook.com`, in *version*, e.g. `v27.0`.

    Every method takes the page's token first, and raises the GraphError that Meta's answer stands for.
    With the app secret every call carries `appsecret_proof`.
    """

    def __init__(
        self,
        url: str,
        version: str,
        *,
        app_secret: str = "",
        retries: Optional[Retries] = None,
        pools: Optional[Pools] = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        retries = retries or Retries()
        self.transport = Transport(url, version, timeouts=retries.timeouts, pools=pools)
        self._persistence = Persistence(self.transport.exchange, retries, sleep=sleep, clock=clock)
        self._secret = app_secret
        self._budget = CallBudget(clock)

    def send(self, token: str, body: Mapping[str, Any], upload: Optional[Upload] = None) -> Dict[str, Any]:
        """Post *body*, complete as the Send API takes it; return {"recipient_id", "message_id"}.

        *upload* is the file of an attachment whose payload has neither URL nor id.
        """
        recipient = body.get("recipient")
        thread = str(recipient.get("id", "")) if isinstance(recipient, Mapping) else ""
        worth_it = "sender_action" not in body
        return self._post("messages", token, thread, body, worth_repeating=worth_it, upload=upload)

    def pass_thread_control(self, token: str, thread: str, app_id: str, metadata: str = "") -> Dict[str, Any]:
        """Pass control to another app; with "" for *app_id* to the page's default app."""
        # An integer: https://developers.facebook.com/docs/messenger-platform/reference/handover-protocol/pass-thread-control/
        target = int(app_id) if app_id.isascii() and app_id.isdigit() else app_id
        return self._control("pass_thread_control", token, thread, target_app_id=target, metadata=metadata)

    def take_thread_control(self, token: str, thread: str, metadata: str = "") -> Dict[str, Any]:
        """Take control. Raises TakeNotAllowed without a default app, and for an app that may not take."""
        try:
            return self._control("take_thread_control", token, thread, metadata=metadata)
        except TokenRefused as error:
            if error.remedy != BY_CODE[10].remedy:
                raise
            # Meta does not say how it refuses an app whose switch is off; a missing permission is our guess.
            remedy = Sentence("%(first)s; or %(second)s", first=TAKE_REFUSED, second=error.remedy)
            raise TakeNotAllowed(
                error.said, status=error.status, code=error.code, subcode=error.subcode, remedy=remedy
            ) from None

    def thread_owner(self, token: str, thread: str) -> ThreadOwner:
        """Ask who controls the thread."""
        self._budget.spend(thread)
        with meant_for(Caller.CONTROL):
            return parse_thread_owner(self._get("/me/thread_owner", token, thread, recipient=thread))

    def profile(self, token: str, thread: str, more: Tuple[str, ...] = ()) -> Dict[str, Any]:
        """Return {"first_name", "last_name", "profile_pic", "id"}, or {} where we may not read it.

        *more*: other fields, each of which Meta has to have allowed this app: else it refuses the call.

        https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
        """
        path = "/" + quote(thread, safe="")
        with meant_for(Caller.PROFILE):
            return self._get(
                path, token, thread, fields=",".join(("first_name,last_name,profile_pic", *more))
            )

    def page_name(self, token: str, page: str) -> str:
        """Return the page's name, "" where Meta tells none.

        https://developers.facebook.com/docs/graph-api/reference/page/
        """
        with meant_for(Caller.PAGE):
            name = self._get("/" + quote(page, safe=""), token, "", fields="name").get("name")
        return name if isinstance(name, str) else ""

    def secondary_receivers(self, token: str) -> Dict[str, str]:
        """Return the names of the page's other apps by their ids, as the handover protocol called them.

        A call that Meta keeps for older apps, and may refuse.
        https://developers.facebook.com/docs/messenger-platform/handover-protocol/secondary-receivers
        """
        with meant_for(Caller.PAGE):
            return _named(self._get("/me/secondary_receivers", token, "", fields="id,name"))

    def subscribed_apps(self, token: str) -> Dict[str, str]:
        """Return the names of the apps subscribed to the page by their ids, as far as we may see them.

        https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
        """
        with meant_for(Caller.PAGE):
            return _named(self._get("/me/subscribed_apps", token, ""))

    def has_default_app(self, token: str) -> Optional[bool]:
        """Tell whether the page has a default app, None where Meta does not. Which one, no call tells."""
        with meant_for(Caller.PAGE):
            answer = self._get("/me", token, "", fields="messaging_feature_status")
        status = answer.get("messaging_feature_status")
        found = status.get("msgr_multi_app") if isinstance(status, Mapping) else None
        return found if isinstance(found, bool) else None

    def create_persona(self, token: str, name: str, picture: str) -> str:
        """Have messages shown as from *name*, with the picture at that address; return the persona's id.

        https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/personas
        """
        given = {"name": name, "profile_picture_url": picture}
        body = {key: value for key, value in given.items() if value}
        with meant_for(Caller.PERSONA):
            answer = self._post("personas", token, "", body, worth_repeating=False)  # a reply waits for it
        return str(answer.get("id") or "")

    def _control(self, name: str, token: str, thread: str, **more: Any) -> Dict[str, Any]:
        given = {key: value for key, value in more.items() if value != ""}
        with meant_for(Caller.CONTROL):
            return self._post(name, token, thread, {"recipient": {"id": thread}, **given})

    def _post(
        self,
        name: str,
        token: str,
        thread: str,
        body: Mapping[str, Any],
        *,
        worth_repeating: bool = True,
        upload: Optional[Upload] = None,
    ) -> Dict[str, Any]:
        if thread:
            self._budget.spend(thread)
        call = Call(
            "POST", f"/me/{name}", token, self._proof(token), thread, {}, body, worth_repeating, upload
        )
        return self._persistence.make(call)

    def _get(self, path: str, token: str, thread: str, **query: str) -> Dict[str, Any]:
        return self._persistence.make(Call("GET", path, token, self._proof(token), thread, query))

    def _proof(self, token: str) -> str:
        return appsecret_proof(token, self._secret) if self._secret else ""


def parse_thread_owner(answer: Mapping[str, Any]) -> ThreadOwner:
    """Read the answer of `thread_owner`: a list (in old documents an object), empty where we may not know.

    https://github.com/bottenderjs/messaging-apis/pull/347
    """
    data = answer.get("data", answer)
    for item in data if isinstance(data, list) else [data]:
        owner = item.get("thread_owner") if isinstance(item, Mapping) else None
        if isinstance(owner, Mapping):
            expiration = _digits(owner.get("expiration"))
            return ThreadOwner(_digits(owner.get("app_id")), int(expiration) if expiration else None)
    return ThreadOwner()


def _named(answer: Mapping[str, Any]) -> Dict[str, str]:
    """Return names by ids; what is neither is left out."""
    data = answer.get("data")
    items = [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []
    names = {_digits(each.get("id")): each.get("name") for each in items}
    return {app_id: name if isinstance(name, str) else "" for app_id, name in names.items() if app_id}


def _digits(value: Any) -> str:
    """Return a number of Meta's, which comes as number or text; "" for anything else, and for 0."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return text if text.isascii() and text.isdigit() and len(text) < 20 and int(text) else ""
