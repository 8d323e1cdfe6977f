"""Long random lives of one account: quotes, fills, cancels, unknown orders, moving limits."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.risk.test_gate import ladder_of

from hypermaker.core.units import NS_PER_S
from hypermaker.risk import exchange_limits, limits
from hypermaker.risk import gate as gates
from hypermaker.risk.gate import GATE, Bar
from hypermaker.risk.limits import LIMITS

STEPS = 300
CAP = 40


@dataclass
class Order:
    """One order that may still fill."""

    side: int
    lots: int
    reduce_only: bool


@dataclass
class Account:
    """The venue's truth: a position and what may still fill. Fills as the venue fills."""

    position: int
    orders: list[Order] = field(default_factory=list)
    worst: int = 0

    def open_lots(self, side: int) -> int:
        """Return what may still fill on a side."""
        return sum(order.lots for order in self.orders if order.side == side)

    def fill(self, order: Order, lots: int) -> None:
        """Fill part of an order; reduce-only never passes zero."""
        if order.reduce_only:
            lots = min(lots, max(0, -order.side * self.position))
        self.position += order.side * lots
        order.lots -= lots
        self.worst = max(self.worst, abs(self.position))


def _move_limits(rec: np.record, draw: random.Random, account: Account, now_ns: int) -> None:
    """Let account, venue and volatility say something new, often bad news."""
    position = account.position
    if draw.random() < 0.3:
        limits.on_account(rec, draw.choice([1e6, 500.0, float("nan")]), 400.0, position)
    if draw.random() < 0.3:
        buy, sell = draw.randint(-1, 60), draw.randint(-1, 60)
        exchange_limits.on_limits(rec.exchange, buy, sell, position, now_ns)
    if draw.random() < 0.3:
        limits.on_volatility(rec, draw.choice([1e-4, 1e-2, float("nan")]), 60.0, 0.5)
    limits.refresh(rec, position, draw.choice([10.0, 10.0, 11.0, float("nan")]), now_ns)


def _quote(gate: np.record, draw: random.Random, account: Account) -> None:
    """Place whatever the gate lets through; every order in flight counts as outside the ladder."""
    gate.bid.other_lots, gate.ask.other_lots = account.open_lots(1), account.open_lots(-1)
    gate.bid.bar = draw.choice([Bar.NONE, Bar.NONE, Bar.ADDING])
    gate.ask.bar = draw.choice([Bar.NONE, Bar.NONE, Bar.ADDING])
    bids, asks = ([draw.randint(1, 30) for _ in range(3)] for _ in range(2))
    ladder = ladder_of(bids, asks)
    gates.pass_ladder(gate, ladder)
    for side, levels, count in (
        (1, ladder.bids, ladder.bid_levels),
        (-1, ladder.asks, ladder.ask_levels),
    ):
        for level in levels[:count]:
            account.orders.append(Order(side, int(level.size_lots), bool(level.reduce_only)))


@pytest.mark.parametrize("seed", range(25))
def test_a_whole_life_stays_within_the_cap(seed: int) -> None:
    """T-34, F-22, I1: over any sequence of quotes and fills |position| <= the user's cap.

    Limits move under resting orders, cancels come late or never, and half of the lives begin with
    a position above the cap, which may then only shrink until it is below.
    """
    draw, rec, gate = random.Random(seed), np.zeros(1, LIMITS)[0], np.zeros(1, GATE)[0]
    account = Account(position=draw.choice([0, 0, CAP + 15, -CAP - 15]))
    inherited, now_ns = abs(account.position), NS_PER_S
    limits.reset(rec, CAP, 1e9, 10.0)
    for _ in range(STEPS):
        now_ns += draw.randint(0, 40) * NS_PER_S
        _move_limits(rec, draw, account, now_ns)
        gates.open_gate(gate, rec, account.position)
        _quote(gate, draw, account)
        draw.shuffle(account.orders)
        for order in account.orders[: draw.randint(0, 4)]:
            account.fill(order, draw.randint(0, order.lots))
        gone = draw.random() < 0.5
        account.orders = [o for o in account.orders if o.lots > 0 and not (gone and o.lots % 2)]
        assert abs(account.position) <= max(CAP, inherited)
        inherited = min(inherited, max(CAP, abs(account.position)))
    assert account.worst > 0
