"""Stores what Meta sends and processes it, in order within each thread, in a process beside Rasa's.

process.py is that process; ipc.py and calls.py connect it with Rasa's. A delivery comes in by intake.py, and
its life is drawn in delivery_life.py. worker.py processes it: processing.py gives it its effect, and what
surrounds that (retries, attempts, suspects, back pressure) has a module each.
"""
