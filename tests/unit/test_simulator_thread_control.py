"""Rules 1-11 of ownership, in both modes: with a default app (R) and without one (Z)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from handover_channel.simulator import PAGE_INBOX, Simulator, Switches, graph
from handover_channel.simulator.request import Request, Response
from handover_channel.simulator.thread_control import CHECKS, DAY, EFFECTS, Action, Mode

PSID = "42"
BOT, SALES, TOOL = "1234567890", "2222", "3333"
BOTH = pytest.mark.parametrize("default", ["bot", None], ids=["R", "Z"])


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messenger(clock: Clock) -> Any:
    def build(default: Optional[str] = "bot", **switches: Any) -> Simulator:
        apps = {SALES: "sales_bot", TOOL: "hootsuite"}
        return Simulator(apps=apps, default_app=default, now=clock, switches=Switches(**switches))

    return build


def error(answer: Any) -> Dict[str, Any]:
    assert answer.status == 400
    return answer.body["error"]


def events(simulator: Simulator, app: str, kind: str) -> List[Dict[str, Any]]:
    return [event["item"][kind] for event in simulator.events_of(app, PSID) if event["kind"] == kind]


def owner_seen_by(simulator: Simulator, app: str) -> Response:
    query = {"recipient": PSID, "access_token": simulator.app_called(app).token}
    return graph.answer(simulator, Request("GET", "/me/thread_owner", query))


def owned_by(simulator: Simulator, app: str) -> Simulator:
    """Let an app own the thread, by a pass of whoever may."""
    if app == PAGE_INBOX:
        simulator.inbox.moves_to_main(PSID)
    else:
        assert simulator.app(BOT).passes(PSID, to=app).status == 200
    return simulator


def test_every_action_has_its_checks_in_both_modes_and_its_effect():
    assert set(CHECKS) == {(action, mode) for action in Action for mode in Mode}
    assert set(EFFECTS) == set(Action)


# --- 1 and 2: one owner, for a day ----------------------------------------------------------------


@BOTH
def test_1_a_new_thread_is_idle(messenger, default):
    assert messenger(default).owner(PSID) == ""


@BOTH
def test_1_control_of_one_thread_says_nothing_about_another(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    assert simulator.owner("43") == ""


@BOTH
def test_2_control_lapses_24_hours_after_the_last_activity(messenger, clock, default):
    simulator = owned_by(messenger(default), SALES)

    clock.pass_(DAY - 1)
    assert simulator.owner(PSID) == SALES
    clock.pass_(1)
    assert simulator.owner(PSID) == ""


@BOTH
def test_2_a_message_of_the_person_renews_control(messenger, clock, default):
    simulator = owned_by(messenger(default), SALES)

    clock.pass_(DAY - 1)
    simulator.person(PSID).says("still there?")
    clock.pass_(DAY - 1)

    assert simulator.owner(PSID) == SALES


@BOTH
def test_2_a_message_after_control_lapsed_does_not_bring_it_back(messenger, clock, default):
    simulator = owned_by(messenger(default), SALES)

    clock.pass_(DAY)
    simulator.person(PSID).says("hello?")

    assert simulator.owner(PSID) == ""
    assert simulator.events_of(BOT)[-1]["channel"] == "messaging"


@BOTH
def test_2_the_owner_may_extend_control_up_to_seven_days(messenger, clock, default):
    simulator = owned_by(messenger(default), SALES)

    assert simulator.app(SALES).extends(PSID, 7 * DAY).body == {"success": True}
    simulator.person(PSID).says("a message does not shorten it")
    clock.pass_(7 * DAY - 1)

    assert simulator.owner(PSID) == SALES


@pytest.mark.parametrize("seconds", [7 * DAY + 1, 0, -1, "soon", "nan", None])
def test_2_no_other_extension_is_accepted(messenger, seconds):
    simulator = owned_by(messenger(), SALES)

    assert error(simulator.app(SALES).extends(PSID, seconds))["code"] == 100


@BOTH
def test_2_only_the_owner_may_extend(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    assert error(simulator.app(BOT).extends(PSID, 60))["code"] == 100


@BOTH
def test_2_any_change_of_control_starts_the_day_anew(messenger, clock, default):
    simulator = owned_by(messenger(default), SALES)
    simulator.app(SALES).extends(PSID, 7 * DAY)

    simulator.app(SALES).passes(PSID, to=TOOL)
    clock.pass_(DAY)

    assert simulator.owner(PSID) == ""


# --- 3 and 4: who may send ------------------------------------------------------------------------


def test_3_with_a_default_app_only_that_app_may_answer_an_idle_thread(messenger):
    simulator = messenger()

    assert simulator.app(BOT).says(PSID, "hi").status == 200
    assert error(simulator.app(SALES).says(PSID, "hi"))["error_subcode"] == 2018300


def test_4_without_a_default_app_everybody_may_answer_an_idle_thread(messenger):
    simulator = messenger(None)

    assert {simulator.app(app).says(PSID, "hi").status for app in (BOT, SALES, TOOL)} == {200}
    assert simulator.owner(PSID) == ""


def test_4_without_a_default_app_everybody_hears_an_idle_thread(messenger):
    simulator = messenger(None)
    simulator.person(PSID).says("hello")

    assert [simulator.events_of(app)[-1]["channel"] for app in (BOT, SALES, PAGE_INBOX)] == ["messaging"] * 3


@BOTH
def test_3_4_only_the_owner_may_answer_an_owned_thread(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    assert simulator.app(SALES).says(PSID, "hi").status == 200
    refused = error(simulator.app(BOT).says(PSID, "hi"))
    assert refused.pop("fbtrace_id")
    assert refused == {
        "message": "(#10) Message failed to send because another app is controlling this thread now.",
        "type": "OAuthException",
        "code": 10,
        "error_subcode": 2018300,
    }


@BOTH
@pytest.mark.parametrize("action", ["typing_on", "mark_seen"])
def test_3_4_sender_actions_are_sends_too(messenger, default, action):
    simulator = owned_by(messenger(default), SALES)

    answer = simulator.app(BOT).calls("messages", PSID, {"sender_action": action})

    assert error(answer)["error_subcode"] == 2018300


@BOTH
def test_3_4_a_refused_message_is_neither_shown_nor_echoed(messenger, default):
    simulator = owned_by(messenger(default), SALES)
    simulator.app(BOT).says(PSID, "unheard")

    assert not [entry for entry in simulator.thread(PSID).chat if entry["kind"] == "message"]
    assert not events(simulator, SALES, "message")


# --- 5: pass --------------------------------------------------------------------------------------


@BOTH
def test_5_the_owner_passes_control_and_the_new_owner_alone_is_told(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    assert simulator.app(SALES).passes(PSID, to=TOOL, metadata='{"why": 1}').body == {"success": True}
    assert simulator.owner(PSID) == TOOL
    assert events(simulator, TOOL, "pass_thread_control") == [
        {"previous_owner_app_id": SALES, "new_owner_app_id": TOOL, "metadata": '{"why": 1}'}
    ]
    assert not events(simulator, BOT, "pass_thread_control")


@BOTH
def test_5_any_app_may_pass_an_idle_thread(messenger, default):
    simulator = messenger(default)

    assert simulator.app(SALES).passes(PSID, to=TOOL).status == 200
    assert events(simulator, TOOL, "pass_thread_control")[0]["previous_owner_app_id"] is None


@BOTH
def test_5_nobody_but_the_owner_passes_an_owned_thread(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    refused = error(simulator.app(BOT).passes(PSID, to=TOOL))

    assert (refused["code"], refused["message"]) == (100, "(#100) calling app is not the thread owner")
    assert simulator.owner(PSID) == SALES


def test_5_a_pass_without_target_goes_to_the_default_app(messenger):
    simulator = owned_by(messenger(), SALES)

    assert simulator.app(SALES).passes(PSID).status == 200
    assert simulator.owner(PSID) == BOT


def test_5_without_a_default_app_a_pass_needs_a_target(messenger):
    simulator = owned_by(messenger(None), SALES)

    assert error(simulator.app(SALES).passes(PSID))["code"] == 100


@BOTH
def test_5_the_owner_cannot_pass_to_itself(messenger, default):
    simulator = owned_by(messenger(default), SALES)

    assert error(simulator.app(SALES).passes(PSID, to=SALES))["code"] == 100


def test_5_without_a_default_app_an_idle_thread_may_be_passed_to_oneself(messenger):
    simulator = messenger(None)

    assert simulator.app(SALES).passes(PSID, to=SALES).status == 200
    assert simulator.owner(PSID) == SALES


@BOTH
@pytest.mark.parametrize("target", ["263902037438966", "9999", "inbox", "0"])
def test_5_an_app_that_is_not_connected_gets_no_thread(messenger, default, target):
    simulator = messenger(default)

    refused = error(simulator.app(BOT).calls("pass_thread_control", PSID, {"target_app_id": target}))

    assert (refused["code"], refused["error_subcode"]) == (100, 2018164)
    assert simulator.owner(PSID) == ""


@pytest.mark.parametrize("target", [2222, "2222"])
def test_5_the_target_may_be_a_number_or_a_string(messenger, target):
    simulator = messenger()

    assert simulator.app(BOT).calls("pass_thread_control", PSID, {"target_app_id": target}).status == 200
    assert simulator.owner(PSID) == SALES


# --- 6: take --------------------------------------------------------------------------------------


def test_6_with_a_default_app_control_can_be_taken_and_the_previous_owner_is_told(messenger):
    simulator = owned_by(messenger(), SALES)

    assert simulator.app(BOT).takes(PSID, metadata="time is up").body == {"success": True}
    assert simulator.owner(PSID) == BOT
    assert events(simulator, SALES, "take_thread_control") == [
        {"previous_owner_app_id": SALES, "new_owner_app_id": int(BOT), "metadata": "time is up"}
    ]
    assert not events(simulator, BOT, "take_thread_control")


@pytest.mark.parametrize("owner", [None, SALES, BOT])
def test_6_without_a_default_app_nothing_can_be_taken(messenger, owner):
    simulator = messenger(None)
    if owner:
        owned_by(simulator, owner)

    refused = error(simulator.app(BOT).takes(PSID))

    assert refused["code"] == 27
    assert refused["message"] == (
        "(#27) Take thread control is not supported when Conversation Routing is not enabled."
    )


def test_6_an_app_without_the_permission_cannot_take(messenger):
    simulator = owned_by(messenger(), SALES)
    simulator.apps[TOOL].may_take = False

    assert simulator.app(TOOL).takes(PSID).status == 400
    assert simulator.owner(PSID) == SALES


def test_6_the_owner_cannot_take_what_it_has(messenger):
    simulator = owned_by(messenger(), SALES)

    assert error(simulator.app(SALES).takes(PSID))["code"] == 100


@pytest.mark.parametrize(("switch", "told"), [(False, []), (True, [None])])
def test_6_whether_taking_an_idle_thread_is_announced_is_a_switch(messenger, switch, told):
    simulator = messenger(take_event_from_idle=switch)
    simulator.app(SALES).takes(PSID)

    previous = [event["previous_owner_app_id"] for event in events(simulator, BOT, "take_thread_control")]

    assert previous == told
    assert simulator.owner(PSID) == SALES


# --- 7: request -----------------------------------------------------------------------------------


def test_7_without_a_default_app_a_request_gets_an_idle_thread_at_once(messenger):
    simulator = messenger(None)

    assert simulator.app(SALES).requests(PSID).body == {"success": True}
    assert simulator.owner(PSID) == SALES
    assert events(simulator, SALES, "pass_thread_control") == [
        {"previous_owner_app_id": None, "new_owner_app_id": SALES}
    ]


def test_7_a_request_for_an_owned_thread_asks_the_owner_alone(messenger):
    simulator = owned_by(messenger(None), TOOL)

    assert simulator.app(SALES).requests(PSID, metadata="please").body == {"success": True}
    assert simulator.owner(PSID) == TOOL
    assert events(simulator, TOOL, "request_thread_control") == [
        {"requested_owner_app_id": int(SALES), "metadata": "please"}
    ]
    assert not events(simulator, BOT, "request_thread_control")


def test_7_the_page_inbox_ignores_requests(messenger):
    simulator = owned_by(messenger(None), PAGE_INBOX)

    assert simulator.app(BOT).requests(PSID).body == {"success": True}
    assert simulator.owner(PSID) == PAGE_INBOX


@pytest.mark.parametrize("owner", [None, SALES])
def test_7_with_a_default_app_there_are_no_requests(messenger, owner):
    simulator = messenger()
    if owner:
        owned_by(simulator, owner)

    assert error(simulator.app(TOOL).requests(PSID))["code"] == 100
    assert not events(simulator, SALES, "request_thread_control")


def test_7_the_owner_cannot_request_what_it_has(messenger):
    simulator = owned_by(messenger(None), SALES)

    assert simulator.app(SALES).requests(PSID).status == 400


# --- 8: release -----------------------------------------------------------------------------------


@BOTH
def test_8_the_owner_releases_and_nobody_is_told(messenger, default):
    simulator = owned_by(messenger(default), SALES)
    before = {app: len(simulator.events_of(app)) for app in simulator.apps}

    assert simulator.app(SALES).releases(PSID).body == {"success": True}
    assert simulator.owner(PSID) == ""
    assert {app: len(simulator.events_of(app)) for app in simulator.apps} == before


@BOTH
@pytest.mark.parametrize("owner", [None, TOOL])
def test_8_nobody_else_releases(messenger, default, owner):
    simulator = messenger(default)
    if owner:
        owned_by(simulator, owner)

    refused = error(simulator.app(SALES).releases(PSID))

    assert refused["code"] == 100
    assert refused["message"].startswith("(#100) Only the current thread owner can release")


# --- 9: thread_owner ------------------------------------------------------------------------------


@BOTH
def test_9_an_idle_thread_shows_nothing_to_anybody(messenger, default):
    simulator = messenger(default)

    assert owner_seen_by(simulator, BOT).body == {"data": []}


def test_9_the_owner_and_the_default_app_see_everything_the_others_the_expiry(messenger, clock):
    simulator = owned_by(messenger(), SALES)
    expiry = int(clock.now + DAY)

    seen = [owner_seen_by(simulator, app).body["data"][0]["thread_owner"] for app in (SALES, BOT, TOOL)]

    assert seen == [{"app_id": SALES, "expiration": expiry}] * 2 + [{"expiration": expiry}]


def test_9_without_a_default_app_only_the_owner_sees_itself(messenger, clock):
    simulator = owned_by(messenger(None), SALES)

    assert owner_seen_by(simulator, BOT).body["data"] == [
        {"thread_owner": {"expiration": int(clock.now + DAY)}}
    ]


# --- 10: the Page inbox ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("step", ["replies", "moves_to_main"])
def test_10_an_answer_or_a_move_to_main_takes_control_and_tells_the_owner(messenger, default, step):
    simulator = owned_by(messenger(default), SALES)

    getattr(simulator.inbox, step)(*([PSID, "Hello!"] if step == "replies" else [PSID]))

    assert simulator.owner(PSID) == PAGE_INBOX
    assert events(simulator, SALES, "take_thread_control") == [
        {"previous_owner_app_id": SALES, "new_owner_app_id": int(PAGE_INBOX)}
    ]


@BOTH
def test_10_an_answer_of_the_inbox_is_echoed_to_every_app(messenger, default):
    simulator = messenger(default)
    simulator.inbox.replies(PSID, "Hello!")

    for app in (BOT, SALES, TOOL):
        (echo,) = [event for event in simulator.events_of(app) if event["kind"] == "echo"]
        assert (echo["channel"], echo["item"]["message"]["app_id"]) == ("standby", int(PAGE_INBOX))


@BOTH
def test_10_a_second_answer_takes_nothing(messenger, default):
    simulator = owned_by(messenger(default), SALES)
    simulator.inbox.replies(PSID, "one")
    simulator.inbox.replies(PSID, "two")

    assert len(events(simulator, SALES, "take_thread_control")) == 1


@pytest.mark.parametrize(
    ("default", "done", "owner"),
    [
        ("bot", "pass", BOT),
        ("bot", "release", ""),
        ("bot", "nothing", PAGE_INBOX),
        (None, "pass", ""),
        (None, "release", ""),
        (None, "nothing", PAGE_INBOX),
        ("Page inbox", "pass", ""),
    ],
)
def test_10_what_done_does_is_a_switch(messenger, default, done, owner):
    simulator = owned_by(messenger(default, done=done), PAGE_INBOX)

    simulator.inbox.done(PSID)

    assert simulator.owner(PSID) == owner
    assert len(events(simulator, BOT, "pass_thread_control")) == (owner == BOT)


def test_10_done_does_nothing_to_a_thread_of_somebody_else(messenger):
    simulator = owned_by(messenger(), SALES)

    simulator.inbox.done(PSID)

    assert simulator.owner(PSID) == SALES


# --- 11: control on a send ------------------------------------------------------------------------


def test_11_a_send_may_pass_control_and_its_echo_follows_the_new_ownership(messenger):
    simulator = messenger()
    control = {"app_id": SALES, "control_type": "pass"}

    answer = simulator.app(BOT).sends(PSID, {"text": "One moment"}, thread_control=control)

    assert set(answer.body) == {"recipient_id", "message_id"}
    assert simulator.owner(PSID) == SALES
    told = [(e["kind"], e["channel"]) for e in simulator.events_of(SALES)]
    assert told == [("echo", "messaging"), ("pass_thread_control", "messaging")]
    assert [e["channel"] for e in simulator.events_of(BOT) if e["kind"] == "echo"] == ["standby"]


@pytest.mark.parametrize("control", [{}, {"control_type": "release"}])
def test_11_a_send_may_release_control_which_is_also_what_an_unset_type_means(messenger, control):
    simulator = owned_by(messenger(), SALES)

    assert simulator.app(SALES).sends(PSID, {"text": "Bye"}, thread_control=control).status == 200
    assert simulator.owner(PSID) == ""
    assert not events(simulator, BOT, "pass_thread_control")


@pytest.mark.parametrize(
    ("default", "control"),
    [
        (None, {"control_type": "release"}),
        ("bot", {"control_type": "keep"}),
        ("bot", {"control_type": "pass", "app_id": 9}),
    ],
)
def test_11_a_send_whose_control_cannot_be_changed_is_refused_as_a_whole(messenger, default, control):
    simulator = owned_by(messenger(default), SALES)

    answer = simulator.app(SALES).sends(PSID, {"text": "unheard"}, thread_control=control)

    assert error(answer)["code"] == 100
    assert simulator.owner(PSID) == SALES
    assert not [entry for entry in simulator.thread(PSID).chat if entry["kind"] == "message"]
