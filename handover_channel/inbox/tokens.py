"""Makes the secrets of cookies and links: 256 random bits each. The database has their SHA-256 alone."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """Return a new secret, as text that an address can hold."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return what the database has of a secret, whatever somebody sends in place of one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
