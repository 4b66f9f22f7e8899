"""`keys`, `client`, `frp`: what holds a secret is written for its owner only, and never shown."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from jqfollow.settings import load_settings
from jqfollow.wire.keystore import KeyStore

from .conftest import Run

SEED = '\n[strategies.old]\nwire = "seed"\nsecret = "hunter2"\n'


def key_texts(config: Path) -> list[str]:
    return [key.text for key in KeyStore.open(config.parent / "data" / "keys.toml").keys("demo")]


def private(path: Path) -> bool:
    return os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_made_listed_explained_and_changed_but_never_shown(run: Run, config: Path) -> None:
    assert '"has_key": false' in run("keys", "--json").output
    assert "jqfollow client demo" in run("keys", "show", "demo").output
    (first,) = key_texts(config)
    listed = run("keys", "list").output
    assert "demo" in listed
    rotated = run("keys", "rotate", "demo", "--grace", "1")
    assert rotated.exit_code == 0
    second, previous = key_texts(config)
    assert previous == first != second
    assert '"previous_until": "' in run("keys", "--json").output
    assert run("keys", "rotate", "demo", "--grace", "0").exit_code == 0
    assert len(key_texts(config)) == 1
    everything = listed + rotated.output + run("keys", "show", "demo").output + run("keys").output
    for key in (first, second, *key_texts(config)):
        assert key[5:] not in everything


@pytest.mark.parametrize("command", [["show"], ["rotate"]])
def test_keys_of_strategies_that_have_none(run: Run, config: Path, command: list[str]) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write(SEED)
    assert run("keys", *command, "nope").exit_code == 2
    seed = run("keys", *command, "old")
    assert seed.exit_code == 2
    assert "seed" in seed.output
    assert "hunter2" not in seed.output
    for grace in ("-1", "nan", "inf"):
        assert run("keys", "rotate", "demo", "--grace", grace).exit_code == 2


def test_a_damaged_key_file_is_exit_2(run: Run, config: Path) -> None:
    (config.parent / "data").mkdir()
    (config.parent / "data" / "keys.toml").write_text('[demo]\nkey = "jqf1_hunter2"\n', encoding="utf-8")
    result = run("keys")
    assert result.exit_code == 2
    assert "keys.toml" in result.stderr
    assert "hunter2" not in result.output


def test_the_client_file(run: Run, config: Path) -> None:
    result = run("client", "demo", "--url", "http://8.8.8.8:8888/")
    assert result.exit_code == 0
    target = config.parent / "jqfollow_client_demo.py"
    text = target.read_text(encoding="utf-8")
    compile(text, "client", "exec")
    (key,) = key_texts(config)
    assert key in text
    assert "http://8.8.8.8:8888" in text
    assert private(target)
    assert key[5:] not in result.output
    assert "jqfollow.install" not in result.output
    assert 'jqfollow_client_demo.install(globals(), context, "demo")' in result.output
    assert "frp" not in result.output


def test_a_client_file_is_not_overwritten_by_chance(run: Run, config: Path) -> None:
    target = config.parent / "放 聚宽.py"
    target.write_text("mine", encoding="utf-8")
    refused = run("client", "demo", "--output", target)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert target.read_text(encoding="utf-8") == "mine"
    assert run("client", "demo", "--output", target, "--force").exit_code == 0
    assert "JQFOLLOW_KEY" in target.read_text(encoding="utf-8")


def test_an_address_that_joinquant_cannot_reach_is_pointed_out(run: Run, config: Path) -> None:
    result = run("client", "demo")
    assert "http://127.0.0.1:8888" in result.output
    assert "jqfollow frp" in result.output
    assert run("client", "demo", "--force", "--url", "ftp://x").exit_code == 2
    assert run("client", "nope").exit_code == 2
    with config.open("a", encoding="utf-8") as file:
        file.write(SEED)
    assert run("client", "old").exit_code == 2


def test_the_tunnel_forwards_the_signals_port_and_nothing_else(run: Run, config: Path) -> None:
    result = run("frp", "--server", "8.8.8.8", "--remote-port", "18888")
    assert result.exit_code == 0
    frps = tomllib.loads((config.parent / "frps.toml").read_text(encoding="utf-8"))
    frpc = tomllib.loads((config.parent / "frpc.toml").read_text(encoding="utf-8"))
    assert frps["auth"] == frpc["auth"]
    assert frps["auth"]["method"] == "token"
    assert len(frps["auth"]["token"]) >= 32
    assert frps["auth"]["token"] not in result.output
    assert frps["transport"]["tls"]["force"] is True
    assert frps["allowPorts"] == [{"single": 18888}]
    assert frpc["loginFailExit"] is False
    (proxy,) = frpc["proxies"]
    assert proxy == {
        "name": "jqfollow-signals",
        "type": "tcp",
        "localIP": "127.0.0.1",
        "localPort": load_settings(config, {}).signals.port,
        "remotePort": 18888,
    }
    assert private(config.parent / "frps.toml")
    assert private(config.parent / "frpc.toml")
    assert "http://8.8.8.8:18888" in run("client", "demo").output


def test_the_tunnel_again_and_wrongly(run: Run, config: Path) -> None:
    out = config.parent / "隧道 frp"
    token = 'quoted"and\\slashed-token'
    assert run("frp", "--output", out, "--token", token).exit_code == 0
    assert tomllib.loads((out / "frpc.toml").read_text(encoding="utf-8"))["auth"]["token"] == token
    assert run("frp", "--output", out).exit_code == 2
    assert run("frp", "--output", out, "--force").exit_code == 0
    assert tomllib.loads((out / "frps.toml").read_text(encoding="utf-8"))["auth"]["token"] != token
    for wrong in (["--token", "short"], ["--server", "a b"], ["--remote-port", "7000"], ["--server-port", "0"]):
        assert run("frp", "--output", out, "--force", *wrong).exit_code == 2
