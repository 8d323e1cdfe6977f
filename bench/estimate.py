"""What one update of each estimator costs in a compiled loop, and against summing over the past.

The loops run over arrays of events as they come: an update every 100 ms (books) or every 300 ms
(orders), so the figure holds the cheap updates and, amortised, the ones that refresh something.
The median is over rounds, in processor time: a busy machine must not look like slow code. The
brute force sums 500 past events at every event, as the predecessor did before its incremental
form; the market event runs every estimator the engine would.
"""

import math
import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from bench.row import Row
from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import (
    adverse_selection,
    cascade,
    fair_price,
    fill_intensity,
    funding,
    hawkes,
    hawkes_fit,
    hawkes_sum,
    liquidations,
    order_flow,
    regime,
    slope,
    stochastic_vol,
    volatility,
    welford,
)

START_NS = 1_757_000_000_000_000_000
PAST = 500
EACH_GOAL_NS = 15.0
GOALS_NS = {"hawkes": 10.0, "hawkes, online fit": 150.0}
"""A step of the fit takes seven exponentials and a 3x3 inverse, and runs per order only."""
ALL_GOAL_NS = 150.0
INTENSITY = (0.05, 0.5, 10.0)
BRUTE = "sum over 500 past events"

EVENTS = np.dtype(
    [
        ("ns", "i8"),
        ("side", "i8"),
        ("bid", "f8"),
        ("ask", "f8"),
        ("bid_lots", "f8"),
        ("ask_lots", "f8"),
        ("depth", "f8"),
        ("lots", "f8"),
    ]
)

EVERYTHING = record(
    ("volatility", volatility.VOLATILITY),
    ("fill_intensity", fill_intensity.FILL_INTENSITY),
    ("fair_price", fair_price.FAIR_PRICE),
    ("order_flow", order_flow.ORDER_FLOW),
    ("adverse_selection", adverse_selection.ADVERSE_SELECTION),
    ("stochastic_vol", stochastic_vol.STOCHASTIC_VOL),
    ("hawkes", hawkes.HAWKES),
    ("cascade", cascade.CASCADE),
    ("liquidations", liquidations.LIQUIDATIONS),
    ("funding", funding.FUNDING),
    ("regime", regime.REGIME),
)
"""Every estimator of one asset, as the engine's state would hold them."""


@kernel
def loop_hawkes(rec: Any, events: Any) -> None:
    """One excitation per event."""
    for i in range(len(events)):
        hawkes.record_event(rec[0], events[i].ns, events[i].lots)


@kernel
def loop_hawkes_sum(rec: Any, events: Any) -> None:
    """Six excitations per event."""
    for i in range(len(events)):
        hawkes_sum.record_event(rec[0], events[i].ns, events[i].lots)


@kernel
def loop_hawkes_fit(rec: Any, events: Any) -> None:
    """A step of the recursive fit per event."""
    for i in range(len(events)):
        hawkes_fit.record_event(rec[0], events[i].ns, events[i].lots)


@kernel
def loop_volatility(rec: Any, events: Any) -> None:
    """A price every 100 ms, a return every second."""
    for i in range(len(events)):
        volatility.update(rec[0], events[i].ns, 0.5 * (events[i].bid + events[i].ask))


@kernel
def loop_stochastic_vol(rec: Any, events: Any) -> None:
    """A price every 100 ms, a block every ten seconds."""
    for i in range(len(events)):
        stochastic_vol.update(rec[0], events[i].ns, 0.5 * (events[i].bid + events[i].ask))


@kernel
def loop_fair_price(rec: Any, events: Any) -> None:
    """A book every 100 ms."""
    for i in range(len(events)):
        e = events[i]
        fair_price.update(rec[0], e.ns, (e.bid, e.bid_lots), (e.ask, e.ask_lots))


@kernel
def loop_fill_intensity(rec: Any, events: Any) -> None:
    """Five touches, then an order, as they come on a busy coin; refreshes are measured apart."""
    for i in range(len(events)):
        e = events[i]
        if i % 6 == 5:
            fill_intensity.observe_trade(rec[0], e.side, e.depth, e.lots, e.ns)
        else:
            fill_intensity.see_touch(rec[0], e.ns, 0.1)


@kernel
def loop_refresh(rec: Any, events: Any) -> None:
    """Newton steps on kappa and the error bars, as happens every five seconds."""
    for _ in range(len(events)):
        rec[0].kappa *= 1.001
        fill_intensity.refresh(rec[0])


@kernel
def loop_order_flow(rec: Any, events: Any) -> None:
    """An order every event."""
    for i in range(len(events)):
        order_flow.observe_trade(rec[0], events[i].side, events[i].ns)


@kernel
def loop_adverse_selection(rec: Any, events: Any) -> None:
    """A mid every event, an order every sixth."""
    for i in range(len(events)):
        e = events[i]
        if i % 6 == 5:
            adverse_selection.observe_trade(rec[0], e.side, e.depth, e.ns)
        adverse_selection.observe_mid(rec[0], e.ns, 0.5 * (e.bid + e.ask))


@kernel
def loop_cascade(rec: Any, events: Any) -> None:
    """Time passes at every event; a review a second."""
    for i in range(len(events)):
        cascade.elapse(rec[0], events[i].ns)


@kernel
def loop_liquidations(rec: Any, events: Any) -> None:
    """A print at every event, a context every tenth."""
    for i in range(len(events)):
        liquidations.observe_trade(rec[0], events[i].side, events[i].lots)
        if i % 10 == 0:
            liquidations.observe_context(rec[0], events[i].ns, 1e6, 0.1, 1.0)


@kernel
def loop_funding(rec: Any, events: Any) -> None:
    """A prediction of the rate at every event."""
    for i in range(len(events)):
        funding.update(rec[0], events[i].ns, 1e-5)


@kernel
def loop_regime(rec: Any, events: Any) -> None:
    """A reading at every event."""
    for i in range(len(events)):
        regime.update(rec[0], events[i].ns, events[i].lots, 0.0)


@kernel
def loop_welford(rec: Any, events: Any) -> None:
    """A value at every event."""
    for i in range(len(events)):
        welford.update(rec[0], events[i].lots, 0.999)


@kernel
def loop_slope(rec: Any, events: Any) -> None:
    """A pair at every event."""
    for i in range(len(events)):
        slope.update(rec[0], events[i].depth, events[i].lots, 0.999)


@kernel
def loop_brute(past: Any, events: Any) -> float:
    """The intensity as a sum over the last 500 events, anew at every event."""
    total = 0.0
    for i in range(PAST, len(events)):
        rate = 0.1
        for j in range(i - PAST, i):
            age_s = (events[i].ns - events[j].ns) * 1e-9
            rate += 0.5 * events[j].lots * math.exp(-0.8 * age_s)
        total += rate
    past[0] = total
    return total


@kernel
def on_book(all_of: Any, e: Any) -> None:
    """Give a book to every estimator that learns from it."""
    mid = 0.5 * (e.bid + e.ask)
    bid = (e.bid, e.bid_lots)
    ask = (e.ask, e.ask_lots)
    fair_price.update(all_of.fair_price, e.ns, bid, ask)
    before = all_of.volatility.samples
    volatility.update(all_of.volatility, e.ns, mid)
    if all_of.volatility.samples > before:
        sigma = volatility.sigma_bps(all_of.volatility)
        regime.update(all_of.regime, e.ns, sigma, volatility.jump_z(all_of.volatility))
    stochastic_vol.update(all_of.stochastic_vol, e.ns, mid)
    order_flow.observe_book(all_of.order_flow, e.ns, bid, ask)
    adverse_selection.observe_mid(all_of.adverse_selection, e.ns, mid)
    fill_intensity.see_touch(all_of.fill_intensity, e.ns, 0.5e4 * (e.ask - e.bid) / mid)
    cascade.elapse(all_of.cascade, e.ns)


@kernel
def on_trade(all_of: Any, e: Any) -> None:
    """Give a print to every estimator that learns from it."""
    fill_intensity.observe_trade(all_of.fill_intensity, e.side, e.depth, e.lots, e.ns)
    order_flow.observe_trade(all_of.order_flow, e.side, e.ns)
    adverse_selection.observe_trade(all_of.adverse_selection, e.side, e.depth, e.ns)
    liquidations.observe_trade(all_of.liquidations, e.side, e.lots)
    hawkes.record_event(all_of.hawkes, e.ns, e.lots)


@kernel
def loop_everything(rec: Any, events: Any) -> None:
    """A market: five books, then a print; a context a second."""
    for i in range(len(events)):
        if i % 6 == 5:
            on_trade(rec[0], events[i])
        else:
            on_book(rec[0], events[i])
        if i % 10 == 0:
            e = events[i]
            funding.update(rec[0].funding, e.ns, 1e-5)
            if liquidations.observe_context(rec[0].liquidations, e.ns, 1e6, 0.1, 1.0):
                found = rec[0].liquidations
                usd, chance = found.usd, found.chance
                cascade.record_liquidation(rec[0].cascade, found.side, usd, chance, e.ns)


@kernel
def start_everything(all_of: Any) -> None:
    """Reset every estimator with beliefs of a large coin."""
    volatility.reset(all_of.volatility, 1.5, 20.0)
    fill_intensity.reset(all_of.fill_intensity, 0.05, 0.5, 10.0)
    fair_price.reset(all_of.fair_price)
    order_flow.reset(all_of.order_flow, 0.5, 0.3, 0.1, 1.0)
    adverse_selection.reset(all_of.adverse_selection, 1.0, 8.0)
    stochastic_vol.reset(all_of.stochastic_vol, 2.0, 0.01, 0.1, 0.0)
    hawkes.reset(all_of.hawkes, 0.1, 0.3, 0.8, 10.0)
    cascade.reset(all_of.cascade, 0.005, 1e-5)
    liquidations.reset(all_of.liquidations)
    funding.reset(all_of.funding)
    regime.reset(all_of.regime)


def market(count: int, step_s: float, seed: int = 1) -> Any:
    """Return events a random step apart: a walk of 1.5 bps a second, exponential depths."""
    rng = np.random.default_rng(seed)
    made = np.zeros(count, EVENTS)
    gaps = rng.exponential(step_s, count)
    made["ns"] = START_NS + np.cumsum((gaps * 1e9).astype(np.int64) + 1)
    mid = 1e6 * np.exp(np.cumsum(1.5e-4 * np.sqrt(gaps) * rng.normal(size=count)))
    made["bid"], made["ask"] = mid - 10.0, mid + 10.0
    made["bid_lots"], made["ask_lots"] = rng.integers(1, 90, (2, count))
    made["side"] = rng.choice((-1, 1), count)
    made["depth"], made["lots"] = rng.exponential(2.0, count), rng.lognormal(1.0, 0.5, count)
    return made.view(np.recarray)


def median_ns(loop: Callable[[Any, Any], object], rec: Any, events: Any, rounds: int) -> float:
    """Return the median over rounds of the mean time of one event; every round starts alike."""
    blank = rec.copy()
    loop(rec, events[: min(len(events), PAST + 10)])
    took = []
    for _ in range(rounds):
        rec[:] = blank
        begin = time.thread_time_ns()
        loop(rec, events)
        took.append((time.thread_time_ns() - begin) / len(events))
    return statistics.median(took)


def started(room: ModuleType, given: tuple[float, ...]) -> Any:
    """Return one record of an estimator, reset with these parameters."""
    name = room.__name__.rpartition(".")[2]
    array = np.zeros(1, getattr(room, name.upper()))
    room.reset(array[0], *given)
    return array


Loop = Callable[[Any, Any], object]


def single_cases() -> list[tuple[str, Any, Loop, float]]:
    """Return (name, record, loop, seconds between events) of every estimator alone."""
    table: list[tuple[str, ModuleType, tuple[float, ...], Loop, float]] = [
        ("hawkes", hawkes, (0.1, 0.3, 0.8, 9.0), loop_hawkes, 0.3),
        ("hawkes, six scales", hawkes_sum, (0.1, 0.5, 0.2, 0.4), loop_hawkes_sum, 0.3),
        ("hawkes, online fit", hawkes_fit, (0.1, 0.5, 1.0, 1e5), loop_hawkes_fit, 0.3),
        ("volatility", volatility, (1.5, 20.0), loop_volatility, 0.1),
        ("stochastic volatility", stochastic_vol, (2.0, 0.01, 0.1, 0.0), loop_stochastic_vol, 0.1),
        ("fair price", fair_price, (), loop_fair_price, 0.1),
        ("fill intensity", fill_intensity, INTENSITY, loop_fill_intensity, 0.001),
        ("order flow", order_flow, (0.5, 0.3, 0.1, 1.0), loop_order_flow, 0.3),
        ("adverse selection", adverse_selection, (1.0, 8.0), loop_adverse_selection, 0.1),
        ("cascade", cascade, (0.005, 1e-5), loop_cascade, 0.1),
        ("liquidations", liquidations, (), loop_liquidations, 0.1),
        ("funding", funding, (), loop_funding, 0.1),
        ("regime", regime, (), loop_regime, 1.0),
        ("welford", welford, (), loop_welford, 0.1),
        ("slope", slope, (0.0, 20.0), loop_slope, 0.1),
    ]
    return [(name, started(room, given), loop, step) for name, room, given, loop, step in table]


def refresh_ns(rounds: int) -> float:
    """Return what bringing A and kappa up to date takes."""
    events = market(5_000, 0.3)
    rec = started(fill_intensity, INTENSITY)
    loop_fill_intensity(rec, events)
    return median_ns(loop_refresh, rec, events, rounds)


def run(quick: bool) -> list[Row]:
    """Measure every estimator alone, all together, and the sum they replace."""
    count, rounds = (20_000, 3) if quick else (200_000, 9)
    brute = median_ns(loop_brute, np.zeros(1), market(PAST * 5, 0.3), rounds) * 5 / 4
    rows = []
    for name, rec, loop, step_s in single_cases():
        ours = median_ns(loop, rec, market(count, step_s), rounds)
        against = (brute, BRUTE) if name == "hawkes" else (None, "")
        goal = GOALS_NS.get(name, EACH_GOAL_NS)
        rows.append(Row(f"{name}, an update", ours, "ns", against[0], against[1], goal))
    rows.append(Row("fill intensity, a refresh every 5 s", refresh_ns(rounds) / 1e3, "us"))
    everything = np.zeros(1, EVERYTHING)
    start_everything(everything[0])
    together = median_ns(loop_everything, everything, market(count, 0.1), rounds)
    rows.append(Row("all together, a market event", together, "ns", goal=ALL_GOAL_NS))
    return rows
