"""Keeps models loadable that were trained before the policies moved to `rasa/policy.py`.

Rasa writes the module and class of every component into the model, and imports it by that path when the model
is loaded (`rasa.shared.utils.common.class_from_module_path`).
"""

from __future__ import annotations

from handover_channel.rasa.policy import HandoverPolicy, LanguagePolicy

__all__ = ["HandoverPolicy", "LanguagePolicy"]
