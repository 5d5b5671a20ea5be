"""Changes who has control of a thread, and tells everybody whom that concerns."""
