"""Holds the pages for admins: who answers here, and what they work with.

Each page has its name in `labels.ADMIN_PAGES`, a route `/admin/<name>` for `Who.ADMIN`, and a template that
extends admin.html; they work without the page's script.
"""
