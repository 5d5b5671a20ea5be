"""`python -m handover_channel` is the `handover` command."""

from __future__ import annotations

from handover_channel.cli.main import main

if __name__ == "__main__":
    main()
