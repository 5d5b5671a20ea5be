"""What surrounds Rasa's server: the edge to Sanic that both channels share."""
