"""Sends the replies of agents: each is kept first, then sent in order, once."""
