"""Requests as a resource: the address budget paces updates, and a part of it belongs to cancels.

The venue grants 10,000 requests plus one per USD traded; an action of n orders costs n (X9).
Scarcity slows updates and thins the ladder; it never widens quotes (F-61). Cancels are always
allowed: the venue gives them a cap of their own.
Source: protocol sheet 9.1.
"""

from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_MS, NS_PER_S

REQUESTS_FREE = 10_000
CANCEL_RESERVE = 0.2  # share of the cap that only cancels may use (promise I9)
PACE_FLOOR_NS = 200 * NS_PER_MS  # fastest re-quote: about three blocks
PACE_SLOW_NS = 10 * NS_PER_S  # the venue's own trickle when the budget is gone

BUDGET = record(
    ("left", "i8"),
    ("cap", "i8"),
    ("used", "i8"),  # by this session
    ("decided_ns", "i8"),  # when the last re-quote went out
)
Rec = Any


@kernel
def reset(budget: Rec) -> None:
    """Start from what every new address has."""
    budget.left, budget.cap = REQUESTS_FREE, REQUESTS_FREE


@kernel
def learn(budget: Rec, left: int, cap: int) -> None:
    """Take the venue's own count."""
    budget.left, budget.cap = left, cap


@kernel
def spend(budget: Rec, requests: int) -> None:
    """Count what an action costs."""
    budget.left -= requests
    budget.used += requests


@kernel
def share(budget: Rec) -> float:
    """Return the share of the cap left for opening orders, in [0, 1]."""
    reserve = CANCEL_RESERVE * budget.cap
    if budget.cap <= reserve:
        return 0.0
    return float(min(1.0, max(0.0, (budget.left - reserve) / (budget.cap - reserve))))


@kernel
def pace_ns(budget: Rec) -> int:
    """Return the wanted time between re-quotes: fast while rich, hyperbolic as it runs out."""
    rich = share(budget)
    if rich <= PACE_FLOOR_NS / PACE_SLOW_NS:
        return PACE_SLOW_NS
    return min(PACE_SLOW_NS, int(PACE_FLOOR_NS / rich))


@kernel
def may_open(budget: Rec) -> bool:
    """Return whether a new order may be sent without touching the reserve of cancels."""
    return share(budget) > 0.0
