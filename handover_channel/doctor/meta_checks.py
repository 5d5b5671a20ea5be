"""Lists the checks of what is set at Meta, in the order in which a set-up is made."""

from __future__ import annotations

from typing import Tuple

from handover_channel.doctor import page_checks, routing_checks, token_checks, webhook_checks
from handover_channel.doctor.check import Check

CHECKS: Tuple[Check, ...] = (
    *token_checks.CHECKS,
    *webhook_checks.CHECKS,
    *routing_checks.CHECKS,
    *page_checks.CHECKS,
)
