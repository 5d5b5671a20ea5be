"""Reads and builds the JSON of Messenger: webhook events in, messages of the Send API out. No I/O."""
