"""Lists Meta's refusals of Graph API calls: code, subcode, text.

Rule: every refusal is an HTTP status of 400 (the one documented case says so, and it is the common
report for the others) and Meta's envelope, ``{"error": {"message", "type", "code", "error_subcode",
"fbtrace_id"}}``, without the subcode where none is known.

Codes: https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
Texts of the thread control refusals were seen on pages in 2025-2026. Where Meta documents no code the
line says so; a client should branch on code and subcode first, and on the text last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict


@dataclass(frozen=True)
class Refusal:
    """One of Meta's refusals."""

    code: int
    message: str
    subcode: int = 0  #: 0: the answer carries none
    type: str = "OAuthException"
    status: int = 400

    def body(self, trace: str) -> Dict[str, Any]:
        """Return the JSON body of the answer; *trace* becomes its ``fbtrace_id``."""
        error: Dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.subcode:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = trace
        return {"error": error}


class Refused(Exception):
    """A Graph API call was refused; ``refusal`` is what Meta answers."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def bad_parameter(message: str, subcode: int = 0) -> Refused:
    """Build the refusal of a wrong parameter: code 100."""
    return Refused(Refusal(100, f"(#100) {message}", subcode))


# --- ownership ------------------------------------------------------------------------------------

SEND_NOT_OWNER = Refusal(
    10, "(#10) Message failed to send because another app is controlling this thread now.", 2018300
)
NOT_OWNER = 2534037  #: subcode, documented for Instagram
PASS_NOT_OWNER = Refusal(100, "(#100) calling app is not the thread owner", NOT_OWNER)
RELEASE_NOT_OWNER = Refusal(100, "(#100) Only the current thread owner can release thread control", NOT_OWNER)
EXTEND_NOT_OWNER = Refusal(100, "(#100) Only the current thread owner can extend thread control", NOT_OWNER)
PASS_TO_ITSELF = Refusal(100, "(#100) The thread owner cannot pass thread control to itself")
PASS_TO_NOBODY = Refusal(100, "(#100) The parameter target_app_id is required")
PASS_TO_UNKNOWN = Refusal(
    100, "(#100) Incorrect app id: the target app is not connected to this page", 2018164
)
ALREADY_OWNER = Refusal(100, "(#100) calling app is already the thread owner")  # code not documented
TAKE_WITHOUT_ROUTING = Refusal(
    27, "(#27) Take thread control is not supported when Conversation Routing is not enabled."
)
TAKE_WITHOUT_PERMISSION = Refusal(  # code not documented
    10, "(#10) This app is not allowed to take control of conversations."
)
REQUEST_WITH_ROUTING = Refusal(  # code not documented
    100, "(#100) Request thread control is not supported when Conversation Routing is enabled."
)
INLINE_WITHOUT_ROUTING = Refusal(  # code not documented
    100, "(#100) The parameter thread_control is not supported when Conversation Routing is not enabled."
)
BAD_DURATION = Refusal(100, "(#100) The parameter duration must be between 1 and 604800 seconds")

# Of the retired handover protocol; Meta documents no code but for the last.
NOT_THE_PRIMARY = Refusal(100, "(#100) Only the primary receiver may take thread control")
PRIMARY_REQUESTS = Refusal(100, "(#100) The primary receiver cannot request thread control")
NOT_WITH_ROLES = Refusal(100, "(#100) This call is not available in the first version of the protocol")
OWNER_HIDDEN = Refusal(
    100,
    "(#100) Denying visibility of any secondary receiver to another secondary receiver other than itself.",
    2018234,
)
ROLES_RETIRED = Refusal(100, "(#100) Only available to Primary and Secondary Receivers.", 2018171)

# --- tokens and objects ---------------------------------------------------------------------------

NO_TOKEN = Refusal(190, "An access token is required to request this resource.")
BAD_TOKEN = Refusal(190, "Invalid OAuth access token - Cannot parse access token")
EXPIRED_TOKEN = Refusal(190, "Error validating access token: Session has expired", 463)
BAD_APP_TOKEN = Refusal(190, "Invalid OAuth access token signature.")
APP_TOKEN_REQUIRED = Refusal(15, "(#15) This method must be called with an app access_token.")
PAGE_TOKEN_REQUIRED = Refusal(210, "(#210) A page access token is required to request this resource.")
#: https://github.com/facebook/facebook-sdk-for-unity/issues/551
OTHER_VIEWING_APP = Refusal(100, "(#100) The App_id in the input_token did not match the Viewing App")
VIEWER_MUST_BE_APP = Refusal(
    100,
    "(#100) You must provide an app access token, or a user access token that is an owner or developer of "
    "the app",
)
PROOF_MISSING = Refusal(
    100, "API calls from the server require an appsecret_proof argument", type="GraphMethodException"
)
PROOF_WRONG = Refusal(
    100, "Invalid appsecret_proof provided in the API argument", type="GraphMethodException"
)
NO_SUCH_OBJECT = Refusal(
    100,
    "Unsupported request. Object with this ID does not exist, cannot be loaded due to missing permissions, "
    "or does not support this operation.",
    33,
    type="GraphMethodException",
)
NO_PROFILE = Refusal(100, "(#100) No profile available for this user.", 2018218)
NO_SUCH_PERSON = Refusal(100, "(#100) No matching user found", 2018001)

# --- sending --------------------------------------------------------------------------------------

MESSAGE_AND_ACTION = Refusal(100, "(#100) Cannot send both message and state at the same time.", 2018014)
EMPTY_MESSAGE = Refusal(100, "(#100) Message cannot be empty, must provide valid attachment or text", 2018034)
TEXT_TOO_LONG = Refusal(100, "(#100) Length of param message[text] must be less than or equal to 2000")
DEAD_TAG = Refusal(100, "(#100) Invalid parameter: this message tag is no longer supported")
PAGE_RESTRICTED = Refusal(10, "(#10) The page is temporarily restricted from sending messages", 1893063)
HUMAN_AGENT_NOT_APPROVED = Refusal(
    100, "(#100) This app is not approved to send messages with the HUMAN_AGENT tag", 1893061
)
OUTSIDE_WINDOW = Refusal(
    10,
    "(#10) This message is sent outside of allowed window. Learn more about the new policy here: "
    "https://developers.facebook.com/docs/messenger-platform/policy-overview",
    2018278,
)


def retired(what: str) -> Refused:
    """Build the refusal of what Graph v27 has retired for young apps; Meta documents no code."""
    return bad_parameter(f"{what} is no longer supported for this app")


def lacks(scope: str) -> Refusal:
    """Build the refusal of a call for which the token lacks a permission: code 200."""
    return Refusal(200, f"(#200) Requires {scope} permission to manage the object")


def unknown_path(path: str) -> Refused:
    """Build the refusal of a path that the Graph API does not have: code 2500."""
    return Refused(Refusal(2500, f"Unknown path components: {path}"))
