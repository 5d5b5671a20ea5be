"""Reads handover.yml and credentials.yml into `Settings`, or tells everything that is wrong with them."""
