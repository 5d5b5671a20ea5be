"""Names the pages of Meta's where a set-up is put right, as docs/guides/facebook-settings.md does."""

from __future__ import annotations

from handover_channel.doctor.report import Where

_DEVELOPERS = "https://developers.facebook.com/apps/"

TOKENS = Where("Messenger > Messenger API settings > Generate access tokens", _DEVELOPERS)
WEBHOOKS = Where("Messenger > Messenger API settings > Configure webhooks", _DEVELOPERS)
BASIC = Where("App settings > Basic", _DEVELOPERS)
APP_REVIEW = Where("App Review > Permissions and features", _DEVELOPERS)
ROUTING = Where(
    "Page settings > Conversation routing", "https://www.facebook.com/settings?tab=msgr_conversation_routing"
)
ADVANCED = Where("Page settings > Advanced messaging", "https://www.facebook.com/settings")
QUALITY = Where("Page settings > Page quality", "https://www.facebook.com/settings")
AUTOMATIONS = Where("Meta Business Suite > Inbox > Automations", "https://business.facebook.com/")
