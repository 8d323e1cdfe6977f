"""The measuring of detectors: does the ruler measure, and do the detectors reach the figures."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hypermaker.errors import TapeError
from hypermaker.research.forced_flow import (
    CONTEXT,
    SEEN,
    activations,
    run,
    score_cascades,
    score_inference,
    seconds_of,
    steps_of,
    steps_of_prints,
)
from hypermaker.research.liquidations import (
    crowded,
    measure,
    read_liquidations,
    recorded,
    simulated,
)
from hypermaker.research.simulated_cascades import Scenario, simulate


@pytest.fixture(scope="module")
def market() -> Scenario:
    """Two days with some twenty cascades."""
    return simulate(seed=7, hours=48.0)


def test_a_seed_is_a_market(market: Scenario) -> None:
    again = simulate(seed=7, hours=48.0)
    assert all(np.array_equal(a, b) for a, b in zip(market, again, strict=True))
    assert not np.array_equal(simulate(seed=8, hours=48.0).usd[:50], market.usd[:50])


def test_interest_falls_by_what_both_sides_close(market: Scenario) -> None:
    """A forced taker closes, its maker does so half the time: forced flow lowers interest."""
    second = market.time_s.astype(np.int64)
    forced = np.bincount(second[market.forced], market.usd[market.forced], len(market.gap_bps))
    ordinary = np.bincount(second[~market.forced], market.usd[~market.forced], len(market.gap_bps))
    change = np.diff(market.interest_usd, prepend=market.interest_usd[0])
    alone, free = (forced > 0.0) & (ordinary == 0.0), (forced == 0.0) & (ordinary > 0.0)
    assert np.mean(change[alone] / forced[alone]) == pytest.approx(-0.5, abs=0.06)
    assert np.mean(change[free] / ordinary[free]) == pytest.approx(0.0, abs=0.02)


def test_the_ruler_gives_full_marks_to_the_truth_and_none_to_silence(market: Scenario) -> None:
    steps = steps_of(market, told=False)
    seen = np.zeros(len(steps), SEEN)
    silent = score_inference(market, seen, steps, usd_min=1e3)
    assert (silent.told, silent.found) == (0, 0) and silent.there > 100
    at = np.flatnonzero(steps["what"] == CONTEXT)
    second = market.time_s.astype(np.int64)
    size = len(at)
    mine = [market.side == side for side in (-1, 1)]
    truth = [
        np.bincount(second[m & market.forced], market.usd[m & market.forced], size) for m in mine
    ]
    volume = [np.bincount(second[m], market.usd[m], size) for m in mine]
    worse = (truth[1] > truth[0]).astype(int)
    forced, taken = (np.choose(worse, parts) for parts in (truth, volume))
    seen["chance"][at] = (forced >= 1e3) & (forced >= 0.5 * taken)
    seen["side"][at] = 2 * worse - 1
    ideal = score_inference(market, seen, steps, usd_min=1e3)
    assert ideal.right == ideal.told > 0.5 * ideal.there
    seen["side"][at] *= -1
    assert score_inference(market, seen, steps, usd_min=1e3).right < 0.05 * ideal.right


def test_stretches_of_alarm_are_matched_with_cascades() -> None:
    cascades = np.array([[100.0, 130.0], [500.0, 520.0]])
    active = activations(np.array([50.0, 108.0, 110.0, 112.0, 300.0]), np.array([0, 3, 4, 9, 3.0]))
    assert active.tolist() == [[108.0, 112.0], [300.0, 300.0]]
    score = score_cascades(cascades, active)
    assert (score.told, score.right, score.there, score.found) == (2, 1, 2, 1)
    assert score.delays_s.tolist() == [8.0]


def test_a_detector_that_is_told_finds_most_cascades_and_cries_no_wolf(market: Scenario) -> None:
    """Six lone liquidations an hour stand between the cascades and set nothing off."""
    steps = steps_of(market, told=True)
    active = activations(seconds_of(steps), run(steps, feed=False)["severity"])
    score = score_cascades(market.cascades, active)
    assert score.found >= 0.8 * score.there
    assert score.right >= 0.9 * score.told
    assert np.median(score.delays_s) < 15.0


def test_what_only_infers_misses_more_and_says_so(market: Scenario) -> None:
    """The figures of the page rest on this: inference is a hint, being told is not."""
    rows = {(row.model, row.name): row for row in simulated(seed=7, hours=48.0)}
    told = rows["cascade, told, simulated", "recall: cascades found"]
    inferred = rows["cascade, inferred, simulated", "recall: cascades found"]
    assert told.value is not None and inferred.value is not None
    assert inferred.value < told.value
    sizes = [row.value for (_, name), row in rows.items() if name.startswith("recall: seconds")]
    assert sizes == sorted(sizes, key=lambda value: value or 0.0) and sizes[-1] == 1.0


def test_prints_without_context_are_steps_without_interest() -> None:
    prints = np.zeros(
        3, [("venue_ns", "i8"), ("side", "i8"), ("mid_ticks", "f8"), ("size_lots", "f8")]
    )
    prints["venue_ns"] = 10**18 + np.array([0, 1, 2]) * 10**9
    prints["side"], prints["mid_ticks"], prints["size_lots"] = 1, 1e6, 50.0
    steps = steps_of_prints(prints)
    assert (steps["what"] == CONTEXT).sum() == 3
    assert set(steps["usd"].tolist()) == {50.0, -1.0}
    assert not (run(steps, feed=True)["chance"] > 0.0).any()


def test_a_crowd_is_many_accounts_in_a_minute_not_many_fills_of_one() -> None:
    times = np.arange(10.0)
    assert len(crowded(times, np.array(["one"] * 10))) == 0
    many = np.array([f"u{n}" for n in range(10)])
    assert crowded(times, many).tolist() == [[0.0, 9.0]]
    assert len(crowded(100.0 * times, many)) == 0


def listed(path: Path, **columns: object) -> Path:
    """A list of liquidations as parquet."""
    held = {"ts": [1, 2], "coin": ["X", "X"], "user": ["a", "b"], "notional": [10.0, 30.0]}
    pq.write_table(pa.table(held | columns), path)
    return path


def test_amounts_counted_twice_are_halved(tmp_path: Path) -> None:
    plain = read_liquidations(listed(tmp_path / "a.parquet"))["notional"]
    twice = read_liquidations(listed(tmp_path / "a_DOUBLECOUNTED.parquet"))["notional"]
    assert twice.tolist() == (plain / 2.0).tolist()


def test_broken_lists_are_one_clear_line(tmp_path: Path) -> None:
    broken = tmp_path / "x.parquet"
    broken.write_bytes(b"PAR1 no")
    for path in (tmp_path / "nothing", broken):
        with pytest.raises(TapeError):
            measure(path)
    with pytest.raises(TapeError, match="empty"):
        read_liquidations(listed(tmp_path / "e.parquet", ts=[], coin=[], user=[], notional=[]))


def test_the_recorded_hours_are_measured(shared: Path) -> None:
    """5,043 liquidations of eight hours, one of them a cascade."""
    path = shared / "data/hyperliquid/liquidations/sampled_hours_liq_units.parquet"
    if not path.is_file():
        pytest.skip(f"no recording: {path} does not exist")
    size, precision, recall, delay = recorded(path)
    assert size.sample == 5_043 and size.value == pytest.approx(336.91)
    assert recall.sample > 50 and precision.sample > 20
    assert delay.value is not None and delay.value > 0.0
