"""Outside the business hours of a target nothing is handed over to it."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from play import HOUR, PSID, START, target

from handover_channel.control import reachable_targets
from handover_channel.errors import HandoverRefused, OutsideHours
from handover_channel.rules.business_hours import Hours, parse_spans
from handover_channel.settings.loader import TargetKind

RIYADH = ZoneInfo("Asia/Riyadh")
SHOP = target("shop", TargetKind.INBOX, hours=Hours(RIYADH, {2: parse_spans("9:00-17:00")}))  # Wednesdays
INBOX = target("inbox", TargetKind.INBOX)

#: The clock of the tests is on a Wednesday there, in the small hours.
OPENS = datetime(2023, 11, 15, 9, tzinfo=RIYADH).timestamp()


@pytest.fixture
def shop(make_play):
    play = make_play(default_target="shop", targets={"shop": SHOP, "inbox": INBOX})
    play.says("hello")
    return play


def test_outside_them_the_bot_keeps_control_and_knows_when_somebody_is_there(shop):
    assert datetime.fromtimestamp(START, timezone.utc).day == 14  # it is tomorrow there

    with pytest.raises(OutsideHours, match="'shop' before 09:00") as refusal:
        shop.thread_control.hand_over(PSID)

    assert isinstance(refusal.value, HandoverRefused)
    assert (refusal.value.opens_at, refusal.value.opens) == (OPENS, "09:00")
    assert (shop.control, shop.log) == ("bot", [])


def test_within_them_it_is_a_handover_as_any(shop):
    shop.clock.now = OPENS

    assert shop.hands_over().state.target == "shop"


def test_other_targets_have_hours_of_their_own(shop):
    assert shop.hands_over("inbox").state.target == "inbox"


def test_who_has_been_handed_over_stays_there_when_it_closes(shop):
    shop.clock.now = OPENS + 7.9 * HOUR
    shop.hands_over()
    shop.clock.passes(HOUR)

    assert shop.thread_control.hand_over(PSID).state.target == "shop"
    assert shop.control == "inbox"


def test_an_agent_who_takes_over_is_there_whatever_the_hours(shop):
    assert shop.thread_control.take_over(PSID, "amal").state.target == "shop"


def test_whether_it_is_closed_can_be_asked_before(shop):
    def is_nobody_there(name):
        return reachable_targets.is_nobody_there(shop.settings, name, "rest", shop.clock())

    assert [is_nobody_there(name) for name in (None, "shop", "inbox", "nobody")] == [
        True,
        True,
        False,
        True,  # no target has that name: the default one gets the handover
    ]
    shop.clock.now = OPENS
    assert not is_nobody_there(None)
