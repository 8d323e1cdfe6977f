"""Long random lives of one account: quotes, fills, cancels, unknown orders, moving limits."""

import random
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest

from hypermaker.core.units import NS_PER_S
from hypermaker.risk import exchange_limits, limits
from hypermaker.risk import gate as gates
from hypermaker.risk.gate import GATE, Bar
from hypermaker.risk.limits import LIMITS
from tests.risk.ladders import ladder_of
from tests.risk.mutants import mutant

STEPS = 200
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
    breached: bool = False

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
    """Let account, venue and volatility say something new, one time in eight bad news."""
    position, nan = account.position, float("nan")
    if draw.random() < 0.5:
        limits.on_account(
            rec, *draw.choice([(1e6, 1e5)] * 6 + [(500.0, 30.0), (nan, nan)]), position
        )
    if draw.random() < 0.5:
        buy, sell = draw.choice([(400, 400)] * 6 + [(10, 0), (-1, 7)])
        exchange_limits.on_limits(rec.exchange, buy, sell, position, now_ns)
    if draw.random() < 0.5:
        limits.on_volatility(rec, draw.choice([1e-4] * 6 + [1e-1, nan]), 60.0, 0.5)
    limits.refresh(rec, position, draw.choice([10.0] * 7 + [nan]), now_ns)


def _quote(m: ModuleType, gate: np.record, draw: random.Random, account: Account) -> None:
    """Place whatever the gate lets through; every order in flight counts as outside the ladder."""
    gate.bid.other_lots, gate.ask.other_lots = account.open_lots(1), account.open_lots(-1)
    gate.bid.bar = draw.choice([Bar.NONE] * 5 + [Bar.ADDING])
    gate.ask.bar = draw.choice([Bar.NONE] * 5 + [Bar.ADDING])
    bids, asks = ([draw.randint(1, 30) for _ in range(3)] for _ in range(2))
    ladder = ladder_of(bids, asks)
    m.pass_ladder(gate, ladder)
    for side, levels, count in (
        (1, ladder.bids, ladder.bid_levels),
        (-1, ladder.asks, ladder.ask_levels),
    ):
        for level in levels[:count]:
            account.orders.append(Order(side, int(level.size_lots), bool(level.reduce_only)))


def live(seed: int, gate_module: ModuleType) -> Account:
    """Return an account after a random life; it stops at the first breach of the cap.

    Takers sweep one side for a while, then the other; limits move under resting orders, cancels
    come late or never, and half of the lives begin with
    a position above the cap, which may then only shrink until it is below.
    """
    draw, rec, gate = random.Random(seed), np.zeros(1, LIMITS)[0], np.zeros(1, GATE)[0]
    account = Account(position=draw.choice([0, 0, CAP + 15, -CAP - 15]))
    inherited, now_ns, trend = abs(account.position), NS_PER_S, 1
    limits.reset(rec, CAP, 1e9, 10.0)
    for _ in range(STEPS):
        now_ns += draw.randint(0, 20) * NS_PER_S
        _move_limits(rec, draw, account, now_ns)
        gate_module.open_gate(gate, rec, account.position)
        _quote(gate_module, gate, draw, account)
        trend = -trend if draw.random() < 0.1 else trend
        draw.shuffle(account.orders)
        swept = [order for order in account.orders if order.side == trend or draw.random() < 0.1]
        for order in swept[: draw.randint(0, 6)]:
            account.fill(order, draw.choice([order.lots, draw.randint(0, order.lots)]))
        gone = draw.random() < 0.3
        account.orders = [o for o in account.orders if o.lots > 0 and not (gone and o.lots % 2)]
        account.breached = abs(account.position) > max(CAP, inherited)
        if account.breached:
            return account
        inherited = min(inherited, max(CAP, abs(account.position)))
    return account


SEEDS = range(25)


def test_whole_lives_stay_within_the_cap() -> None:
    """T-34, F-22, I1: over any sequence of quotes and fills |position| <= the user's cap.

    Most lives get there: a cap that is never reached is not tested.
    """
    lives = [live(seed, gates) for seed in SEEDS]
    assert not any(account.breached for account in lives)
    assert sum(account.worst >= CAP for account in lives) > len(SEEDS) / 2


MUTANTS = {
    "orders in flight are forgotten": (
        "side.room_lots = max(0, side.allowance_lots - side.other_lots)",
        "side.room_lots = max(0, side.allowance_lots)",
    ),
    "the position is forgotten": ("min(limit_lots + reduces_lots, user_room)", "limit_lots"),
    "levels do not share the room": ("        room -= size\n", ""),
    "reduce-only orders ignore those in flight": (
        "free = side.allowance_lots - side.other_lots",
        "free = side.allowance_lots",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_gate_breaches_the_cap_in_some_life(name: str) -> None:
    """The lives are hard enough: each of these mistakes is found by one of them."""
    broken = mutant(gates, *MUTANTS[name])
    assert any(live(seed, broken).breached for seed in SEEDS)
