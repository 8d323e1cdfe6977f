"""Settings that a trader can make, check and read, and that `run` takes as they are."""

import io
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hypermaker import __main__
from hypermaker.config import load_settings
from hypermaker.proposal import TASTES, Wish, propose
from hypermaker.shell.startup import check_wishes
from hypermaker.state import config_for, gamma_of

KEY = "5a" * 32
SMALL = ("--asset", "WLFI", "--touch-half-spread-bps", "8")


class Told:
    """What a command printed and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


Command = Callable[..., Told]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Run `hypermaker config` with arguments, in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPERMAKER_KEY", raising=False)

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["hypermaker", "config", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        said = capsys.readouterr()
        return Told(int(ended.value.code or 0), said.out, said.err)

    return run


def assert_one_line(said: Told, *words: str) -> None:
    """Exit status 2 and a last line on stderr that holds these words."""
    assert said.status == 2
    assert said.err.startswith("hypermaker: ") and said.err.count("\n") == 1
    for word in words:
        assert word in said.err, said.err


def test_init_writes_what_run_takes(command: Command) -> None:
    """The file parses strictly, passes every check of a session, and means what was shown."""
    said = command("init", *SMALL, "--capital-usd", "10000", "--risk", "low", "--yes", "--json")
    assert said.status == 0, said.err
    shown = json.loads(said.out)
    settings = load_settings(Path("maker.toml"))
    check_wishes(settings.engine, "maker.toml")
    config = config_for("WLFI", sz_decimals=0, price_usd=0.2, wishes=settings.engine)
    assert config.position_limit_usd == pytest.approx(shown["position_limit_usd"], abs=0.01)
    assert config.quote_lots * 0.2 == pytest.approx(shown["quote_usd"], rel=0.01)
    assert config.skew_bps_at_limit == pytest.approx(shown["skew_bps_at_limit"], abs=1e-4)
    assert gamma_of(config) > 0.0
    assert command("check", "maker.toml").status == 0


def test_btc_at_base_fees_is_refused_at_the_touch_unless_told_otherwise(command: Command) -> None:
    """Issue 4, item 4: fee and adverse selection leave no edge there."""
    arguments = ("init", "--asset", "BTC", "--capital-usd", "1000", "--yes")
    said = command(*arguments)
    assert_one_line(said, "BTC", "--anyway")
    assert not Path("maker.toml").exists()
    assert command(*arguments, "--anyway").status == 0
    assert Path("maker.toml").exists()
    rebate = ("--maker-fee-bps", "-1.0", "--epsilon-bps", "0.5", "--out", "rebate.toml")
    assert command(*arguments, *rebate).status == 0


def test_a_file_is_never_overwritten_by_mistake(command: Command) -> None:
    Path("maker.toml").write_text("mine\n")
    arguments = ("init", *SMALL, "--capital-usd", "1000", "--yes")
    assert_one_line(command(*arguments), "maker.toml", "--force")
    assert Path("maker.toml").read_text() == "mine\n"
    assert command(*arguments, "--force").status == 0
    assert load_settings(Path("maker.toml")).asset == "WLFI"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--capital-usd",)),
        (("--capital-usd", "1"), ("--capital-usd", "at least")),
        (("--capital-usd", "nan"), ("--capital-usd",)),
        (("--capital-usd", "-5"), ("--capital-usd",)),
        (("--capital-usd", "1000", "--risk", "mad"), ("--risk", "low, medium, high")),
        (("--capital-usd", "1000", "--position-limit-usd", "5"), ("--position-limit-usd",)),
        (("--capital-usd", "1000", "--position-limit-usd", "9999"), ("2500.00",)),
        (("--capital-usd", "1000", "--epsilon-bps", "-1"), ("--epsilon-bps",)),
        (("--capital-usd", "1000", "--network", "moon"), ("maker.toml", "network", "moon")),
        (("--capital-usd", "1000", "--out", "none/maker.toml"), ("--out", "none/maker.toml")),
    ],
)
def test_what_cannot_be_is_one_line(
    command: Command, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """T-80."""
    said = command("init", *SMALL, "--yes", "--json", *arguments)
    assert_one_line(said, *words)
    assert not Path("maker.toml").exists()


class Terminal(io.StringIO):
    """A keyboard with the answers typed already."""

    def isatty(self) -> bool:
        """Say that a person is there."""
        return True


def test_on_a_terminal_it_asks(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Perpetual, capital, taste, largest position, and whether to write."""
    monkeypatch.setattr(sys, "stdin", Terminal("WLFI\n5000\nhigh\n800\ny\n"))
    said = command("init", "--touch-half-spread-bps", "8")
    assert said.status == 0, said.err
    settings = load_settings(Path("maker.toml"))
    assert settings.asset == "WLFI" and settings.engine["position_limit_usd"] == 800.0
    for words in ("half-spread", "skew", "turnover time", "one s.d.", "size of a quote"):
        assert words in said.out
    monkeypatch.setattr(sys, "stdin", Terminal("SOL\n5000\nlow\n0\nn\n"))
    assert command("init", "--anyway", "--out", "other.toml").status == 0
    assert not Path("other.toml").exists()


@pytest.mark.parametrize("capital_usd", [100.0, 1_000.0, 100_000.0])
def test_more_taste_is_more_position_and_less_skew(capital_usd: float) -> None:
    """Sizes scale with capital; each step of taste leans less and holds more."""
    made = [propose(Wish(asset="SOL", capital_usd=capital_usd, risk=name)) for name in TASTES]
    much = 10 * capital_usd
    again = [propose(Wish(asset="SOL", capital_usd=much, risk=name)) for name in TASTES]
    for low, high in itertools.pairwise(made):
        assert high.position_limit_usd > low.position_limit_usd
        assert high.inventory_deviation_usd > low.inventory_deviation_usd
        assert high.turnover_s > low.turnover_s
    for one, ten in zip(made, again, strict=True):
        assert ten.position_limit_usd == pytest.approx(10 * one.position_limit_usd)
        assert one.half_spread_bps > one.cost_bps


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("assset = 'BTC'\n", ("maker.toml", "assset", "asset")),
        ("[engine]\nposition_limit = 5\n", ("maker.toml", "position_limit", "position_limit_usd")),
        ("[engine]\nposition_limit_usd = -5\n", ("maker.toml", "position_limit_usd", "-5")),
        ("[engine]\nlevels = 'many'\n", ("maker.toml",)),
        ("[engine]\nlevels = 99\n", ("maker.toml", "levels", "99")),
        ("[risk]\nloss_usd = 5\n", ("maker.toml", "loss_usd", "loss_usd_max")),
        ("strategy = 'none'\n", ("none", "glft")),
        ("network = 'local'\nbase_url = 'http://example.test:1'\n", ("loopback",)),
    ],
)
def test_check_names_file_key_and_valid_keys(
    command: Command, text: str, words: tuple[str, ...]
) -> None:
    """T-80, F68."""
    Path("maker.toml").write_text(text)
    assert_one_line(command("check", "maker.toml"), *words)


def test_a_missing_file_is_one_line(command: Command) -> None:
    """T-80."""
    assert_one_line(command("check", "gone.toml"), "gone.toml")


def test_effective_values_are_shown_without_secrets(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-80, S5: defaults included; of a key only whether there is one."""
    monkeypatch.setenv("HYPERMAKER_KEY", KEY)
    Path("maker.toml").write_text("asset = 'SOL'\n[engine]\nlevels = 3\n[risk]\nloss_usd_max = 7\n")
    told = json.loads(command("show", "maker.toml", "--json").out)
    assert told["asset"] == "SOL" and told["engine"]["levels"] == 3
    assert told["risk"]["loss_usd_max"] == 7 and told["risk"]["drawdown_max"] > 0
    assert told["engine"]["kappa_prior_per_bps"] == 0.5 and told["key_in_environment"] is True
    plain = command("show", "maker.toml").out + command("show").out
    assert "levels = 3" in plain and "levels = 4" in plain
    assert KEY[:8] not in plain and KEY[:8] not in json.dumps(told)
