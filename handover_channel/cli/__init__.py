"""Offers the `handover` command."""
