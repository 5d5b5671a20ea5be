"""The built-in inbox: a page where people answer, served by Rasa's own server.

channel, routes, http and rasa_gateway know Sanic or Rasa; everything else takes and gives plain values.
"""
