"""Adverse selection that falls with depth: the coin still stands where it earns most."""

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermaker.quote.adverse import epsilon_at, relief_bps, spread_capture_bps


@settings(max_examples=150, deadline=None)
@given(
    epsilon=st.floats(0.0, 10.0),
    decay=st.floats(2.0, 50.0),
    kappa=st.floats(0.05, 1.0),
    inventory=st.floats(-2.0, 20.0),
)
def test_depth_is_where_a_coin_earns_most(
    epsilon: float, decay: float, kappa: float, inventory: float
) -> None:
    """Against the maximum of exp(-kappa*x)*(x - c - eps(x) - p) on a fine grid."""
    rest = 1.0 / kappa + 1.5 + inventory
    at = epsilon_at(epsilon, decay, kappa, rest)
    ours = rest + at + relief_bps(at, decay, kappa)
    grid = np.linspace(ours - 3.0 / kappa, ours + 3.0 / kappa, 20_001)
    edge = grid - 1.5 - inventory - epsilon * np.exp(-grid / decay)
    gain = np.exp(-kappa * (grid - ours)) * edge
    assert grid[np.argmax(gain)] == pytest.approx(ours, abs=2.0 * (grid[1] - grid[0]))


def test_cost_at_the_quoted_depth_solves_its_own_equation() -> None:
    for epsilon, decay, kappa, rest in ((3.0, 8.0, 0.25, 6.0), (10.0, 2.0, 1.0, 0.1)):
        at = epsilon_at(epsilon, decay, kappa, rest)
        depth = rest + at + relief_bps(at, decay, kappa)
        assert at == pytest.approx(epsilon * exp(-depth / decay), rel=1e-9)


def test_no_decay_is_the_same_cost_everywhere() -> None:
    assert epsilon_at(0.7, 0.0, 0.25, 6.0) == 0.7
    assert relief_bps(0.7, 0.0, 0.25) == 0.0


def test_what_a_fill_earns_by_depth() -> None:
    """T-43: eps 5 bps at depth 0 falling over 10 bps, fee 0.5."""
    assert spread_capture_bps(2.0, 5.0, 10.0, 0.5) == pytest.approx(-2.594, abs=1e-3)
    assert spread_capture_bps(20.0, 5.0, 10.0, 0.5) > 15.0
    assert spread_capture_bps(10.0, 0.0, 10.0, 0.5) == 9.5
