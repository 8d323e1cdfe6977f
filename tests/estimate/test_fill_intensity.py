"""How often the market reaches a depth: the reference's numbers, recovery, saturation, priors."""

import math
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import fill_intensity as fi
from hypermaker.estimate.depth_counts import fit_counts, fit_logs
from tests.estimate.loops import feed_trades
from tests.estimate.simulate import taker_orders

Cases = dict[str, dict[str, Any]]
S = 1_000_000_000


def fresh(a: float = 1.0, kappa: float = 0.5, n: float = 10.0, *, tau_s: float = 1e9) -> Any:
    """Return a reset record that hardly forgets."""
    array = np.zeros(1, fi.FILL_INTENSITY)
    fi.reset(array[0], a, kappa, n)
    fi.set_memory(array[0], tau_s, 0.0, 5.0)
    return array[0]


def feed(rec: Any, times_s: Any, sides: Any, depths: Any) -> None:
    """Feed orders of one print and bring the estimate up to date."""
    at_ns = S + (np.asarray(times_s) * 1e9).astype(np.int64)
    fi.elapse(rec, S)
    feed_trades(rec, at_ns, np.asarray(sides), np.asarray(depths, float), np.ones(len(at_ns)))
    fi.elapse(rec, int(at_ns[-1]) + S)
    fi.refresh(rec)


def counts(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case's table."""
    g = case["inputs"]
    return {
        "depths": np.array(g["depth"]),
        "hits": np.array(g["hits"], float),
        "seconds": np.array(g["time_at_risk_s"]),
    }


def test_counts_and_exposure_of_the_reference(cases: Cases) -> None:
    """INT-1: Poisson likelihood and the weighted line through the logs."""
    case = cases["INT-1"]
    mle, wls, expected = fit_counts(**counts(case)), fit_logs(**counts(case)), case["expected"]
    assert mle.a == pytest.approx(expected["mle_A"], rel=1e-7)
    assert mle.kappa == pytest.approx(expected["mle_k"], rel=1e-7)
    assert mle.a_se == pytest.approx(expected["se_A"], rel=1e-7)
    assert mle.kappa_se == pytest.approx(expected["se_k"], rel=1e-7)
    assert wls.a == pytest.approx(expected["wls_A"], rel=1e-7)
    assert wls.kappa == pytest.approx(expected["wls_k"], rel=1e-7)


def test_a_table_with_one_depth_names_no_decay() -> None:
    """Property (l)."""
    with pytest.raises(ValueError, match="two depths"):
        fit_counts(depths=np.array([1.0, 2.0]), hits=np.array([5.0, 0.0]), seconds=np.ones(2))


def test_interval_saturation(cases: Cases) -> None:
    """INT-2: -ln(1-p)/dt; when every interval is hit there is no upper bound."""
    case = cases["INT-2"]
    g = case["inputs"]
    value = fi.unsaturated_per_s(g["intervals_with_hit"], g["intervals"], g["dt"])
    assert value == pytest.approx(case["expected"]["corrected_per_s"], rel=1e-10)
    assert fi.unsaturated_per_s(10.0, 10.0, 0.1) == math.inf


def test_blocks_that_hide_orders_are_corrected() -> None:
    """INT-2 live: at 5 orders a second and side, blocks of 100 ms hide a fifth of them."""
    times, sides, depths = taker_orders((5.0, 5.0), 0.4, 3_000.0, 4)
    blocks = np.floor(times * 10) / 10
    naive, mended = fresh(5.0, 0.4), fresh(5.0, 0.4)
    fi.set_memory(mended, 1e9, 0.1, 5.0)
    for rec in (naive, mended):
        feed(rec, blocks, sides, depths)
    assert fi.rate_per_s(naive, 1, 1.0) < 0.92 * 5.0 * math.exp(-0.4)
    assert fi.rate_per_s(mended, 1, 1.0) == pytest.approx(5.0 * math.exp(-0.4), rel=0.02)
    assert fi.kappa_per_bps(mended) == pytest.approx(0.4, rel=0.02)


def test_a_wide_touch_hides_nothing_that_could_not_be_reached() -> None:
    """INT-2 behind a wide touch: bins inside it have no exposure, and none is taken from them."""
    times, sides, depths = taker_orders((6.0, 6.0), 0.58, 3_000.0, 7)
    seen = depths > 4.5
    rec = fresh(6.0, 0.58)
    fi.set_memory(rec, 1e9, 0.07, 5.0)
    fi.see_touch(rec, 0, 4.5)
    feed(rec, np.floor(times[seen] / 0.07) * 0.07, sides[seen], depths[seen])
    for side in (-1, 1):
        assert fi.a_per_s(rec, side) > 0.0
        truth = 6.0 * math.exp(-0.58 * 6.0)
        assert fi.rate_per_s(rec, side, 6.0) == pytest.approx(truth, rel=0.12)


def test_one_prior_and_no_data_is_the_prior() -> None:
    """T-87: no data -> the prior; its weight is never counted as data (F-32)."""
    rec = fresh(0.05, 0.5, 10.0)
    assert fi.kappa_per_bps(rec) == 0.5 and fi.a_per_s(rec, -1) == fi.a_per_s(rec, 1) == 0.05
    assert fi.stderr(rec) == math.inf and not fi.ready(rec) and fi.effective_count(rec) == 0.0
    assert fi.volume_lots(rec) == 5.0


def test_contracts_are_not_observations() -> None:
    """T-87 C: ten orders of 0.001 and ten of 1000 units at the same depths: one posterior."""
    told = []
    for lots in (1e-3, 1e3):
        rec = fresh()
        for i in range(10):
            fi.observe_trade(rec, 1, 1.0 + i, lots, S + i * S)
        fi.elapse(rec, 20 * S)
        fi.refresh(rec)
        told.append((fi.kappa_per_bps(rec), fi.a_per_s(rec, 1), fi.effective_count(rec)))
    assert told[0] == told[1]
    assert told[0][0] < 0.5


def test_own_fills_move_a_ratio_and_nothing_else() -> None:
    """T-87 C: fills at our own price do not push kappa up."""
    rec = fresh()
    feed(rec, *taker_orders((1.0, 1.0), 0.5, 300.0, 1))
    before = (fi.kappa_per_bps(rec), fi.a_per_s(rec, 1), fi.stderr(rec))
    fi.observe_own(rec, 40.0, 20.0)
    fi.refresh(rec)
    after = (fi.kappa_per_bps(rec), fi.a_per_s(rec, 1), fi.stderr(rec))
    assert after == pytest.approx(before, rel=1e-12)
    assert fi.fill_ratio(rec) == pytest.approx((10 + 20) / (10 + 40))


def test_prints_of_one_order_are_one_order() -> None:
    """All prints of a block and side: one order, at its deepest; sizes add up."""
    rec = fresh()
    for depth in (0.3, 2.1, 1.0):
        fi.observe_trade(rec, 1, depth, 2.0, 5 * S)
    fi.observe_trade(rec, -1, 0.4, 7.0, 5 * S)
    fi.elapse(rec, 6 * S)
    assert rec.seen == 2
    assert fi.effective_count(rec) == pytest.approx(2.0)
    deepest = int(np.flatnonzero(rec.hits[fi.BINS :])[0])
    assert rec.depth_bps[deepest] <= 2.1 < rec.depth_bps[deepest + 1]
    assert fi.volume_lots(rec) == pytest.approx((10 * 5 + 6 + 7) / 12)


def test_the_inside_of_the_touch_is_no_evidence() -> None:
    """3: no observation exists inside the touch; a wide touch must not bend the decay."""
    times, sides, depths = taker_orders((1.0, 1.0), 0.5, 4_000.0, 9)
    rec = fresh(1.0, 0.5, 1.0)
    fi.see_touch(rec, S, 1.4)
    behind = depths >= 1.4
    feed(rec, times[behind], sides[behind], depths[behind])
    assert fi.kappa_per_bps(rec) == pytest.approx(0.5, rel=0.05)
    assert fi.a_per_s(rec, 1) == pytest.approx(1.0, rel=0.1)
    blind = fresh(1.0, 0.5, 1.0)
    feed(blind, times[behind], sides[behind], depths[behind])
    assert fi.kappa_per_bps(blind) < 0.45


def test_each_side_has_its_rate_and_both_share_the_decay() -> None:
    """One kappa, two A's."""
    rec = fresh(1.0, 0.7, 10.0)
    feed(rec, *taker_orders((0.4, 1.2), 0.3, 5_000.0, 2))
    assert fi.a_per_s(rec, -1) == pytest.approx(0.4, rel=0.08)
    assert fi.a_per_s(rec, 1) == pytest.approx(1.2, rel=0.08)
    assert fi.kappa_per_bps(rec) == pytest.approx(0.3, rel=0.05)
    assert fi.rate_per_s(rec, 1, 2.0) == pytest.approx(
        fi.a_per_s(rec, 1) * math.exp(-2.0 * fi.kappa_per_bps(rec)), rel=1e-12
    )


def coverage(paths: int, tau_s: float) -> Any:
    """Return how often the 95 % intervals of kappa and both ln A hold the truth."""
    inside = np.zeros(3)
    for path in range(paths):
        rec = fresh(0.6, 0.5, 0.5, tau_s=tau_s)
        feed(rec, *taker_orders((0.5, 0.9), 0.4, 3_000.0, path))
        told = [fi.kappa_per_bps(rec) - 0.4]
        told += [math.log(fi.a_per_s(rec, s) / a) for s, a in ((-1, 0.5), (1, 0.9))]
        errors = [fi.stderr(rec), fi.log_a_stderr(rec, -1), fi.log_a_stderr(rec, 1)]
        inside += np.abs(told) < 1.96 * np.array(errors)
    return inside / paths


def test_intervals_cover_the_truth_on_a_sample() -> None:
    """40 paths with a memory of 800 s: no interval misses more than 15 %."""
    told = coverage(40, 800.0)
    assert (told >= 0.85).all(), told


@pytest.mark.slow
@pytest.mark.parametrize("tau_s", [1e9, 800.0])
def test_intervals_cover_the_truth(tau_s: float) -> None:
    """200 paths, without forgetting and with: 90 to 98 %."""
    told = coverage(200, tau_s)
    assert ((told >= 0.90) & (told <= 0.98)).all(), told


def test_units_do_not_matter() -> None:
    """0.1: depths in another unit give kappa in its inverse, A as it was."""
    times, sides, depths = taker_orders((1.0, 1.0), 0.5, 600.0, 3)
    told = []
    for unit in (1.0, 100.0):
        rec = fresh(1.0, 0.5 / unit, 10.0)
        feed(rec, times, sides, depths * unit)
        told.append((fi.kappa_per_bps(rec) * unit, fi.a_per_s(rec, 1)))
    assert told[0] == pytest.approx(told[1], rel=1e-9)


def test_a_long_silence_forgets_and_does_not_break() -> None:
    """A gap of 10,000 memories leaves the prior and the exposure of one memory."""
    rec = fresh(tau_s=100.0)
    feed(rec, *taker_orders((1.0, 1.0), 0.5, 300.0, 5))
    fi.elapse(rec, 1_000_000 * S)
    fi.refresh(rec)
    assert not fi.ready(rec)
    assert fi.a_per_s(rec, 1) < 0.12 and not math.isnan(fi.kappa_per_bps(rec))
    assert fi.a_per_s(rec, 1) > 0.0
