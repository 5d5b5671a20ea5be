"""The built-in inbox: a page where people answer, served by Rasa's own server.

channel.py is the only module here that knows Rasa and Sanic. Everything else takes and gives plain values.
"""
