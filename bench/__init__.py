"""`make bench`: Rasa's own Facebook channel, ours and a bare floor, measured side by side in one run.

Each module of `figures` measures one figure, and says how in its docstring, which goes into
docs/benchmarks.md. Everything runs on 127.0.0.1, in `results/bench`, and is stopped by the process ids
that were started.
"""
