"""Makes and checks the addresses by which the page loads files of elsewhere: for one visitor each. No I/O."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.request import BASE


def link(visitor: Visitor, address: str, base: str = BASE) -> str:
    """Return the address on this server of what lies at *address*. *base*: where browsers find the page."""
    return f"{base}/file?of={quote(address, safe='')}&proof={_proof(visitor, address)}"


def is_proven(visitor: Visitor, address: str, proof: str) -> bool:
    """Tell whether we gave this address to this visitor: the server fetches no other."""
    return hmac.compare_digest(_proof(visitor, address).encode(), proof.encode("utf-8", "replace"))


def _proof(visitor: Visitor, address: str) -> str:
    return hmac.new(visitor.proof_key.encode(), address.encode(), hashlib.sha256).hexdigest()
