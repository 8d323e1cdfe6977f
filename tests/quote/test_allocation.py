"""One margin budget for both sides, one budget across independent levels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hypermaker.quote.allocation import Binding, most_lots, share_margin, water_fill


def test_water_filling_across_levels(case: Callable[[str], dict[str, Any]]) -> None:
    """LAD-2."""
    one = case("LAD-2")
    inputs, want = one["inputs"], one["expected"]
    sizes, nu = water_fill(
        inputs["fill_intensity"], inputs["edge"], risk=inputs["risk_rho"], budget=inputs["budget"]
    )
    assert nu == pytest.approx(want["multiplier"], abs=1e-6)
    assert sizes == pytest.approx(want["sizes"], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    levels=st.lists(st.tuples(st.floats(0.1, 2.0), st.floats(0.2, 5.0)), min_size=1, max_size=5),
    risk=st.floats(0.05, 1.0),
    budget=st.floats(1.0, 40.0),
)
def test_water_filling_is_the_optimum(
    levels: list[tuple[float, float]], risk: float, budget: float
) -> None:
    """Against a general constrained optimiser that knows nothing of multipliers."""
    rates, edges = zip(*levels, strict=True)

    def value(sizes: Any) -> float:
        return float(np.dot(rates, np.multiply(edges, sizes) - 0.5 * risk * np.square(sizes)))

    sizes, _ = water_fill(rates, edges, risk=risk, budget=budget)
    found = minimize(
        lambda s: -value(s),
        np.full(len(levels), budget / len(levels) / 2.0),
        method="SLSQP",
        bounds=[(0.0, None)] * len(levels),
        constraints={"type": "ineq", "fun": lambda s: budget - s.sum()},
    )
    assert sum(sizes) <= budget * (1.0 + 1e-9)
    assert value(sizes) >= -found.fun - 1e-5 * max(1.0, abs(found.fun))


def test_levels_that_lose_get_nothing() -> None:
    """T-37, corrected: a level without edge has no size, and idle budget has no price."""
    assert water_fill([1.0, 2.0], [-1.0, -0.1], risk=0.1, budget=5.0) == ([0.0, 0.0], 0.0)


@settings(max_examples=300, deadline=None)
@given(
    position=st.integers(-1000, 1000),
    bid=st.integers(0, 2000),
    ask=st.integers(0, 2000),
    margin=st.integers(-10, 3000),
)
def test_both_sides_share_one_margin(position: int, bid: int, ask: int, margin: int) -> None:
    """T-35: what adds on both sides together fits; T-33: what reduces is never cut."""
    bids, asks = share_margin(position, bid, ask, margin)
    bid_adds = max(bids - max(-position, 0), 0)
    ask_adds = max(asks - max(position, 0), 0)
    assert 0 <= bids <= bid and 0 <= asks <= ask
    assert bid_adds + ask_adds <= max(margin, 0)
    assert bids >= min(bid, max(-position, 0)) and asks >= min(ask, max(position, 0))
    wanted = max(bid - max(-position, 0), 0) + max(ask - max(position, 0), 0)
    assert bid_adds + ask_adds == min(wanted, max(margin, 0))


def test_margin_of_the_incident_is_not_spent_twice() -> None:
    """T-35: 397.49 USD at 10x and 27.11 a coin carries 146.6 coins, not 146.6 a side."""
    carries = int(397.49 * 10 / 27.11 * 10)  # lots of 0.1
    bids, asks = share_margin(0, 5000, 5000, carries)
    assert bids + asks == carries == 1466


def test_which_limit_binds() -> None:
    """T-36."""
    assert most_lots(50.0 * 10 / 100, 10.0) == (5.0, Binding.MARGIN)
    assert most_lots(10_000.0 * 10 / 100, 0.1) == (0.1, Binding.POSITION)
    assert most_lots(0.0, 0.0) == (0.0, Binding.NONE)
