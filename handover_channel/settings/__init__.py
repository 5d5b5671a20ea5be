"""Reads handover.yml and credentials.yml into `Settings`, or reports everything that is wrong with them."""
