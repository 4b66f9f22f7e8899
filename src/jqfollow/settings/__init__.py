"""The configuration: read and validated as a whole at the start.

Sources, later ones win, key by key: defaults, `config.toml`, a person's own `config.local.toml` beside it, the
environment (`JQFOLLOW_NOTIFY__WECOM__KEYS`).
"""

from jqfollow.domain import FollowMode
from jqfollow.settings.explain import ConfigError
from jqfollow.settings.load import default_config, load_settings, parse_settings
from jqfollow.settings.local import local_file
from jqfollow.settings.sections import (
    Account,
    BrokerName,
    CatchUp,
    ConsoleSettings,
    ExecutionSettings,
    Follow,
    FullQmtAccount,
    NotifySettings,
    PaperAccount,
    PriceMode,
    QmtAccount,
    RealAccount,
    RiskSettings,
    Settings,
    SignalsSettings,
    Strategy,
    WecomSettings,
)

__all__ = [
    "Account",
    "BrokerName",
    "CatchUp",
    "ConfigError",
    "ConsoleSettings",
    "ExecutionSettings",
    "Follow",
    "FollowMode",
    "FullQmtAccount",
    "NotifySettings",
    "PaperAccount",
    "PriceMode",
    "QmtAccount",
    "RealAccount",
    "RiskSettings",
    "Settings",
    "SignalsSettings",
    "Strategy",
    "WecomSettings",
    "default_config",
    "load_settings",
    "local_file",
    "parse_settings",
]
