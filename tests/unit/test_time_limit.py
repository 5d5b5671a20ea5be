from __future__ import annotations

import pytest

from handover_channel.rules.time_limit import WORKER_IS_LATE, is_unattended, is_up


@pytest.mark.parametrize(("until", "up"), [(None, False), (999.0, True), (1000.0, True), (1001.0, False)])
def test_the_time_is_up_from_the_limit_on(until, up):
    assert is_up(until, 1000.0) is up


def test_a_worker_gets_some_time_before_somebody_else_ends_the_handover():
    assert not is_unattended(None, 1000.0)
    assert not is_unattended(1000.0, 1000.0 + WORKER_IS_LATE / 2)
    assert is_unattended(1000.0, 1000.0 + WORKER_IS_LATE)
