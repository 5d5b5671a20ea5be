from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import (
    GraphError,
    GraphUnavailable,
    NotThreadOwner,
    OutsideWindow,
    PersonUnavailable,
    TakeNotAllowed,
    TokenRefused,
)
from handover_channel.graph_api.errors import BY_CODE, BY_SUBCODE, BY_TEXT, error_of

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "graph_errors.jsonl"
CONTROLLED = "(#10) Message failed to send because another app is controlling this thread now."

#: What somebody who runs a bot would call each of the answers seen in the wild, by its case.
SEEN = {
    "when Facebook had an internal server error": GraphUnavailable,
    "when exceeding the send rate limit": GraphUnavailable,
    "when passing an invalid facebook psid": PersonUnavailable,
    "when the recipient could not be found": PersonUnavailable,
    "when using an invalid OAuth token": TokenRefused,
    "when sending messages the current token does not allow to": OutsideWindow,
    "when the person cannot receive messages from the page": PersonUnavailable,
    "when the application doesn": TokenRefused,
    "when the application isnt live with pages_messaging permission": TokenRefused,
    "when the application isnt live with pages_messaging_phone_number": TokenRefused,
    "when the application is not authorized to do phone matching": TokenRefused,
    "when using an invalid account_linking token": GraphError,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
error_fields = st.dictionaries(
    st.sampled_from(["message", "code", "error_subcode", "is_transient", "fbtrace_id", "type"]), json_values
)


def error(code=0, subcode=0, message="", status=400, **more):
    fields = {"message": message, "code": code, "error_subcode": subcode, **more}
    return error_of(status, {"error": fields})


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (10, 2018300, NotThreadOwner),
        (100, 2534037, NotThreadOwner),
        (10, 2018278, OutsideWindow),
        (10, 2534022, OutsideWindow),
        (10, 2018108, PersonUnavailable),
        (10, 0, TokenRefused),
        (27, 0, TakeNotAllowed),
        (551, 0, PersonUnavailable),
        (551, 1545041, PersonUnavailable),
        (190, 463, TokenRefused),
        (230, 0, TokenRefused),
        (2, 0, GraphUnavailable),
        (80006, 0, GraphUnavailable),
        (368, 0, GraphError),
        (1, 99, GraphError),
        (100, 33, GraphError),
        (987654, 0, GraphError),
    ],
)
def test_a_refusal_is_told_by_its_subcode_before_its_code(code, subcode, kind):
    assert type(error(code, subcode)) is kind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (10, CONTROLLED, NotThreadOwner),
        (10, "(#10) This message is sent outside of allowed window.", OutsideWindow),
        (10, "(#10) Requires pages_messaging permission", TokenRefused),
        (100, "(#100) Only the current thread owner can release the thread", NotThreadOwner),
        (100, "(#100) calling app is not the thread owner", NotThreadOwner),
        (100, "API calls from the server require an appsecret_proof argument", TokenRefused),
        (100, "(#100) Invalid tag", GraphError),
    ],
)
def test_the_text_tells_the_meanings_of_one_code_apart_where_no_subcode_came(code, message, kind):
    assert type(error(code, message=message)) is kind


def test_a_text_does_not_count_under_another_code():
    assert type(error(190, message=CONTROLLED)) is TokenRefused


def test_numbers_that_came_as_text_are_understood():
    assert type(error("10", "2018300")) is NotThreadOwner


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_an_unknown_error_with_the_status_of_a_passing_fault_is_transient(status):
    assert type(error(987654, status=status)) is GraphUnavailable
    assert type(error(987654, status=400)) is GraphError


def test_what_meta_calls_transient_is():
    assert type(error(1, is_transient=True)) is GraphUnavailable
    assert type(error(1, is_transient=False)) is GraphError


def test_ownership_is_not_mistaken_for_a_passing_fault():
    assert type(error(10, 2018300, status=500, is_transient=True)) is NotThreadOwner


def test_a_refused_take_names_the_page_and_both_switches():
    said = str(error(27, message="(#27) Take thread control is not supported."))

    assert "facebook.com/settings?tab=msgr_conversation_routing" in said
    assert "choose this app as the default app" in said
    assert "Allow this app to take control of conversations" in said


def test_every_meaning_says_what_to_do():
    meanings = [*BY_SUBCODE.values(), *BY_CODE.values(), *(meaning for _, _, meaning in BY_TEXT)]

    assert all(len(meaning.remedy) > 20 for meaning in meanings)


def test_the_words_of_the_text_table_can_be_found_in_a_lower_case_message():
    assert all(words == words.lower() for _, words, _ in BY_TEXT)


def test_the_numbers_of_meta_are_kept():
    refused = error(10, 2018300, CONTROLLED, fbtrace_id="AQ2lKD7U")

    assert (refused.status, refused.code, refused.subcode) == (400, 10, 2018300)
    assert "code 10/2018300, HTTP 400, fbtrace_id AQ2lKD7U" in str(refused)


@pytest.mark.parametrize(
    "answer", [{}, {"success": True}, {"success": "true"}, {"data": []}, {"message_id": "m"}]
)
def test_a_good_answer_is_no_error(answer):
    assert error_of(200, answer) is None


def test_success_false_is_an_error():
    assert type(error_of(200, {"success": False})) is GraphError


@pytest.mark.parametrize("answer", [None, [], "sorry", 7])
def test_an_answer_that_is_no_object_is_not_the_graph_api(answer):
    found = error_of(200, answer)

    assert type(found) is GraphUnavailable
    assert "check graph_api.url in handover.yml" in str(found)


def test_a_redirect_is_not_tried_again():
    assert type(error_of(302, None)) is GraphError


def test_an_error_that_is_a_string_keeps_its_text():
    assert "no way" in str(error_of(400, {"error": "no way"}))


def test_a_token_that_meta_repeats_is_struck_out():
    token = "EAAB" + "x1" * 40

    assert token not in str(error(190, message=f"Malformed access token {token}"))
    short = error_of(400, {"error": {"code": 190, "message": "Malformed access token tok-1"}}, hide=["tok-1"])
    assert "tok-1" not in str(short)


def test_a_message_of_meta_stays_on_one_line_and_short():
    said = error(100, message="a\r\nb\n" + "c " * 1000).args[0]

    assert "\n" not in said
    assert len(said) < 400


@given(
    status=st.integers(100, 599),
    answer=json_values | st.fixed_dictionaries({"error": error_fields | json_values}),
)
def test_whatever_the_answer_the_outcome_is_an_error_of_ours_or_none(status, answer):
    found = error_of(status, answer)

    assert found is None or isinstance(found, GraphError)
    assert found is not None or (status < 400 and isinstance(answer, dict) and "error" not in answer)


@pytest.mark.corpus
def test_answers_seen_in_the_wild_are_what_they_are_called():
    seen = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    found = [(each["case"], type(error_of(each["http_status"], each["response"]))) for each in seen]

    assert found == [(each["case"], SEEN[each["case"]]) for each in seen]
    assert len(found) >= 13
