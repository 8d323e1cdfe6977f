"""Settings from a TOML file and from options: strict, effective before any socket opens.

    network  = "local"                  # local, testnet or mainnet
    base_url = "http://127.0.0.1:3001"  # local only, and only a loopback address
    asset    = "BTC"
    strategy = "glft"                   # glft, as2008, fixed, or a file: "mine.py:function"
    key_file = "~/keys/agent"           # mode 0600; or the environment variable HYPERMAKER_KEY
    account  = "0x..."                  # whom the key trades for; default: the key's own address

    [engine]                            # any field of `engine.EngineConfig` the venue does not set
    position_limit_usd = 5000

    [risk]                              # any limit of docs/risk.md
    loss_usd_max = 200

    [on_kill]                           # what becomes of the position when the kill switch fires
    then     = "hold"                   # hold, passive or ioc
    band_bps = 50                       # ioc: how far from the mark
    seconds  = 60                       # how long to try

An unknown key, a wrong type or a value out of range raises `ConfigError` naming file, key, value
and what would be valid. The base URL decides which network a signature is made for; there are
three URLs and nothing else can be reached (control S20).
"""

import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

import msgspec

from hypermaker.errors import ConfigError

KEY_VARIABLE = "HYPERMAKER_KEY"
_KEY_TEXT = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_KEY_FILE_BYTES_MAX = 4096
BAND_BPS_MAX = 1_000.0
SECONDS_MAX = 3_600.0

T = TypeVar("T", bound=msgspec.Struct)

NetworkName = Literal["local", "testnet", "mainnet"]
NETWORKS: Mapping[str, str] = {
    "mainnet": "https://api.hyperliquid.xyz",
    "testnet": "https://api.hyperliquid-testnet.xyz",
}


class Network(msgspec.Struct, frozen=True):
    """Where orders go, and which network their signatures are for.

    base_url    scheme, host and port, no path
    is_mainnet  signatures are for real money
    """

    name: NetworkName
    base_url: str
    is_mainnet: bool

    @property
    def ws_url(self) -> str:
        """The WebSocket address of the same host."""
        return self.base_url.replace("http", "ws", 1) + "/ws"


KillThen = Literal["hold", "passive", "ioc"]


class KillPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of the position once the kill switch has fired and no order is open.

    then       hold: keep it; passive: reduce-only quotes; ioc: take the book inside a band
    band_bps   ioc only: how far from the mark a price may be
    seconds    passive and ioc: how long to try before the rest is kept
    """

    then: KillThen = "hold"
    band_bps: float = 50.0
    seconds: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done, naming the field."""
        if not 0.0 < self.band_bps <= BAND_BPS_MAX:
            raise ConfigError(
                "on_kill.band_bps", self.band_bps, f"above 0, up to {BAND_BPS_MAX:.0f}"
            )
        if not 0.0 <= self.seconds <= SECONDS_MAX:
            raise ConfigError("on_kill.seconds", self.seconds, f"from 0 to {SECONDS_MAX:.0f}")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a configuration file may say; every field has a default."""

    network: NetworkName = "local"
    base_url: str = ""
    asset: str = "BTC"
    key_file: str = ""
    account: str = ""
    strategy: str = "glft"
    engine: dict[str, Any] = {}
    risk: dict[str, float] = {}
    on_kill: KillPolicy = KillPolicy()


def load_settings(path: Path) -> Settings:
    """Return the settings of a TOML file.

    Raises ConfigError when the file cannot be read, is no TOML, or says what no setting allows.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            "--config", path, f"cannot be read: {error.strerror or 'no such file'}"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("--config", path, f"not TOML: {error}") from error
    return convert_table(table, Settings, str(path))


def kill_policy(settings: KillPolicy, then: str) -> KillPolicy:
    """Return the policy with the option's word in it, unless the option was not given.

    Raises ConfigError for a word that is none.
    """
    if then and then not in get_args(KillThen):
        raise ConfigError("--on-kill", then, f"one of {', '.join(get_args(KillThen))}")
    if not then:
        return settings
    return msgspec.convert({**msgspec.to_builtins(settings), "then": then}, KillPolicy)


def convert_table(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """Return a table of a file as a struct.

    Raises ConfigError naming `where`, the key and what the struct would accept.
    """
    check_keys(table, [field.name for field in msgspec.structs.fields(kind)], where)
    try:
        return msgspec.convert(dict(table), kind, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        key = path.rstrip("`")
        value = table.get(re.split(r"[.\[]", key)[0], "?")
        raise ConfigError(f"{where}, {key or 'the file'}", value, message) from error


def check_keys(table: Mapping[str, Any], valid: list[str], where: str) -> None:
    """Raise ConfigError for the first key that is not among the valid ones."""
    for key in table:
        if key not in valid:
            raise ConfigError(f"{where}, key", key, f"valid keys are {', '.join(valid)}")


def network_of(name: str, base_url: str) -> Network:
    """Return where to connect.

    Raises ConfigError for a network that does not exist, for a URL given to a public network, and
    for a local URL that is missing or leaves this machine.
    """
    if name not in get_args(NetworkName):
        raise ConfigError("--network", name, f"one of {', '.join(get_args(NetworkName))}")
    if name != "local":
        if base_url and base_url != NETWORKS[name]:
            raise ConfigError("--base-url", base_url, f"{name} is always {NETWORKS[name]}")
        public: NetworkName = "mainnet" if name == "mainnet" else "testnet"
        return Network(public, NETWORKS[name], is_mainnet=public == "mainnet")
    return Network("local", _loopback_url(base_url), is_mainnet=False)


def _loopback_url(base_url: str) -> str:
    valid = "local needs a loopback URL such as http://127.0.0.1:3001"
    try:
        parts = urlsplit(base_url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise ConfigError("--base-url", base_url, valid) from error
    is_plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if parts.scheme != "http" or not port or not is_plain or not _is_loopback(host):
        raise ConfigError("--base-url", base_url or "(nothing)", valid)
    return f"http://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_key(key_file: str) -> tuple[bytes, str]:
    """Return the 32 key bytes and where they came from ("environment" or the file's path).

    The environment variable goes first and is removed once read, so that no child inherits it.

    Raises ConfigError when there is no key, when it is malformed (saying only that), and when the
    file is a link, not ours, or readable by others.
    """
    from_environment = os.environ.pop(KEY_VARIABLE, None)
    if from_environment is not None:
        return _parse_key(from_environment, KEY_VARIABLE), "environment"
    if not key_file:
        valid = f"set {KEY_VARIABLE}, or name a file of mode 0600 with --key-file"
        raise ConfigError("key", "(none)", valid)
    return _parse_key(_read_private(Path(key_file).expanduser()), key_file), key_file


def _read_private(path: Path) -> str:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError("--key-file", path, error.strerror or "cannot be read") from error
    try:
        status = os.fstat(opened)
        is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if not is_ours or status.st_mode & 0o077:
            raise ConfigError("--key-file", path, "a regular file of ours with mode 0600")
        return os.read(opened, _KEY_FILE_BYTES_MAX).decode("ascii", errors="replace")
    finally:
        os.close(opened)


def _parse_key(text: str, where: str) -> bytes:
    stripped = text.strip()
    if not _KEY_TEXT.fullmatch(stripped):
        raise ConfigError(where, "(hidden)", "a key is 64 hexadecimal digits, with or without 0x")
    return bytes.fromhex(stripped.removeprefix("0x"))
