"""`hypermaker reset`: a person opens the latch, with a reason that is kept."""

import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from hypermaker import __main__
from hypermaker.risk.kept import Kept
from hypermaker.risk.kill_switch import KillReason
from hypermaker.shell.memory import Memory, claimed, load, save, state_folder

ONE, TWO = "0x" + "11" * 20, "0x" + "22" * 20
KILLED = Kept(reason=KillReason.LOSS, reasons=2, killed_ns=10**18, day_equity_usd=5.0, day=3)
BTC = Memory("local", ONE, "BTC", KILLED, last_nonce=77)
ETH = Memory("testnet", TWO, "ETH", KILLED)
CALM = Memory("local", ONE, "SOL")


class Said(NamedTuple):
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """State of three coins, two of them stopped."""
    monkeypatch.setenv("HYPERMAKER_HOME", str(tmp_path))
    state_folder().mkdir()
    for memory in (BTC, ETH, CALM):
        save(memory)
    return tmp_path


def reset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> Said:
    """Run the command in this process."""
    monkeypatch.setattr(sys, "argv", ["hypermaker", "reset", *arguments])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    told = capsys.readouterr()
    return Said(int(ended.value.code or 0), told.out, told.err)


def test_it_opens_one_latch_and_keeps_why(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """T-58: the day's figures go with it, the nonce stays, and the log says who, when and why."""
    said = reset(monkeypatch, capsys, "--asset", "BTC", "--reason", "feed was broken, mended")
    assert said.status == 0
    assert "BTC" in said.out and "loss" in said.out
    assert load(BTC) == msgspec.structs.replace(BTC, kept=Kept())
    assert load(ETH).kept == KILLED
    log = home / "resets.log"
    (line,) = log.read_text().splitlines()
    assert line.endswith(f"local {ONE} BTC loss: feed was broken, mended")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_opens(
    reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = reset(monkeypatch, capsys, "--asset", "BTC", "--reason", reason)
    assert said.status == 2
    assert "--reason" in said.err and said.err.count("\n") == 1
    assert load(BTC).kept == KILLED


def test_several_latches_are_named_and_none_is_guessed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = reset(monkeypatch, capsys, "--reason", "why not")
    assert said.status == 2
    assert f"BTC of {ONE} on local" in said.err and f"ETH of {TWO} on testnet" in said.err
    assert load(BTC).kept == load(ETH).kept == KILLED


def test_the_account_may_be_written_in_any_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = reset(monkeypatch, capsys, "--account", TWO.upper().replace("X", "x"), "--reason", "ok")
    assert said.status == 0
    assert not load(ETH).kept.is_killed


@pytest.mark.parametrize("asset", ["SOL", "DOGE"])
def test_what_has_not_fired_cannot_be_opened(
    asset: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reset(monkeypatch, capsys, "--asset", asset, "--reason", "ok").status == 2


def test_a_running_session_keeps_its_latch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A session that is still cancelling is not opened under its feet."""
    with claimed(BTC):
        said = reset(monkeypatch, capsys, "--asset", "BTC", "--reason", "ok")
    assert said.status == 2
    assert str(os.getpid()) in said.err
    assert load(BTC).kept == KILLED


def test_the_file_is_private_and_replaced_whole(home: Path) -> None:
    """Mode 0600, nothing half-written beside it, and what is read is what was kept."""
    assert stat.S_IMODE(BTC.path.stat().st_mode) == 0o600
    assert load(BTC) == BTC
    assert not list(state_folder().glob("*.part"))
    strange = msgspec.structs.replace(BTC, asset="xyz:../../etc")
    assert strange.path.parent == state_folder()
