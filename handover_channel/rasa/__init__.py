"""The edge to Rasa's server (Sanic) that both channels share."""
