"""Messenger's own shapes, read and drawn without I/O."""
