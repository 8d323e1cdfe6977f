"""Bad input is one clear line and exit status 2, before any socket opens."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hypermaker import __main__
from hypermaker.cli.replay import _names
from hypermaker.core.actions import ACTION, Ask
from hypermaker.errors import ConfigError, LinkError, TapeError, UnsafeExitError

KEY = "0x" + "5a" * 32


class Said:
    """What a command printed and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


Command = Callable[..., Said]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Run `hypermaker` with arguments, in this process."""
    monkeypatch.delenv("HYPERMAKER_KEY", raising=False)
    monkeypatch.setenv("HYPERMAKER_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hypermaker", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        told = capsys.readouterr()
        return Said(int(ended.value.code or 0), told.out, told.err)

    return run


def assert_one_line(said: Said, *words: str) -> None:
    """Exit status 2 and a single line on stderr that holds these words."""
    assert said.status == 2, said.err
    assert said.out == ""
    assert said.err.startswith("hypermaker: ")
    assert said.err.count("\n") == 1
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("network", ["testnet", "mainnet"])
def test_public_networks_need_a_key(command: Command, network: str) -> None:
    said = command("run", "--network", network, "--i-understand-real-money")
    assert_one_line(said, "HYPERMAKER_KEY", "--key-file")


def test_mainnet_needs_the_words(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """F68: and the key is not even read before."""
    monkeypatch.setenv("HYPERMAKER_KEY", KEY)
    assert_one_line(command("run", "--network", "mainnet"), "--i-understand-real-money")


def test_local_stays_on_this_machine(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERMAKER_KEY", KEY)
    said = command("run", "--network", "local", "--base-url", "http://example.test:80")
    assert_one_line(said, "loopback", "example.test")


def test_local_needs_a_url(command: Command) -> None:
    assert_one_line(command("run"), "--base-url", "loopback")


def test_a_network_that_does_not_exist(command: Command) -> None:
    assert_one_line(command("run", "--network", "devnet"), "local, testnet, mainnet")


def test_an_unknown_setting_names_the_valid_ones(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "maker.toml"
    path.write_text('network = "testnet"\n[engine]\nposition_limit = 5\n')
    said = command("run", "--config", str(path))
    assert_one_line(said, str(path), "position_limit", "position_limit_usd", "levels")
    path.write_text('netwrok = "testnet"\n')
    assert_one_line(command("run", "--config", str(path)), str(path), "netwrok", "network")


def test_a_malformed_key_is_not_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """S5."""
    monkeypatch.setenv("HYPERMAKER_KEY", KEY[:-3])
    said = command("run", "--network", "testnet")
    assert_one_line(said, "HYPERMAKER_KEY", "64 hexadecimal digits")
    assert "5a5a5a" not in said.err


def test_a_key_is_no_command_line_argument(command: Command) -> None:
    """S3: every user of the machine can read arguments."""
    said = command("run", "--key", KEY)
    assert said.status == 2
    assert "No such option" in said.err


def test_nothing_listening_is_said_in_a_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERMAKER_KEY", KEY)
    said = command("run", "--network", "local", "--base-url", "http://127.0.0.1:1")
    assert said.status == 1
    assert "http://127.0.0.1:1/info" in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


@pytest.mark.parametrize("content", [b"", b"PAR1nothing", b"HMJRNL1\n"])
def test_a_broken_journal(command: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.hmj").write_bytes(content)
    assert_one_line(command("replay", str(tmp_path)), str(tmp_path / "journal.hmj"))


def test_version_names_what_makes_the_machine_code(command: Command) -> None:
    said = command("version", "--json")
    assert said.status == 0
    facts = json.loads(said.out)
    assert set(facts) >= {"hypermaker", "python", "numpy", "numba", "kernels"}
    assert len(facts["kernels"]) == 16


def test_no_arguments_shows_what_there_is(command: Command) -> None:
    said = command("--help")
    for name in ("demo", "run", "exchange", "replay", "version"):
        assert name in said.out


def test_help_is_fast_because_the_engine_is_not_imported() -> None:
    """The command line itself imports neither numba nor aiohttp."""
    code = (
        "import sys; import hypermaker.cli.app; "
        "print([m for m in ('numba', 'numpy', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_exit_status_tells_what_kind_of_failure() -> None:
    assert __main__.exit_status(ConfigError("a", "b", "c")) == 2
    assert __main__.exit_status(TapeError("a", "b")) == 2
    assert __main__.exit_status(LinkError("a")) == 1
    assert __main__.exit_status(UnsafeExitError("a")) == 3


def test_a_difference_is_shown_in_words() -> None:
    made = np.zeros(1, ACTION)
    made["kind"], made["order_seq"], made["size_lots"] = Ask.PLACE, 7, 12
    made["price_ticks"] = 642_500
    assert _names(made) == "PLACE #7 12 @ 642500"
    assert _names(made[:0]) == "nothing"
