"""A remedy depends on who made the call and with what tag, not on Meta's code alone."""

from __future__ import annotations

import pytest

from handover_channel.errors import GraphError, HumanAgentRefused, TokenRefused
from handover_channel.graph_api.errors import BY_CODE, BY_SUBCODE, BY_TEXT, error_of
from handover_channel.graph_api.remedies import REMEDIES, Caller, meant_for, reworded
from handover_channel.sentences import counted

TAG = "HUMAN_AGENT"

#: What every kind of refusal says to whoever writes the bot's responses.
EVERY = {
    meaning.remedy: meaning
    for meaning in (*BY_CODE.values(), *BY_SUBCODE.values(), *(m for *_, m in BY_TEXT))
}


def refusal(code, subcode=0, message="no"):
    return error_of(400, {"error": {"code": code, "error_subcode": subcode, "message": message}})


@pytest.mark.parametrize("tag", ["", TAG])
@pytest.mark.parametrize("remedy", EVERY)
def test_no_agent_is_sent_to_the_files_of_the_bots_responses(remedy, tag):
    error = reworded(EVERY[remedy].kind("no", remedy=remedy), Caller.AGENT, tag)

    for place in ("domain.yml", "action", "URL must be public", "(never the bot)", "by itself"):
        assert place not in error.remedy
    assert len(error.remedy) > 20


@pytest.mark.parametrize("caller", [each for each in Caller if each not in (Caller.BOT, Caller.AGENT)])
@pytest.mark.parametrize("remedy", EVERY)
def test_only_the_bots_own_responses_are_corrected_in_the_domain(remedy, caller):
    told = reworded(EVERY[remedy].kind("no", remedy=remedy), caller).remedy

    assert "domain.yml" not in told


@pytest.mark.parametrize(
    ("code", "subcode", "message"),
    [
        (100, 1893061, "no"),
        (100, 0, "(#100) The tag HUMAN_AGENT is not allowed for this app"),
        (100, 0, "(#100) Invalid parameter"),
        (10, 0, "(#10) Application does not have permission for this action"),
        (200, 0, "(#200) Requires advanced access"),
    ],
)
def test_a_tagged_reply_that_the_app_may_not_send_asks_for_the_human_agent_feature(code, subcode, message):
    error = reworded(refusal(code, subcode, message), Caller.AGENT, TAG)

    assert isinstance(error, HumanAgentRefused)
    assert "ask" in error.remedy
    assert "Human Agent feature" in error.remedy
    assert "App Review" in error.remedy
    assert (error.code, error.subcode) == (code, subcode)


@pytest.mark.parametrize(
    ("code", "message"), [(100, "(#100) Length of param message[text] must be less"), (100, "")]
)
def test_an_ordinary_reply_is_told_what_an_agent_can_do(code, message):
    error = reworded(refusal(code, message=message), Caller.AGENT)

    assert "word it differently" in error.remedy
    assert type(error) is GraphError


def test_a_message_that_is_too_long_lacks_no_feature_with_a_tag_either():
    error = reworded(
        refusal(100, message="(#100) Length of param message[text] must be ..."), Caller.AGENT, TAG
    )

    assert type(error) is GraphError


def test_the_bot_is_told_that_the_tag_is_not_for_it():
    assert "take the tag out of the response" in refusal(100, 1893061).remedy


@pytest.mark.parametrize(
    ("caller", "words"),
    [
        (Caller.CONTROL, "check app_id of the target in handover.yml"),
        (Caller.PROFILE, "Business Asset User Profile Access"),
        (Caller.PERSONA, "shown name"),
        (Caller.NOTICE, "inbox.joined"),
        (Caller.PAGE, "credentials.yml"),
    ],
)
def test_one_code_has_as_many_remedies_as_there_are_callers(caller, words):
    assert words in reworded(refusal(100), caller).remedy


def test_what_those_who_run_the_bot_have_to_mend_is_said_to_be_theirs():
    error = reworded(refusal(190), Caller.AGENT)

    assert isinstance(error, TokenRefused)
    assert error.remedy.startswith(
        "nothing gets out until whoever runs the bot has mended this: make a new page"
    )


def test_how_long_to_wait_is_kept():
    error = refusal(613)
    error.remedy = counted("1 second", "wait %(number)s seconds; %(remedy)s", 90, remedy=error.remedy)

    assert reworded(error, Caller.AGENT).remedy == (
        "wait 90 seconds; Meta limits the rate of messages: send it again in a few minutes"
    )


def test_rewording_again_changes_nothing():
    once = reworded(refusal(10, 2018300), Caller.AGENT)
    before = once.remedy

    assert reworded(once, Caller.AGENT).remedy == before


def test_an_error_of_another_kind_passes_through():
    with pytest.raises(GraphError) as raised, meant_for(Caller.AGENT, TAG):
        raise refusal(100, 1893061)

    assert isinstance(raised.value, HumanAgentRefused)
    assert all(row.remedy for rows in REMEDIES.values() for row in rows.values())
