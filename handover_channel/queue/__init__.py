"""Stores what Meta sends and processes it, in order within a thread: a process of its own beside Rasa's."""
