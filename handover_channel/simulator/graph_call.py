"""Describes one Graph API call, and finds the person that its `recipient` names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from handover_channel.simulator import refusals
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter
from handover_channel.simulator.request import File
from handover_channel.simulator.thread import Thread

#: Other ways to name a recipient than by PSID. True: the answer tells the PSID.
_NAMED_OTHERWISE = {"user_ref": False, "phone_number": False, "comment_id": True, "post_id": True}


@dataclass(frozen=True)
class GraphCall:
    """``/<node>/<edge>`` with its parameters, by *app*. *guest* and *kind* of its token: see `caller`."""

    verb: str
    node: str
    edge: str
    parameters: Mapping[str, Any]
    app: App
    guest: bool = False
    files: Mapping[str, File] = field(default_factory=dict)
    kind: str = "PAGE"

    @property
    def recipient(self) -> Any:
        """The `recipient` parameter; raises `Refused` where there is none."""
        given = self.parameters.get("recipient")
        if given is None or given == "":
            raise bad_parameter("The parameter recipient is required")
        return given

    @property
    def named_otherwise(self) -> str:
        """How the recipient is named, other than by PSID: a key of `_NAMED_OTHERWISE`, or ""."""
        given = self.recipient
        if not isinstance(given, Mapping) or given.get("id"):
            return ""
        return next((key for key in _NAMED_OTHERWISE if given.get(key)), "")

    @property
    def tells_psid(self) -> bool:
        """Whether the answer to a send names the PSID."""
        return _NAMED_OTHERWISE.get(self.named_otherwise, True)

    def thread(self, page: SimulatedPage) -> Thread:
        """Return the recipient's thread; raises `Refused` where nobody can be meant (100/2018001)."""
        given = self.recipient
        psid = given.get("id") if isinstance(given, Mapping) else given
        if isinstance(psid, bool) or not isinstance(psid, (str, int)) or str(psid) in ("", page.page_id):
            raise Refused(refusals.NO_SUCH_PERSON)
        if str(psid) not in page.threads and (page.switches.strict or page.meta.page_of(str(psid))):
            raise Refused(refusals.NO_SUCH_PERSON)  # another page's, where not nobody's
        return page.thread(str(psid))


#: Answers a call with the JSON body of a 200, or raises `Refused`.
Handler = Callable[[SimulatedPage, GraphCall], Any]
