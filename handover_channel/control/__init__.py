"""Changes who has control of a thread, and tells Meta, Rasa and the person."""
