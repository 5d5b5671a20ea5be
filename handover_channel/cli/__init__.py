"""Offers everything on the command line: the `handover` command."""
