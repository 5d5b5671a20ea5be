"""Leaves headers of CORS out of responses that no page of another origin reads.

Rasa has Sanic-CORS put them on every response: it took a sixth of the CPU of a webhook call in Rasa's process
(docs/decisions/0003). A browser sends `Origin` with each request whose response such headers are for, and
Meta's servers send none. https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from typing import Any

#: `SANIC_CORS_EVALUATED`: by this attribute of a request's context it knows that the headers are decided.
#: https://github.com/ashleysommer/sanic-cors/blob/main/sanic_cors/core.py
_DECIDED = "_sanic_cors_e"


def leave_out_unread_headers(request: Any) -> None:
    """Have Sanic-CORS leave the response to *request* alone, if no browser wants to know."""
    if "origin" not in request.headers:
        setattr(request.ctx, _DECIDED, "1")
