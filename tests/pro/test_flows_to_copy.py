"""The files to copy into a CALM bot, as Rasa Pro's own loaders read them, and what their commands do."""

from __future__ import annotations

import pytest

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

from calm_engine import domain, flows
from rasa.core.policies.flow_policy import FlowPolicy
from rasa.dialogue_understanding.commands.command import Command
from rasa.dialogue_understanding.stack.utils import top_user_flow_frame
from rasa.e2e_test.utils.io import read_test_cases
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.flows.yaml_flows_io import YAMLFlowsReader
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.rasa.flows import to_go_on_with
from handover_channel.rules.bot_contract import (
    CLOSED_RESPONSE,
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    HANDOVER_FLOW,
    HANDOVER_RESPONSE,
    RETURN_ACTION,
    RETURNED_FLOW,
    RETURNED_RESPONSE,
    TARGET_SLOT,
    UNTIL_SLOT,
    returned_payload,
    start_flow,
)

pytestmark = pytest.mark.pro


def steps(flow):
    return [getattr(step, "action", None) or getattr(step, "link", None) for step in flow.steps]


def test_the_flows_are_valid_for_rasa_pro_and_are_the_names_of_the_contract(calm_files):
    read = YAMLFlowsReader.read_from_file(calm_files.flows)
    read.validate(Domain.from_path(calm_files.domain))

    assert {flow.id: steps(flow) for flow in read} == {
        HANDOVER_FLOW: [HANDOVER_RESPONSE, "action_handoff_metric", HANDOVER_ACTION],
        RETURNED_FLOW: [RETURN_ACTION, RETURNED_RESPONSE],
        "pattern_human_handoff": [HANDOVER_FLOW],
    }


def test_the_flows_are_valid_beside_those_of_a_bot():
    flows().validate(domain())


def test_the_llm_is_not_told_of_the_turn_of_a_return_and_nothing_is_asked_after_either(calm_files):
    read = YAMLFlowsReader.read_from_file(calm_files.flows)

    assert [flow.id for flow in read.user_flows.exclude_link_only_flows()] == [HANDOVER_FLOW]
    assert not any(read.flow_by_id(each).run_pattern_completed for each in (HANDOVER_FLOW, RETURNED_FLOW))


def test_the_domain_has_what_the_actions_need(calm_files):
    read = Domain.from_path(calm_files.domain)

    assert {TARGET_SLOT, UNTIL_SLOT} <= {slot.name for slot in read.slots}
    wanted = {
        HANDOVER_RESPONSE,
        FAILED_RESPONSE,
        CLOSED_RESPONSE,
        RETURNED_RESPONSE,
        HANDOVER_ACTION,
        RETURN_ACTION,
    }
    assert wanted <= set(read.action_names_or_texts)
    (button,) = read.responses[HANDOVER_RESPONSE][0]["buttons"]
    assert button["payload"].replace("{{", "{").replace("}}", "}") == returned_payload("button")


def test_a_command_starts_the_flow_of_a_return_although_its_condition_is_false():
    tracker = DialogueStateTracker.from_events("ada", [], domain().slots)
    command = Command.command_from_json(start_flow(RETURNED_FLOW))

    tracker.update_with_events(command.run_command_on_tracker(tracker, flows(), tracker))

    assert top_user_flow_frame(tracker.stack).flow_id == RETURNED_FLOW


def test_the_return_interrupts_a_flow_that_waits_for_an_answer_and_that_one_is_still_there():
    tracker, read = DialogueStateTracker.from_events("ada", [], domain().slots), flows()
    for name in ("transfer_money", RETURNED_FLOW):
        command = Command.command_from_json(start_flow(name))
        tracker.update_with_events(command.run_command_on_tracker(tracker, read, tracker))

    assert [frame.flow_id for frame in tracker.stack.frames][-2:] == ["transfer_money", RETURNED_FLOW]


def test_agents_may_have_the_bot_start_flows_of_the_bots_without_a_condition():
    by_id = {flow.id: flow for flow in flows()}

    assert to_go_on_with(by_id) == {
        "opening_hours": "Tell when the shop is open.",
        "transfer_money": "Send money to a friend.",
    }


def test_the_end_to_end_tests_are_read_by_rasa_pro_and_name_only_what_is_there(calm_files):
    (case,) = read_test_cases(str(calm_files.e2e_tests)).test_cases
    known = {flow.id for flow in flows()} | set(domain().action_names_or_texts)
    named = set()
    for step in case.steps:
        for each in step.assertions or ():
            named |= set(getattr(each, "flow_ids", ())) | {getattr(each, "action_name", None)}
            if each.type() == "bot_uttered":
                named.add(each.utter_name)

    assert named - {None} <= known


def test_the_first_end_to_end_step_passes_on_what_a_handover_leaves_in_the_tracker(calm_files):
    (case,) = read_test_cases(str(calm_files.e2e_tests)).test_cases
    step = case.steps[0]
    buttons = [{"title": "Back to Bot", "payload": returned_payload("button")}]
    notice = BotUttered("...", {"buttons": buttons}, metadata={"utter_action": HANDOVER_RESPONSE})
    failed = BotUttered("...", metadata={"utter_action": FAILED_RESPONSE})
    asserted = {each.type(): each for each in step.assertions}

    said = [UserUttered(step.text), notice]
    assert asserted["bot_uttered"].run(said, [])[0] is None
    assert asserted["bot_did_not_utter"].run(said, [])[0] is None
    assert asserted["bot_did_not_utter"].run([*said, failed], [])[0] is not None


def test_flow_policy_is_outvoted_by_ours_while_people_have_the_conversation(bot):
    from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
    from rasa.core.policies.policy import PolicyPrediction
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.resource import Resource

    from handover_channel.rasa.policy import HandoverPolicy

    bot.services.thread_control.hand_over("ada", "inbox", channel="rest")
    bots, actions = domain(), domain().action_names_or_texts
    tracker = DialogueStateTracker.from_events("ada", [UserUttered("hi", input_channel="rest")], bots.slots)
    ours = HandoverPolicy(
        HandoverPolicy.get_default_config(), None, Resource("x"), ExecutionContext(GraphSchema({}))
    )
    theirs = PolicyPrediction.for_action_name(bots, "utter_hours", FlowPolicy.__name__)

    best = DefaultPolicyPredictionEnsemble._pick_best_policy(
        [theirs, ours.predict_action_probabilities(tracker, bots)]
    )

    assert actions[best.max_confidence_index] == "action_listen"
