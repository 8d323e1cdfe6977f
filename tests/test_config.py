"""Settings are strict: what is not understood is refused, with what would be valid."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.config import (
    KEY_VARIABLE,
    Settings,
    load_settings,
    network_of,
    read_key,
)
from hypermaker.errors import ConfigError

KEY = "0x" + "1f" * 32


def write(folder: Path, text: str) -> Path:
    """Return a settings file with this text."""
    path = folder / "maker.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'network = "testnet"\nasset = "ETH"\n[engine]\nposition_limit_usd = 5000\n',
    )
    assert load_settings(path) == Settings(
        network="testnet", asset="ETH", engine={"position_limit_usd": 5000}
    )


def test_an_unknown_key_names_file_key_and_valid_keys(tmp_path: Path) -> None:
    """S25, F68."""
    path = write(tmp_path, 'assset = "BTC"\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    line = str(caught.value)
    assert str(path) in line and "assset" in line and "asset" in line and "key_file" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("network = 3\n", ("network", "3", "str")),
        ('network = "mainet"\n', ("network", "mainet")),
        ("asset = \n", ("not TOML",)),
        ('engine = "fast"\n', ("engine", "object")),
    ],
)
def test_a_wrong_value_names_key_and_value(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3001", "http://localhost:80", "http://[::1]:5/", "http://127.9.9.9:1"]
)
def test_local_connects_to_this_machine(url: str) -> None:
    network = network_of("local", url)
    assert network.base_url == url.rstrip("/")
    assert network.ws_url == url.rstrip("/").replace("http", "ws") + "/ws"
    assert not network.is_mainnet


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1",
        "https://127.0.0.1:3001",
        "http://10.0.0.1:3001",
        "http://127.0.0.1.evil.test:3001",
        "http://user@127.0.0.1:3001",
        "http://evil.test:3001",
        "http://127.0.0.1:3001/path",
        "http://127.0.0.1:99999",
        "http://[::1",
        "https://api.hyperliquid.xyz",
    ],
)
def test_local_reaches_nothing_but_this_machine(url: str) -> None:
    """S20."""
    with pytest.raises(ConfigError, match="loopback"):
        network_of("local", url)


def test_public_networks_have_one_address_each() -> None:
    """S20: no other URL can be given, so a signature cannot be made for the wrong network."""
    assert network_of("testnet", "").base_url == "https://api.hyperliquid-testnet.xyz"
    assert network_of("mainnet", "").is_mainnet
    with pytest.raises(ConfigError, match="testnet is always"):
        network_of("testnet", "https://api.hyperliquid.xyz")
    with pytest.raises(ConfigError, match="one of local, testnet, mainnet"):
        network_of("devnet", "")


def test_the_environment_key_is_gone_once_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert read_key("") == (bytes.fromhex(KEY[2:]), "environment")
    assert KEY_VARIABLE not in os.environ


def test_a_private_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    assert read_key(str(path)) == (bytes.fromhex(KEY[2:]), str(path))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_file_others_may_touch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """S3."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="mode 0600"):
        read_key(str(path))


def test_a_link_to_a_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3, S26."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(ConfigError):
        read_key(str(tmp_path / "link"))


def test_no_key_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=r"HYPERMAKER_KEY.*--key-file"):
        read_key("")


@given(st.data())
def test_a_malformed_key_is_never_shown(data: st.DataObject) -> None:
    """S5: whatever is wrong with a key, no 8 characters of it are in the message."""
    text = data.draw(st.text("0123456789abcdef", min_size=20, max_size=80))
    if len(text) == 64:
        text += "a"
    os.environ[KEY_VARIABLE] = text
    with pytest.raises(ConfigError) as caught:
        read_key("")
    assert not any(text[i : i + 8] in str(caught.value) for i in range(len(text) - 7))
