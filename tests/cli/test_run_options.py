"""What `hypermaker run` is told about risk, by options and by a file, before a socket opens."""

from pathlib import Path

import pytest
import typer

from hypermaker.cli.run import finish, prepare
from hypermaker.config import KillPolicy
from hypermaker.errors import ConfigError
from hypermaker.shell.outcome import Outcome
from tests.shell.test_view import QUIET

KEY = "5a" * 32
LOCAL = {"network": "local", "base_url": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key to sign with."""
    monkeypatch.setenv("HYPERMAKER_KEY", KEY)


def settings(folder: Path, text: str) -> Path:
    """Return a settings file."""
    path = folder / "maker.toml"
    path.write_text(text)
    return path


def test_the_end_after_a_kill_is_chosen_in_the_file(tmp_path: Path) -> None:
    path = settings(tmp_path, '[on_kill]\nthen = "ioc"\nband_bps = 20\nseconds = 5\n')
    plan, _ = prepare(LOCAL, path, seconds=None, is_real_money=False)
    assert plan.on_kill == KillPolicy("ioc", 20.0, 5.0)


def test_the_option_wins_and_keeps_the_rest(tmp_path: Path) -> None:
    path = settings(tmp_path, '[on_kill]\nthen = "ioc"\nband_bps = 20\nseconds = 5\n')
    plan, _ = prepare(LOCAL | {"on_kill": "hold"}, path, seconds=None, is_real_money=False)
    assert plan.on_kill == KillPolicy("hold", 20.0, 5.0)


def test_limits_of_the_risk_page_reach_the_engine(tmp_path: Path) -> None:
    path = settings(tmp_path, "[risk]\nloss_usd_max = 200\n[engine.risk]\ndrawdown_max = 0.02\n")
    plan, _ = prepare(LOCAL, path, seconds=None, is_real_money=False)
    assert plan.wishes["risk"] == {"loss_usd_max": 200.0, "drawdown_max": 0.02}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[on_kill]\nthen = "panic"\n', ("on_kill.then", "panic")),
        ("[on_kill]\nband_bps = 0\n", ("band_bps", "0")),
        ("[on_kill]\nseconds = -1\n", ("seconds", "-1")),
        ("[on_kill]\nsecond = 1\n", ("second",)),
        ("[risk]\nloss_usd = 5\n", ("loss_usd", "loss_usd_max")),
        ("[risk]\nloss_usd_max = 'x'\n", ("loss_usd_max",)),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        prepare(LOCAL, settings(tmp_path, text), seconds=None, is_real_money=False)
    said = str(refused.value)
    assert all(word in said for word in words), said
    assert "\n" not in said


def test_a_word_that_is_no_policy_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match="hold, passive, ioc"):
        prepare(LOCAL | {"on_kill": "sell"}, None, seconds=None, is_real_money=False)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"open_orders_at_exit": 1, "killed": "loss"}, 3),
        ({"position_exchange": 0.1, "killed": "loss"}, 1),
        ({"killed": "loss"}, 4),
    ],
)
def test_the_exit_status_names_the_worst(change: dict[str, object], status: int) -> None:
    """T-60: orders that rest are worse than books that differ, those worse than a kill."""
    with pytest.raises(typer.Exit) as ended:
        finish(Outcome(**QUIET | change), "BTC", as_json=True)  # type: ignore[arg-type]
    assert ended.value.exit_code == status


@pytest.mark.parametrize("change", [{}, {"open_orders_at_exit": 2, "is_dry": True}])
def test_a_good_end_is_no_failure(change: dict[str, object]) -> None:
    finish(Outcome(**QUIET | change), "BTC", as_json=True)  # type: ignore[arg-type]
