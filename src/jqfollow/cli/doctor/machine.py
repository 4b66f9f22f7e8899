"""The doctor looks at the machine: Python, clock, ports, data folder, disk."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import httpx

from jqfollow.cli.doctor.findings import Finding, Surroundings, bad, ok, warn
from jqfollow.cli.lock import is_running
from jqfollow.wire.private_file import open_to_others, private_folder

_TESTED = ((3, 11), (3, 13))
_LEAST_FREE = 500_000_000
_SOME_FREE = 5_000_000_000
_TIME_SOURCES = ("https://qyapi.weixin.qq.com/", "https://www.joinquant.com/", "https://www.baidu.com/")
_SKEW_WARN_S = 5
_SKEW_FAIL_S = 60


def python(_: Surroundings) -> Sequence[Finding]:
    """The interpreter."""
    version = sys.version_info[:2]
    shown = ".".join(map(str, sys.version_info[:3]))
    if not _TESTED[0] <= version <= _TESTED[1]:
        zh, en = f"Python {shown} 不在支持范围 3.11–3.13", f"Python {shown} is not one of 3.11 to 3.13"
        return [bad("python", zh, en, "安装 64 位 Python 3.11–3.13", "install Python 3.11 to 3.13, 64 bit")]
    if sys.maxsize < 2**32:
        zh, en = f"Python {shown} 是 32 位，MiniQMT 的接口只有 64 位", f"Python {shown} is 32 bit, MiniQMT needs 64"
        return [warn("python", zh, en, "安装 64 位 Python", "install a 64 bit Python")]
    return [ok("python", f"Python {shown}", f"Python {shown}")]


def clock_skew(around: Surroundings) -> Sequence[Finding]:
    """This machine's clock against the `Date` of a web server; signals are accepted within 300 s."""
    for address in _TIME_SOURCES:
        try:
            before = around.clock.now()
            response = around.http.head(address)
            after = around.clock.now()
            told = parsedate_to_datetime(response.headers["date"])
            skew = (before + (after - before) / 2 - told).total_seconds()
        except (httpx.HTTPError, KeyError, ValueError, TypeError):
            continue
        zh, en = f"本机时钟与网络时间相差 {skew:+.0f} 秒", f"this machine's clock is {skew:+.0f} s off"
        remedy = "打开 Windows 的“自动设置时间”并立即同步", "switch on automatic time in Windows and synchronise now"
        if abs(skew) >= _SKEW_FAIL_S:
            return [bad("clock", zh, en, *remedy)]
        if abs(skew) >= _SKEW_WARN_S:
            return [warn("clock", zh, en, *remedy)]
        return [ok("clock", zh, en)]
    zh, en = "连不上网，无法核对时钟", "no server could be reached to compare the clock with"
    return [warn("clock", zh, en, "检查网络；手工核对系统时间", "check the network; compare the system's time by hand")]


def ports(around: Surroundings) -> Sequence[Finding]:
    """Each port is free, or ours."""
    settings = around.settings
    running = is_running(settings.data_dir) is not None
    found = [
        _port(around, "signals", settings.signals.host, settings.signals.port, "/api/order", running=running),
        _port(around, "console", settings.console.host, settings.console.port, "/healthz", running=running),
    ]
    if settings.signals.host not in {"127.0.0.1", "::1", "localhost"}:
        found.append(
            warn(
                "signals.host",
                f"信号端口对 {settings.signals.host} 开放",
                f"the signals port listens on {settings.signals.host}",
                'frpc 在本机时改回 "127.0.0.1"；确需开放时用防火墙限制',
                '"127.0.0.1" is enough when frpc runs here; else restrict it with a firewall',
            )
        )
    return found


def _port(around: Surroundings, name: str, host: str, port: int, path: str, *, running: bool) -> Finding:
    place = f"{name}.port"
    where = f"{host}:{port}"
    if port == 0:
        return ok(place, "随机端口", "a random port")
    why = _bindable(host, port)
    if not why:
        return ok(place, f"{where} 空闲", f"{where} is free")
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared
    try:
        around.http.get(f"http://{f'[{target}]' if ':' in target else target}:{port}{path}")
        answers = True
    except httpx.HTTPError:
        answers = False
    if answers and running:  # it could not have started had the port been somebody else's
        return ok(place, f"{where} 由正在运行的 jqfollow 使用", f"{where} is used by the jqfollow that runs")
    return bad(
        place,
        f"{where} 不能使用：{why}",
        f"{where} cannot be used: {why}",
        f"关闭占用它的程序，或修改 {place}",
        f"stop the program that uses it, or change {place}",
    )


def _bindable(host: str, port: int) -> str:
    """Why nothing can listen there; "" when it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: else a used port could be bound, too
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def data_folder(around: Surroundings) -> Sequence[Finding]:
    """The data folder can be written, on a disk with room."""
    folder = around.settings.data_dir
    try:
        if not folder.exists():
            private_folder(folder)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        why = error.strerror or str(error)
        zh, en = f"{folder} 不能写入：{why}", f"{folder} cannot be written: {why}"
        return [bad("data_dir", zh, en, "检查权限与磁盘，或修改 data_dir", "check permissions and disk, or data_dir")]
    zh, en = f"{folder} 可写，剩余 {free / 1e9:.1f} GB", f"{folder} can be written, {free / 1e9:.1f} GB are free"
    if free < _LEAST_FREE:
        return [
            bad("data_dir", zh, en, "清理磁盘：磁盘满时停止接收信号", "free some space: a full disk takes no signals")
        ]
    if free < _SOME_FREE:
        return [warn("data_dir", zh, en, "清理磁盘", "free some space")]
    return [ok("data_dir", zh, en)]


_SECRETS = ("*.local.toml", "frpc.toml", "frps.toml", "jqfollow_client_*.py", "jqfollow_qmt_*.py")


def private(around: Surroundings) -> Sequence[Finding]:
    """Nobody else on this machine can read ledger, keys, logs, copies, nor what holds a key beside them."""
    folder = around.settings.data_dir
    found = open_to_others(folder) if folder.is_dir() else []
    beside = [file for name in _SECRETS for file in (around.folder.glob(name) if around.folder else ())]
    found += [one for file in beside for one in open_to_others(file)]
    if not found:
        return [ok("private", "账本、密钥、日志、备份只有本人能读", "ledger, keys, logs and copies are yours alone")]
    zh, en = f"别的用户也能读 {found[0]} 等 {len(found)} 处", f"other users can read {found[0]}, {len(found)} in all"
    remedy_zh = "启动一次 jqfollow serve 会收回数据文件夹的；其余的重新生成，或自己改权限"
    return [warn("private", zh, en, remedy_zh, "a start shuts them out of the data folder; write the others anew")]
