"""Recognises a tap on our "Back to Bot" button by its payload, which is fixed.

Old buttons stay tappable for ever: a payload that could be configured would turn every button sent before
into a dead one. No I/O.
"""

from __future__ import annotations

from typing import Optional

#: Valid as a Rasa payload: intent `handover_returned` with the entity `reason`.
BUTTON_PAYLOAD = '/handover_returned{"reason": "button"}'


def is_button(payload: Optional[str]) -> bool:
    """Tell whether *payload* is that of our "Back to Bot" button, however its JSON is spaced.

    Only postbacks and quick replies carry payloads: the caller never passes typed text.
    """
    return payload is not None and "".join(payload.split()) == "".join(BUTTON_PAYLOAD.split())
