"""Counts what a process does, and exports it with what the database tells to Prometheus."""
