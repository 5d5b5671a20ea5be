"""Puts handover into the Rasa project of somebody else, and takes it out again: `handover init`.

Each kind of file has a module with the same two functions, from texts to values: `look` finds what matters in
it, `plan` returns what to change. Only `folder` reads and writes. `edits.take_out` undoes for all of them.
"""
