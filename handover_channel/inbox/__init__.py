"""Serves the built-in inbox: a page where people answer, on Rasa's own server.

channel, http and rasa_gateway know Sanic or Rasa; everything else takes and gives plain values.
"""
