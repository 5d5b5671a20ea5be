"""Nothing that people or secrets could be known by reaches a recording, wherever it stands."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.recording.masking import SECRET, SECRET_KEYS, Masker

SECRETS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=8, max_size=40).map(
    lambda text: f"EAA{text}9z"
)
KEYS = st.sampled_from(
    [
        "type",
        "message",
        "text",
        "recipient",
        "id",
        "error",
        "metadata",
        "payload",
        "tag",
        "code",
        "mid",
        "name",
    ]
)


def around(secret):
    """JSON with that secret somewhere: as a value, as a key, inside a text, inside JSON as text."""
    bare = st.sampled_from([secret, f"my {secret}!", f'{{"a": "{secret}"}}', [secret], {secret: 1}])
    return st.recursive(
        bare,
        lambda inner: st.one_of(
            st.dictionaries(KEYS, inner, min_size=1, max_size=3),
            st.lists(inner, min_size=1, max_size=3),
            st.dictionaries(KEYS, inner, min_size=1, max_size=2).map(json.dumps),
        ),
        max_leaves=6,
    )


@given(SECRETS.flatmap(lambda secret: st.tuples(st.just(secret), around(secret))))
def test_a_secret_that_nobody_knows_of_is_written_nowhere(found):
    secret, body = found
    masker = Masker()

    shown = json.dumps(
        [masker.value(body), masker.path(f"/v27.0/{secret}/x"), masker.query(urlencode({"a": secret}))]
    )

    assert secret not in shown


@given(st.text("abcdefgh", min_size=4, max_size=12), st.sampled_from(sorted(SECRET_KEYS)))
def test_a_known_secret_of_letters_alone_is_written_nowhere_texts_kept_or_not(secret, key):
    for keep_texts in (False, True):
        masker = Masker([secret], keep_texts=keep_texts)
        body = {key: "x" + secret, "type": secret, secret: 1, "text": f"it is {secret}", "message": secret}
        shown = json.dumps([masker.value(body), masker.path(f"/me/{secret}")])
        assert secret not in shown.replace(f'"{key}"', "")


@given(st.integers(10**14, 10**17))
def test_an_id_is_the_same_placeholder_as_number_text_and_part_of_a_path(psid):
    masker = Masker(keep_texts=True)

    shown = masker.value({"id": str(psid), "recipient": psid, "text": f"I am {psid}", "timestamp": psid})

    assert str(psid) not in json.dumps([shown, masker.path(f"/{psid}/messages")])
    assert shown["recipient"] == int(shown["id"])
    assert masker.path(f"/v27.0/{psid}") == f"/v27.0/{shown['id']}"
    assert shown["text"] == f"I am {shown['id']}"


def test_what_tells_nothing_of_anybody_stays():
    body = {
        "messaging_type": "RESPONSE",
        "error": {"code": 10, "error_subcode": 2018278, "message": "(#100) No matching user found"},
        "message": {"attachment": {"type": "template"}, "is_echo": True},
        "timestamp": 1_790_000_000_000,
    }

    assert Masker().value(body) == body


def test_texts_become_texts_of_the_same_shape_unless_they_are_kept():
    body = {"text": "Hi Anna, 12 o'clock?\nيوم", "name": "Nadia Haddad"}

    assert Masker().value(body) == {"text": "Xx Xxxx, 00 x'xxxxx?\nxxx", "name": "Xxxxx Xxxxxx"}
    assert Masker(keep_texts=True).value(body) == {"text": body["text"], "name": "Xxxxx Xxxxxx"}


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_the_value_of_a_key_of_secrets_goes_whatever_it_is(key):
    assert Masker().value({key: "12"}) == {key: SECRET}
    assert Masker().query(f"{key}=abc") == {key: SECRET}
