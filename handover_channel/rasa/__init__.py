"""Connects the package to Rasa: its channel, its policies, its turns and its server (Sanic)."""
