"""Sends what agents answer: each reply is kept first, then sent in order, once."""
