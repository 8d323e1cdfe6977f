"""Regimes with dwell and hysteresis, on a baseline that does not chase what it is compared with."""

from typing import Any

import numpy as np

from hypermaker.estimate import regime

S = 1_000_000_000


def settled(sigma: float = 1.0) -> Any:
    """Return a record with a baseline, and the time it ends at in since_ns' unit."""
    array = np.zeros(1, regime.REGIME)
    regime.reset(array[0])
    feed(array[0], [sigma] * 100)
    return array[0]


def feed(rec: Any, sigmas: Any, jump_z: float = 0.0, step_s: int = 1) -> list[int]:
    """Feed readings a step apart and return the states."""
    start = int(rec.last_ns) or S
    return [
        regime.update(rec, start + (i + 1) * step_s * S, float(s), jump_z)
        for i, s in enumerate(sigmas)
    ]


def test_five_confirmations_make_a_regime() -> None:
    """T-86: four updates at 2x baseline -> still normal, the fifth -> high."""
    assert feed(settled(), [2.0] * 5) == [regime.NORMAL] * 4 + [regime.HIGH]


def test_an_interruption_starts_the_count_again() -> None:
    """T-86."""
    rec = settled()
    feed(rec, [2.0] * 4 + [1.0])
    assert feed(rec, [2.0] * 5) == [regime.NORMAL] * 4 + [regime.HIGH]


def test_jumps_are_extreme_by_their_statistic() -> None:
    """T-86, changed: five readings with a jump statistic above 4, not a ratio above 3."""
    assert feed(settled(), [1.0] * 5, jump_z=4.5)[-1] == regime.EXTREME
    assert feed(settled(), [1.0] * 50, jump_z=3.1)[-1] == regime.NORMAL
    assert feed(settled(), [1.0] * 50, jump_z=float("nan"))[-1] == regime.NORMAL
    assert feed(settled(), [3.2] * 5)[-1] == regime.EXTREME
    assert feed(settled(), [0.4] * 5)[-1] == regime.LOW


def test_the_baseline_does_not_follow_a_short_regime() -> None:
    """T-86 C, F-34: 50 minutes at 2.5 times the baseline leave it where it was."""
    rec = settled()
    feed(rec, [2.5] * 4)
    before = regime.baseline_sigma(rec)
    feed(rec, [2.5] * 3_000)
    assert regime.state(rec) == regime.HIGH
    assert abs(regime.baseline_sigma(rec) / before - 1) < 0.01


def test_a_regime_that_lasts_becomes_the_normal_one() -> None:
    """After the declared hour the baseline learns again."""
    rec = settled()
    feed(rec, [2.5] * 20_000)
    assert regime.state(rec) == regime.NORMAL
    assert 1.6 < regime.baseline_sigma(rec) < 2.5


def test_noise_at_a_threshold_does_not_flap() -> None:
    """F-37: two hours of noise around 1.5 times the baseline: a handful of changes, not 90."""
    rng = np.random.default_rng(1)
    rec = settled()
    feed(rec, 1.45 + 0.15 * rng.normal(size=7_200))
    assert rec.changes <= 12


def test_the_way_down_waits() -> None:
    """A minute's dwell: thirty calm readings after a burst are still high, seventy are normal."""
    rec = settled()
    feed(rec, [2.0] * 6)
    assert feed(rec, [1.0] * 30)[-1] == regime.HIGH
    assert feed(rec, [1.0] * 40)[-1] == regime.NORMAL


def test_without_a_baseline_everything_is_normal() -> None:
    """Absent is not stale: the first minute compares with nothing, and says so."""
    array = np.zeros(1, regime.REGIME)
    regime.reset(array[0])
    assert feed(array[0], [1.0] * 30 + [9.0] * 20)[-1] == regime.NORMAL
    assert not regime.ready(array[0])
