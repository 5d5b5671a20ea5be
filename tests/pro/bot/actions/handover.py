from handover_channel.actions import ActionHandover, ActionHandoverReturn

__all__ = ["ActionHandover", "ActionHandoverReturn"]
