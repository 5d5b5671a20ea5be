"""Hashes agents' passwords: Argon2id with the library's own parameters, raised as machines get faster.

1. Length counts, and nothing else: at least 10 characters, at most 1,000, any kind, none of the ones
   everybody tries first. https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
2. The same letters typed on another keyboard are the same password: NFKC (the same page).
3. A name nobody has costs as much time as a wrong password.
"""

from __future__ import annotations

import threading
import unicodedata
from typing import Optional

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHash, VerificationError

from handover_channel.errors import AgentRefused
from handover_channel.sentences import counted

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1000

#: Of the usual lists of leaked passwords, those that are long enough.
_LEAKED = (
    "1234567890 0123456789 0987654321 12345678910 123456789a 1q2w3e4r5t qwertyuiop qwerty12345 1qaz2wsx3edc "
    "password12 password123 password1234 passw0rd123 administrator changeme123 welcome123 letmein123 "
    "iloveyou123 correcthorsebatterystaple"
)
_TRIED_FIRST = frozenset(_LEAKED.split())


def check_new(password: str, *, name: str = "") -> None:
    """Raise AgentRefused for a password that is too short, too long, or among the first to be tried."""
    plain = _normal(password)
    if len(plain) < SHORTEST_PASSWORD:
        raise AgentRefused(
            counted(
                "the password is too short -> at least %(number)s character, of any kind",
                "the password is too short -> at least %(number)s characters, of any kind",
                SHORTEST_PASSWORD,
            )
        )
    if len(plain) > LONGEST_PASSWORD:
        raise AgentRefused("the password is too long -> at most %(most)s characters", most=LONGEST_PASSWORD)
    if plain.casefold() in _TRIED_FIRST or len(set(plain)) == 1 or plain.casefold() == name.casefold():
        raise AgentRefused("the password is one of the first that are tried -> take another")


class Passwords:
    """Hashes passwords and compares them. Each takes tens of milliseconds and 64 MB, on purpose."""

    def __init__(self, hasher: Optional[PasswordHasher] = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._lock = threading.Lock()
        self._of_nobody = ""

    def hash(self, password: str) -> str:
        """Return Argon2's own text: parameters, salt and hash."""
        return self._hasher.hash(_bytes(password))

    def match(self, hashed: Optional[str], password: str) -> bool:
        """Tell whether *password* is the one; *hashed* None: there is no such agent, which takes as long."""
        nobody = self._hash_of_nobody()  # also where it is not needed: the first call takes longer
        given = "" if len(password) > LONGEST_PASSWORD else password  # nobody's: too short
        try:
            self._hasher.verify(nobody if hashed is None else hashed, _bytes(given))
        except (VerificationError, InvalidHash):
            return False
        return hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Tell whether a password is to be hashed anew: the parameters have changed."""
        return self._hasher.check_needs_rehash(hashed)

    def _hash_of_nobody(self) -> str:
        with self._lock:
            self._of_nobody = self._of_nobody or self._hasher.hash(b"nobody has this password")
        return self._of_nobody


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")
