"""Looks at a bot's settings, model, stores and pages, and says what is wrong: `handover doctor`."""
