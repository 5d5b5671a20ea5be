"""Tests a bot's handovers as people see them: who writes what, who answers, who has control."""
