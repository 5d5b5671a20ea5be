"""Calls Meta's Graph API: connections, retries, what refusals mean, what to do about them."""
