"""Offers to `rasa run actions` the handover actions and this shop's own."""

from handover_channel.actions import ActionHandover, ActionHandoverReturn, ActionSessionStart

__all__ = ["ActionHandover", "ActionHandoverReturn", "ActionSessionStart"]
