"""Records conversations with a bot: at the simulator as scenarios, at Meta as recordings without secrets.

`scenario_recorder` writes what happens at a simulator as scenarios of `handover test`. `proxy` stands between
a bot and Meta, and writes a `recording_file` in which `masking` has replaced secrets, ids and texts.
`comparison` plays a recording at a simulator; `as_scenario` makes scenarios of it.
"""
