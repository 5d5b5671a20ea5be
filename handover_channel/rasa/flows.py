"""Starts flows of a CALM bot, by the command that Rasa Pro's command generators would have written.

An intent starts no flow: a turn that nobody has written has to bring its command along. A bot without flows
(Rasa Open Source, a bot of rules in Pro, Mantle) gets its turns as they are.

Rasa Pro 3.21: `rasa.core.processor`, `rasa.dialogue_understanding.commands.start_flow_command`. Executing the
command asks that the flow exists, not for its condition `if`.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from handover_channel.rules.bot_contract import COMMANDS, HANDOVER_FLOW, RETURNED_FLOW, start_flow

#: Flows of the machinery: nothing to go on with.
_OF_THE_HANDOVER = (HANDOVER_FLOW, RETURNED_FLOW)


async def flows_of(processor: Any) -> Dict[str, Any]:
    """Return the flows of the bot that Rasa's *processor* (None: none) runs, by id. It keeps them."""
    read = getattr(processor, "get_flows", None)
    return {flow.id: flow for flow in await read()} if read is not None else {}


async def starting(processor: Any, flow: str, parse_data: Dict[str, Any]) -> Dict[str, Any]:
    """Return *parse_data* with the command that starts *flow*, unchanged where the bot has no such flow."""
    if flow not in await flows_of(processor):
        return parse_data
    return {**parse_data, COMMANDS: [start_flow(flow)]}


def to_go_on_with(flows: Mapping[str, Any]) -> Dict[str, str]:
    """Return the descriptions of the flows that an agent may have the bot start, by id.

    Not Rasa's own patterns; nor flows with a condition, which may ask whether the person has signed in: the
    command would not heed it.
    """
    return {
        each.id: str(each.description or "")
        for each in flows.values()
        if not (each.is_rasa_default_flow or each.guard_condition or each.id in _OF_THE_HANDOVER)
    }
