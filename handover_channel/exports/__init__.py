"""Writes what is kept as files for other programs: `handover export`.

`tables` and `output_file` write handovers and transcripts as CSV and JSON Lines; `masking`, `suggestions` and
`nlu_file` make examples for a bot's NLU of what people wrote.
"""
