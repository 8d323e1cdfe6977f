"""The additive premium: every signal widens, each within its cap, and never the reducing side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.core.market import PREMIUMS, Premium
from hypermaker.quote import premium

Make = Callable[..., Any]

CALM = {
    "requote_s": 0.5,
    "kappa_ratio": 0.0,
    "sigma_ratio": 0.0,
    "epsilon_stderr_bps": 0.0,
    "age_ms": 100.0,
    "fresh_ms": 500.0,
    "severity": 0.0,
    "direction": 0,
    "toxicity": 0.0,
    "budget_share": 1.0,
}


def composed(market: Any, **changes: float) -> Any:
    """Write the premium of these signals into a market, with the default caps."""
    signals = np.zeros(1, premium.SIGNALS)[0]
    for name, value in (CALM | changes).items():
        signals[name] = value
    caps = np.zeros(1, premium.CAPS)[0]
    premium.default_caps(caps)
    premium.compose(market, signals, caps)
    return market


def test_calm_markets_pay_no_premium(market: Make) -> None:
    one = composed(market())
    assert (one.premium_bid_bps == 0.0).all() and (one.premium_ask_bps == 0.0).all()


@pytest.mark.parametrize(
    ("changes", "term"),
    [
        ({"requote_s": 20.0}, Premium.VOLATILITY),
        ({"kappa_ratio": 0.3}, Premium.UNCERTAINTY),
        ({"sigma_ratio": 0.5}, Premium.UNCERTAINTY),
        ({"epsilon_stderr_bps": 0.7}, Premium.UNCERTAINTY),
        ({"age_ms": 4000.0}, Premium.STALENESS),
        ({"severity": 0.5}, Premium.CASCADE),
        ({"toxicity": 0.4}, Premium.TOXICITY),
        ({"budget_share": 0.2}, Premium.BUDGET),
        ({"risk_bid_bps": 2.0, "risk_ask_bps": 2.0}, Premium.RISK),
    ],
)
def test_each_signal_alone_moves_the_final_orders_out(
    market: Make, quoted: Make, sides: Make, changes: dict[str, float], term: Premium
) -> None:
    """T-53: only that input changes, its term explains the move, and the orders stand further."""
    before = sides(quoted(market()))
    one = composed(market(), **changes)
    after = sides(quoted(one))
    for terms in (one.premium_bid_bps, one.premium_ask_bps):
        assert terms[term] > 0.0
        assert terms.sum() == terms[term]
    assert after[0][0].price_ticks < before[0][0].price_ticks
    assert after[1][0].price_ticks > before[1][0].price_ticks


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["toxicity", "severity", "age_ms", "kappa_ratio", "sigma_bps"]),
    low=st.floats(0.0, 30.0),
    more=st.floats(0.0, 30.0),
    sigma=st.floats(0.1, 30.0),
)
def test_rising_danger_never_narrows_the_half_spread(
    market: Make, quoted: Make, sides: Make, name: str, low: float, more: float, sigma: float
) -> None:
    """T-49: toxicity, cascade, staleness, doubt or volatility up: flat bid and ask never nearer."""

    def half_spread(level: float) -> float:
        if name == "sigma_bps":
            one = composed(market(sigma_bps=level + 0.1))
        else:
            scale = 1000.0 if name == "age_ms" else 0.05
            one = composed(market(sigma_bps=sigma), **{name: level * scale})
        bids, asks = sides(quoted(one, raw=True))
        return float(asks[0].raw_ticks - bids[0].raw_ticks)

    assert half_spread(low + more) >= half_spread(low) * (1.0 - 1e-12)


@settings(max_examples=200, deadline=None)
@given(
    signals=st.fixed_dictionaries(
        {
            name: st.one_of(st.floats(-1.0, 1e4), st.just(np.nan), st.just(np.inf))
            for name in CALM
            if name not in ("direction", "fresh_ms")
        }
    ),
    direction=st.sampled_from([-1, 0, 1]),
    held=st.integers(-9000, 9000),
)
def test_total_is_a_capped_sum_of_capped_terms(
    market: Make, signals: dict[str, float], direction: int, held: int
) -> None:
    """T-49: any total is a capped sum; what is not a number counts as the worst, within the cap."""
    one = composed(market(position_lots=held), **(signals | {"direction": direction}))
    for terms in (one.premium_bid_bps, one.premium_ask_bps):
        assert (terms >= 0.0).all()
        assert (terms <= np.array(premium.CAPS_BPS_DEFAULT)).all()
        assert terms.sum() <= premium.TOTAL_BPS_DEFAULT * (1.0 + 1e-12)
    if np.isnan(signals["toxicity"]) and signals["severity"] < 0.1 and signals["requote_s"] < 1.0:
        assert one.premium_bid_bps[Premium.TOXICITY] > 0.0


def test_the_last_terms_give_way_when_the_total_is_full(market: Make) -> None:
    one = composed(market(), requote_s=1e4, kappa_ratio=9.0, age_ms=1e7, severity=1.0, toxicity=1.0)
    assert list(one.premium_bid_bps) == [30.0, 10.0, 30.0, 10.0, 0.0, 0.0, 0.0]
    assert len(one.premium_bid_bps) == PREMIUMS


@pytest.mark.parametrize(
    ("direction", "bid", "ask"), [(-1, 20.0, 0.0), (1, 0.0, 20.0), (0, 20.0, 20.0)]
)
def test_cascade_widens_the_endangered_side(
    market: Make, direction: int, bid: float, ask: float
) -> None:
    one = composed(market(), severity=0.5, direction=direction)
    assert one.premium_bid_bps[Premium.CASCADE] == bid
    assert one.premium_ask_bps[Premium.CASCADE] == ask


@pytest.mark.parametrize("direction", [-1, 0, 1])
def test_cascade_never_widens_the_side_that_reduces(market: Make, direction: int) -> None:
    long = composed(market(position_lots=500), severity=1.0, direction=direction)
    short = composed(market(position_lots=-500), severity=1.0, direction=direction)
    assert long.premium_ask_bps[Premium.CASCADE] == 0.0
    assert short.premium_bid_bps[Premium.CASCADE] == 0.0


def test_quotes_cover_twice_the_expected_move_of_an_interval(
    market: Make, quoted: Make, sides: Make
) -> None:
    """T-52: half-spread >= 2 * E|move| per requote interval, wherever the cap allows."""
    for sigma in (0.5, 2.0, 5.0, 15.0):
        one = composed(market(sigma_bps=sigma, gamma=1e-12), requote_s=1.0)
        expected_move = np.abs(np.random.default_rng(1).normal(0.0, sigma, 400_000)).mean()
        for side in sides(quoted(one, raw=True)):
            assert side[0].terms_bps.sum() >= 2.0 * expected_move * 0.995


def test_gamma_is_not_the_way_to_widen(market: Make, quoted: Make, sides: Make) -> None:
    """No premium term reads gamma: the same premium at any risk aversion."""
    one = composed(market(gamma=1e-6), severity=0.7, toxicity=0.3)
    other = composed(market(gamma=1e-2), severity=0.7, toxicity=0.3)
    assert list(one.premium_bid_bps) == list(other.premium_bid_bps)
