"""Whatever apps and people do, in whatever order: what must always hold about control."""

from __future__ import annotations

from typing import Any, Set

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from handover_channel.simulator import PAGE_INBOX, Simulator
from handover_channel.simulator.thread_control import DAY

PSID = "42"
APPS = ["1234567890", "2222", "3333"]
ANY_APP = st.sampled_from(APPS)
ANY_TARGET = st.sampled_from([*APPS, PAGE_INBOX, ""])


class Ownership(RuleBasedStateMachine):
    @initialize(default=st.sampled_from(["bot", "2222", "Page inbox", None]))
    def begin(self, default: Any) -> None:
        self.now = 1_700_000_000.0
        self.simulator = Simulator(
            apps={"2222": "sales_bot", "3333": "hootsuite"}, default_app=default, now=lambda: self.now
        )

    @property
    def owner(self) -> str:
        return self.simulator.owner(PSID)

    def said(self) -> int:
        return len([entry for entry in self.simulator.thread(PSID).chat if entry["kind"] == "message"])

    @rule(seconds=st.sampled_from([1, DAY - 1, DAY, 8 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(default=st.sampled_from([*APPS, PAGE_INBOX, None]))
    def the_default_app_changes(self, default: Any) -> None:
        before = self.owner
        self.simulator.set_default_app(default)
        assert self.owner == before

    @rule(app=ANY_APP)
    def an_app_sends(self, app: str) -> None:
        owner, before = self.owner, self.said()
        accepted = self.simulator.app(app).says(PSID, "hi").status == 200
        assert not (accepted and owner and owner != app), "a non-owner's send succeeded while owned"
        assert self.said() == before + accepted
        assert self.owner == owner

    @rule(app=ANY_APP, to=ANY_TARGET)
    def an_app_passes(self, app: str, to: str) -> None:
        owner = self.owner
        accepted = self.simulator.app(app).passes(PSID, to=to).status == 200
        assert not (accepted and owner not in ("", app))
        assert self.owner == ((to or self.simulator.default_app) if accepted else owner)

    @rule(app=ANY_APP)
    def an_app_takes(self, app: str) -> None:
        owner = self.owner
        accepted = self.simulator.app(app).takes(PSID).status == 200
        assert accepted == (bool(self.simulator.default_app) and owner != app)
        assert self.owner == (app if accepted else owner)

    @rule(app=ANY_APP)
    def an_app_requests(self, app: str) -> None:
        owner = self.owner
        accepted = self.simulator.app(app).requests(PSID).status == 200
        assert self.owner == (app if accepted and not owner else owner)

    @rule(app=ANY_APP)
    def an_app_releases(self, app: str) -> None:
        owner = self.owner
        accepted = self.simulator.app(app).releases(PSID).status == 200
        assert accepted == (owner == app)
        assert self.owner == ("" if accepted else owner)

    @rule(app=ANY_APP, seconds=st.sampled_from([1, 7 * DAY, 7 * DAY + 1]))
    def an_app_extends(self, app: str, seconds: int) -> None:
        owner = self.owner
        accepted = self.simulator.app(app).extends(PSID, seconds).status == 200
        assert accepted == (owner == app and seconds <= 7 * DAY)
        assert self.owner == owner

    @rule()
    def somebody_answers_in_the_inbox(self) -> None:
        self.simulator.inbox.replies(PSID, "hello")
        assert self.owner == PAGE_INBOX

    @rule()
    def somebody_clicks_done(self) -> None:
        owner = self.owner
        self.simulator.inbox.done(PSID)
        assert owner == PAGE_INBOX or self.owner == owner

    @rule()
    def the_person_writes(self) -> None:
        owner = self.owner
        mid = self.simulator.person(PSID).says("hello")["mid"]
        assert self.owner == owner
        leading: Set[str] = set()
        for app in self.simulator.apps:
            got = [e for e in self.simulator.events_of(app) if e["item"].get("message", {}).get("mid") == mid]
            assert len(got) == 1, "one event for every app, on one channel"
            if got[0]["channel"] == "messaging":
                leading.add(app)
        if owner:
            assert leading == {owner}
        else:
            assert leading == (
                {self.simulator.default_app} if self.simulator.default_app else set(self.simulator.apps)
            )

    @invariant()
    def the_owner_is_nobody_or_a_connected_app(self) -> None:
        if hasattr(self, "simulator"):
            assert self.owner in {"", *self.simulator.apps}


def test_control_keeps_its_rules_whatever_happens_in_whatever_order():
    run_state_machine_as_test(Ownership, settings=settings(max_examples=60, deadline=None))
