"""The configuration: read and validated as a whole at the start.

Sources, later ones win, key by key: defaults, `config.toml`, a person's own `config.local.toml` beside it, the
environment (`JQFOLLOW_NOTIFY__WECOM__KEYS`).
"""

from jqfollow.domain import FollowMode
from jqfollow.settings.explain import ConfigError
from jqfollow.settings.layers import NO_LIMITS, Layers, OwnLimits
from jqfollow.settings.load import Config, default_config, load_settings, parse_settings, read_config
from jqfollow.settings.local import local_file
from jqfollow.settings.policy import ExecutionSettings, PriceMode, RiskSettings
from jqfollow.settings.sections import (
    Account,
    BrokerName,
    CatchUp,
    ConsoleSettings,
    Follow,
    FullQmtAccount,
    NotifySettings,
    PaperAccount,
    QmtAccount,
    RealAccount,
    Settings,
    SignalsSettings,
    Strategy,
    WecomSettings,
)

__all__ = [
    "NO_LIMITS",
    "Account",
    "BrokerName",
    "CatchUp",
    "Config",
    "ConfigError",
    "ConsoleSettings",
    "ExecutionSettings",
    "Follow",
    "FollowMode",
    "FullQmtAccount",
    "Layers",
    "NotifySettings",
    "OwnLimits",
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
    "read_config",
]
