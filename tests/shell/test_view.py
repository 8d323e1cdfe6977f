"""The view and the summary say what the numbers say, on any terminal."""

import io

import pytest
from rich.console import Console

from hypermaker.core.actions import empty_actions
from hypermaker.core.events import Kind, Source, event
from hypermaker.core.units import NS_PER_S
from hypermaker.engine import step
from hypermaker.hyperliquid.assets import Asset
from hypermaker.shell.outcome import Outcome
from hypermaker.shell.report import report
from hypermaker.shell.view import ladder, market
from hypermaker.state import EngineConfig, initial_state
from hypermaker.summary import summarise

BTC = Asset("BTC", 0, 5, 40)
CONFIG = EngineConfig(
    coin="BTC", sz_decimals=5, position_limit_lots=2_000, position_limit_usd=2_000.0, quote_lots=50
)
QUIET = {
    "seconds": 10.0,
    "events": 500,
    "orders_placed": 20,
    "orders_cancelled": 20,
    "orders_refused": 0,
    "fills": 0,
    "volume_usd": 0.0,
    "pnl_usd": {"total": 0.0, "spread": 0.0, "adverse": 0.0},
    "position_engine": 0.0,
    "position_exchange": 0.0,
    "open_orders_at_exit": 0,
    "requests_used": 40,
    "max_abs_position": 0.0,
    "position_limit": 0.02,
    "unknown_outcomes": 0,
    "account_value_change_usd": 0.0,
    "identity_gap_usd": 0.0,
    "links_lost": 0,
    "contradictions": 0,
    "killed": "",
    "session": "/tmp/journal.hmj",
}


def test_few_fills_are_explained_not_hidden() -> None:
    text = report(Outcome(**QUIET), "BTC")  # type: ignore[arg-type]
    assert "0 fills" in text
    assert "few or no fills" in text
    assert "0.07 bps" in text


def test_nothing_quoted_is_explained_too() -> None:
    text = report(Outcome(**QUIET | {"orders_placed": 0}), "BTC")  # type: ignore[arg-type]
    assert "nothing was quoted" in text


def test_a_kill_and_unknown_outcomes_are_named() -> None:
    outcome = Outcome(**QUIET | {"killed": "stale_market", "unknown_outcomes": 3})  # type: ignore[arg-type]
    text = report(outcome, "BTC")
    assert "kill switch: stale_market" in text
    assert "3 orders had an unknown outcome" in text


@pytest.mark.parametrize(
    ("change", "clean"),
    [({}, True), ({"open_orders_at_exit": 1}, False), ({"position_exchange": 0.001}, False)],
)
def test_clean_means_nothing_open_and_one_position(change: dict[str, float], clean: bool) -> None:
    assert Outcome(**QUIET | change).is_clean is clean  # type: ignore[arg-type]


def drawn(*parts: object) -> str:
    """Return what a plain terminal of 100 columns would show."""
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=False)
    console.print(*parts)
    return out.getvalue()


def test_an_engine_that_has_heard_nothing_can_be_drawn() -> None:
    told = summarise(initial_state(CONFIG))
    assert "not quoting" in drawn(market(told, BTC))
    assert "our orders" in drawn(ladder(told, BTC))


def test_the_touch_is_drawn_in_dollars() -> None:
    state = initial_state(CONFIG)
    now_ns = 1_790_000_000 * NS_PER_S
    bbo = event(
        Kind.BBO,
        now_ns,
        now_ns,
        source=Source.BBO,
        bid_ticks=642_500,
        bid_lots=10,
        ask_ticks=642_600,
        ask_lots=10,
    )
    step(state, bbo, empty_actions())
    text = drawn(market(summarise(state), BTC))
    assert "64,250.0" in text
    assert "64,260.0" in text
    assert "1.56 bps" in text
