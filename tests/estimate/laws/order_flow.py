"""Order flow against sums over all taker orders and an explicit list of predictions."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from hypermaker.estimate import order_flow
from tests.estimate.laws.law import START_NS, Event

MU, ALPHA, CROSS, BETA = 0.5, 0.3, 0.1, 1.1
BAD: list[Event] = [
    ("book", START_NS + 10**15, bid, bid_lots, ask, ask_lots)
    for bid, bid_lots, ask, ask_lots in (
        (101.0, 5.0, 100.0, 5.0),
        (0.0, 5.0, 100.0, 5.0),
        (100.0, 0.0, 101.0, 5.0),
        (math.nan, 5.0, 101.0, 5.0),
        (100.0, 5.0, math.inf, 5.0),
    )
]


def start(rec: Any) -> None:
    """Reset with a stationary pair of processes."""
    order_flow.reset(rec, MU, ALPHA, CROSS, BETA)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Prints with ties and late ones, and books."""
    at = ns + np.cumsum(rng.exponential(0.5e9, count).astype(np.int64))
    mid, events = 10_000.0, []
    for i in range(count):
        when = int(at[i])
        if rng.random() < 0.5:
            mid += float(rng.integers(-3, 4)) / 2
            lots = rng.integers(1, 50, 2)
            events.append(("book", when, mid - 1.0, float(lots[0]), mid + 1.0, float(lots[1])))
            continue
        side = 1 if rng.random() < 0.6 else -1
        late = 250_000_000 if rng.random() < 0.05 and i else 0
        events += [("trade", when - late, side)] * int(rng.integers(1, 4))
    return events


def feed(rec: Any, event: Event) -> None:
    """Take a print or a book."""
    if event[0] == "trade":
        order_flow.observe_trade(rec, event[2], event[1])
    else:
        order_flow.observe_book(rec, event[1], (event[2], event[3]), (event[4], event[5]))


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    buys, sells = order_flow.intensities(rec, ns)
    more_buys, more_sells = order_flow.expected_orders(rec, ns, 4.0)
    return {
        "buys": buys,
        "sells": sells,
        "imbalance": order_flow.imbalance(rec, ns),
        "activity": order_flow.activity(rec, ns),
        "expected buys": more_buys,
        "expected sells": more_sells,
        "ofi": order_flow.ofi_lots(rec, ns),
        "drift": order_flow.drift_bps_per_s(rec, ns),
        "ready": order_flow.ready(rec),
        "stderr": order_flow.stderr(rec),
    }


def _rates(orders: list[Event], ns: int) -> tuple[float, float]:
    at = max([ns, *(order[1] for order in orders)])
    fades = [math.exp(-BETA * (at - order[1]) * 1e-9) for order in orders]
    rates = [
        MU
        + math.fsum(f * (ALPHA if o[2] == s else CROSS) for f, o in zip(fades, orders, strict=True))
        for s in (1, -1)
    ]
    return rates[0], rates[1]


def _orders(events: list[Event]) -> list[Event]:
    """Return one event per taker order: prints of one time and side right after one another."""
    seen: dict[int, int] = {}
    orders: list[Event] = []
    for event in events:
        if event[0] == "trade":
            if seen.get(event[2]) != event[1]:
                orders.append(event)
            seen[event[2]] = event[1]
    return orders


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Sums over all orders; forecasts by integrating the linear system in small steps."""
    orders = _orders(events)
    buys, sells = _rates(orders, ns)
    ofi, books = 0.0, [event for event in events if event[0] == "book"]
    for before, after in pairwise(books):
        step = after[3] * (after[2] >= before[2]) - before[3] * (after[2] <= before[2])
        step += before[5] * (after[4] >= before[4]) - after[5] * (after[4] <= before[4])
        ofi += step * math.exp(-BETA * (ns - after[1]) * 1e-9)
    more = _expected(buys, sells, 4.0)
    return {
        "buys": buys,
        "sells": sells,
        "imbalance": (buys - sells) / (buys + sells),
        "activity": 1 / (1 + math.exp(-2 * ((buys + sells) / (2 * MU) - 1))),
        "expected buys": more[0],
        "expected sells": more[1],
        "ofi": ofi,
    }


def _expected(buys: float, sells: float, horizon_s: float) -> tuple[float, float]:
    """Integrate d(rate)/dt = beta mu + J rate by the matrix exponential of the whole system."""
    from scipy.linalg import expm

    system = np.zeros((5, 5))
    system[:2, :2] = [[ALPHA - BETA, CROSS], [CROSS, ALPHA - BETA]]
    system[:2, 4] = BETA * MU
    system[2, 0] = system[3, 1] = 1.0
    end = expm(system * horizon_s) @ np.array([buys, sells, 0.0, 0.0, 1.0])
    return float(end[2]), float(end[3])
