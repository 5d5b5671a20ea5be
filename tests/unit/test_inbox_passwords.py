from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from handover_channel.errors import AgentRefused
from handover_channel.inbox.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, Passwords, check_new

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


class Counting(PasswordHasher):
    """Tells how much work was done, instead of how long it took."""

    def __init__(self):
        super().__init__(**CHEAP)
        self.verified = []

    def verify(self, hash, password):  # noqa: A002 - the library's own name
        self.verified.append(extract_parameters(hash))
        return super().verify(hash, password)


@pytest.fixture
def passwords():
    return Passwords(PasswordHasher(**CHEAP))


def test_only_the_same_password_matches(passwords):
    hashed = passwords.hash("a long password")

    assert passwords.match(hashed, "a long password")
    assert not passwords.match(hashed, "a long Password")
    assert not passwords.match(hashed, "a long password ")


def test_the_hash_is_argon2id_with_the_librarys_own_parameters():
    hashed = Passwords().hash("a long password")

    assert hashed.startswith("$argon2id$")
    assert not PasswordHasher().check_needs_rehash(hashed)
    assert "password" not in hashed


def test_two_hashes_of_one_password_differ(passwords):
    assert passwords.hash("a long password") != passwords.hash("a long password")


def test_nobody_has_any_password(passwords):
    assert not passwords.match(None, "a long password")
    assert not passwords.match(None, "nobody has this password")
    assert not passwords.match(None, "")


def test_a_name_nobody_has_costs_as_much_as_a_wrong_password():
    hasher = Counting()
    passwords = Passwords(hasher)

    passwords.match(None, "a wrong password")
    passwords.match(passwords.hash("a long password"), "a wrong password")

    of_nobody, of_an_agent = hasher.verified
    assert of_nobody == of_an_agent


def test_a_hash_with_older_parameters_matches_and_is_to_be_renewed(passwords):
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("a long password")

    assert passwords.match(older, "a long password")
    assert passwords.outdated(older)
    assert not passwords.outdated(passwords.hash("a long password"))


@pytest.mark.parametrize("hashed", ["", "no hash", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_a_broken_hash_lets_nobody_in(passwords, hashed):
    assert not passwords.match(hashed, "a long password")


@pytest.mark.parametrize(
    ("typed", "again"),
    [("caf\u00e9 au lait", "cafe\u0301 au lait"), ("\uff50assword one", "password one")],
    ids=["accent", "width"],
)
def test_the_same_letters_from_another_keyboard_match(passwords, typed, again):
    assert passwords.match(passwords.hash(typed), again)


@settings(max_examples=50)
@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_whatever_is_typed_is_a_password_or_none(one, other):
    passwords = Passwords(PasswordHasher(**CHEAP))
    hashed = passwords.hash(one)

    assert passwords.match(hashed, one)
    assert isinstance(passwords.match(hashed, other), bool)


def test_what_is_longer_than_any_password_is_not_hashed():
    hasher = Counting()
    hasher.verify = lambda hashed, password: hasher.verified.append(len(password))

    Passwords(hasher).match(None, "x" * (LONGEST_PASSWORD + 1))

    assert hasher.verified == [0]


@pytest.mark.parametrize("length", [SHORTEST_PASSWORD, LONGEST_PASSWORD])
def test_any_characters_will_do(length):
    password = ("ab " * length)[:length]
    check_new(password)

    passwords = Passwords()
    assert passwords.match(passwords.hash(password), password)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 10 characters"),
        ("abcdefghi", "at least 10 characters"),
        ("ab" * 501, "at most 1000 characters"),
        ("1234567890", "take another"),
        ("Password123", "take another"),
        ("aaaaaaaaaaaa", "take another"),
        ("kim@example.org", "take another"),
    ],
)
def test_a_bad_password_is_refused_with_what_to_do(password, said):
    with pytest.raises(AgentRefused, match=said) as refused:
        check_new(password, name="Kim@example.org")

    assert not password or password not in str(refused.value)
