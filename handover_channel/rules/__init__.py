"""Rules of Meta's and ours as pure decisions: no I/O, no framework, values in and values out."""
