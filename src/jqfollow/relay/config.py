"""`relay.toml`: the server's configuration, written with comments at the first start."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jqfollow.relay.errors import RelayError

Port = Annotated[int, Field(ge=1, le=65535)]

DEFAULT = """\
# jqfollow 中继：公网服务器上存下信号，等每台电脑取走。 / The relay: stores signals until every PC has them.
data_dir = "relay-data"       # 密钥与存储，只给本人读 / keys and storage, for their owner only
public = "{public}"           # 本机的公网 IP 或域名，写进电脑的凭据 / this server's address, for the PCs' files
host = "0.0.0.0"
port = 8888                   # 聚宽发到这里 / JoinQuant sends here
engine_port = 4222            # 电脑从这里取（TLS） / the PCs come here, over TLS
monitor_port = 8222           # 只听本机 / this machine only
max_per_minute = 600          # 每个策略 / a strategy
max_store_mb = 1024           # 满了答 503，旧信号决不悄悄丢 / full is answered 503; nothing old is dropped
wait_ms = 800                 # 等电脑回执多久 / how long an answer waits for the PCs' receipts
# websocket_port = 443        # 网络只放行 443 时电脑走 wss / behind a firewall: relay pc NAME --websocket
# 有正式证书（域名要与 public 一致）就填上：聚宽走 https，电脑按域名验证；没有就自动生成一张，写进电脑的凭据。
# A certificate of a public CA for `public`; without one, one is made and stands in the PCs' files.
# tls_cert = "/etc/letsencrypt/live/NAME/fullchain.pem"
# tls_key = "/etc/letsencrypt/live/NAME/privkey.pem"
"""


class RelayConfig(BaseModel):
    """Everything that `relay.toml` can say."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    data_dir: str = "relay-data"
    public: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,255}$")] = "127.0.0.1"
    host: str = "0.0.0.0"  # noqa: S104 - a public server is what it is
    port: Port = 8888
    engine_port: Port = 4222
    monitor_port: Port = 8222
    max_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    max_store_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    wait_ms: Annotated[int, Field(ge=0, le=3000)] = 800
    websocket_port: Port | None = None
    tls_cert: str = ""
    tls_key: str = ""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert 与 tls_key 要么都写，要么都不写 / both or none")
        return self

    @property
    def order_url(self) -> str:
        """Where JoinQuant sends to."""
        return f"{'https' if self.tls_cert else 'http'}://{self.public}:{self.port}"

    def pc_url(self, *, websocket: bool) -> str:
        """Where a PC comes to; raises `RelayError` when it is not open."""
        if not websocket:
            return f"tls://{self.public}:{self.engine_port}"
        if self.websocket_port is None:
            raise RelayError("relay.toml 没有打开 websocket_port / relay.toml opens no websocket_port")
        return f"wss://{self.public}:{self.websocket_port}"

    def folder(self, file: Path) -> Path:
        """Its data folder, relative to the file."""
        return (file.parent / self.data_dir).resolve()


def load_relay_config(file: Path) -> RelayConfig:
    """Reads the file.

    Raises:
        RelayError: unreadable, or not valid; says where.
    """
    try:
        return RelayConfig.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RelayError(f"读不了 {file}：{error} / cannot read {file}: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise RelayError(f"{file} 有误：{wrong} / is wrong: {wrong}") from error
