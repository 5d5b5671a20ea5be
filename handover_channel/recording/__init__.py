"""Records conversations with a bot: at the simulator as scenarios, at Meta as recordings without secrets.

`scenario_recorder` writes what happens at a simulator as scenarios of `handover test`.
"""
