"""The engine as a whole: events in, actions out, against a venue that knows the truth."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hypermaker.core.actions import Ask, Mark, empty_actions
from hypermaker.core.events import EVENT, Flag, Kind, Reason, Source, event
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.engine import step
from hypermaker.orders import table
from hypermaker.state import EngineConfig, config_for, initial_state
from hypermaker.summary import profit_usd, summarise
from tests.sim.venue import BLOCK_NS, Venue

EQUITY = 10_000_000_000  # micro-USD
SECONDS_TO_SETTLE = 90


def btc(**wishes) -> EngineConfig:
    wishes.setdefault("started_ns", 1_000 * NS_PER_S)
    return config_for("BTC", sz_decimals=5, price_usd=100_000.0, wishes=wishes)


class Bench:
    """An engine with a clock in its hand: says events, keeps what was asked."""

    def __init__(self, config: EngineConfig) -> None:
        self.states, self.actions = initial_state(config), empty_actions()
        self.now = 1_000 * NS_PER_S
        self.heard: list[bytes] = []
        self.asked: list[bytes] = []

    @property
    def state(self):
        return self.states[0]

    def say(self, kind: Kind, *, wait_ms: int = 10, **fields: int):
        self.now += wait_ms * NS_PER_MS
        venue_ns = fields.pop("venue_ns", self.now - 5 * NS_PER_MS)
        made = event(kind, self.now, venue_ns, **fields)
        self.heard.append(made.tobytes())
        n = step(self.states, made, self.actions)
        self.asked.append(self.actions[:n].tobytes())
        return self.actions[:n].copy()

    def start(self, position_lots: int = 0) -> None:
        self.say(Kind.POSITION, position_lots=position_lots)
        self.say(Kind.ACCOUNT, equity_usd_micro=EQUITY, margin_usd_micro=EQUITY)

    def touch(self, mid: int = 1_000_000, half: int = 10, **fields: int):
        return self.say(
            Kind.BBO,
            source=Source.BBO,
            bid_ticks=mid - half,
            bid_lots=100_000,
            ask_ticks=mid + half,
            ask_lots=100_000,
            **fields,
        )

    def quote(self):
        """Start, show a touch, and let a decision fall due; return the placed orders."""
        self.start()
        self.touch(wait_ms=300)
        return self.touch(wait_ms=300) if self.state.table.placed == 0 else self.last()

    def last(self):
        return np.frombuffer(self.asked[-1], self.actions.dtype)


def placed(actions, side=None):
    rows = actions[actions["kind"] == Ask.PLACE]
    return rows if side is None else rows[rows["side"] == side]


def test_a_fresh_engine_quotes_both_sides_behind_fee_and_adverse_selection():
    """T-52, T-34: the first quotes need no fill of ours and stand outside all their costs."""
    bench = Bench(btc())
    asked = bench.quote()
    bids, asks = placed(asked, 1), placed(asked, -1)
    assert len(bids) > 1 and len(asks) > 1
    cost_bps = 1.5 + 0.5
    assert (1_000_000 - bids["price_ticks"].max()) / 100 > cost_bps
    assert (asks["price_ticks"].min() - 1_000_000) / 100 > cost_bps
    assert bids["size_lots"].sum() <= 2_000 and asks["size_lots"].sum() <= 2_000


def test_nothing_is_quoted_before_position_and_equity_are_known():
    """F45, F50: absent is not zero; an account that has not spoken is closed."""
    bench = Bench(btc())
    bench.touch(wait_ms=300)
    bench.touch(wait_ms=300)
    assert bench.state.table.placed == 0
    bench.say(Kind.POSITION, position_lots=0)
    bench.touch(wait_ms=300)
    assert bench.state.table.placed == 0
    bench.say(Kind.ACCOUNT, equity_usd_micro=EQUITY, margin_usd_micro=EQUITY)
    bench.touch(wait_ms=300)
    assert bench.state.table.placed > 0


def test_long_quotes_stand_lower_than_flat_quotes_and_short_ones_higher():
    """T-50: the skew is in the final, rounded prices."""
    prices = {}
    for position in (-1_000, 0, 1_000):
        bench = Bench(btc())
        bench.start(position)
        bench.touch(wait_ms=300)
        asked = bench.last()
        prices[position] = (
            placed(asked, 1)["price_ticks"].max(),
            placed(asked, -1)["price_ticks"].min(),
        )
    for side in (0, 1):
        assert prices[1_000][side] < prices[0][side] < prices[-1_000][side]
        assert prices[-1_000][side] - prices[1_000][side] >= 400  # 4 bps over half the limit


@pytest.mark.parametrize("position", [3_000, -3_000])
def test_over_the_limit_only_the_reducing_side_is_quoted_and_flagged(position):
    """T-30, T-32, T-46: an inherited position over the limit is worked off, never added to."""
    bench = Bench(btc())
    bench.start(position)
    bench.touch(wait_ms=300)
    asked = placed(bench.last())
    assert len(asked) > 0
    assert set(asked["side"]) == {-1 if position > 0 else 1}
    assert set(asked["marks"]) == {int(Mark.REDUCE_ONLY)}
    assert asked["size_lots"].sum() <= abs(position)


def test_stale_prices_withdraw_every_quote_without_any_message():
    """I5, T-57, F2: silence is noticed by the timer and the quotes are cancelled."""
    bench = Bench(btc())
    orders = placed(bench.quote())
    for row in orders:
        seq = int(row["order_seq"])
        bench.say(Kind.ORDER_RESTED, wait_ms=1, order_seq=seq, oid=seq + 900)
    cancelled = 0
    for _ in range(20):
        asked = bench.say(Kind.TIMER, wait_ms=250)
        cancelled += int((asked["kind"] == Ask.CANCEL).sum())
        assert len(placed(asked)) == 0 or cancelled == 0
    assert cancelled == len(orders)


def test_a_price_that_jumps_in_one_frame_is_not_quoted_on_until_frames_agree():
    """T-97, F53: one absurd frame moves nothing; three that agree are believed."""
    bench = Bench(btc())
    bench.quote()
    bench.touch(1_300_000, wait_ms=300)
    assert bench.state.touch.good_mid2 == 2_000_000
    assert not summarise(bench.states)["is_quoting"]
    bench.touch(1_300_000, wait_ms=300)
    bench.touch(1_300_100, wait_ms=300)
    assert bench.state.touch.good_mid2 == 2_600_200


def test_pause_cancels_everything_and_resume_quotes_again():
    bench = Bench(btc())
    orders = placed(bench.quote())
    for row in orders:
        seq = int(row["order_seq"])
        bench.say(Kind.ORDER_RESTED, wait_ms=1, order_seq=seq, oid=seq + 900)
    asked = bench.say(Kind.CONTROL, reason=Reason.OPERATOR_PAUSE)
    assert (asked["kind"] == Ask.CANCEL).sum() == len(orders)
    for row in orders:
        seq = int(row["order_seq"])
        left = int(row["size_lots"])
        bench.say(Kind.ORDER_ENDED, wait_ms=1, order_seq=seq, remaining_lots=left)
    bench.touch(wait_ms=300)
    assert table.is_quiet(bench.state.table)
    assert len(placed(bench.say(Kind.CONTROL, reason=Reason.OPERATOR_RESUME))) == len(orders)


def test_an_unchanged_market_costs_no_request():
    """T-73, F-62: once the models have settled, quotes that stand right are left alone."""
    bench = Bench(btc())
    for row in placed(bench.quote()):
        seq = int(row["order_seq"])
        bench.say(Kind.ORDER_RESTED, wait_ms=1, order_seq=seq, oid=seq + 900)
    for _ in range(1_200):
        for row in bench.touch(wait_ms=1_000):
            kind = Kind.ORDER_RESTED if row["kind"] == Ask.PLACE else Kind.ORDER_ENDED
            seq, left = int(row["order_seq"]), 10_000
            bench.say(kind, wait_ms=1, order_seq=seq, oid=seq + 900, remaining_lots=left)
    before = bench.state.budget.used
    for _ in range(200):
        bench.touch(wait_ms=250)
    assert bench.state.budget.used == before


def test_a_stranger_on_our_account_is_cancelled():
    """I2, F41, T-74: an open order nobody in this session placed goes."""
    bench = Bench(btc())
    bench.quote()
    asked = bench.say(Kind.ORDER_FOREIGN, oid=77)
    assert asked["kind"].tolist() == [Ask.CANCEL_OID] and asked["oid"].tolist() == [77]


def test_history_replayed_at_the_start_moves_nothing():
    """T-31, F-08, F39: the first snapshot of fills is already in the position."""
    bench = Bench(btc())
    for i in range(20):
        bench.say(
            Kind.FILL,
            side=1,
            price_ticks=1_000_000,
            size_lots=10,
            tid=i,
            marks=int(Flag.SNAPSHOT),
        )
    bench.start(0)
    assert bench.state.fills.position_lots == 0
    assert profit_usd(bench.states)["total"] == 0.0


def test_a_snapshot_older_than_our_fills_is_not_believed_and_a_lasting_difference_is():
    """F44, I3: like is compared with like; what persists is the exchange's truth."""
    bench = Bench(btc())
    bench.quote()
    bench.say(Kind.FILL, side=1, price_ticks=999_000, size_lots=10, tid=5)
    bench.say(Kind.POSITION, position_lots=0, venue_ns=bench.now - NS_PER_S)
    assert bench.state.fills.position_lots == 10
    for _ in range(18):
        bench.say(Kind.POSITION, position_lots=4, wait_ms=1_000)
    assert bench.state.fills.position_lots == 4
    assert bench.state.counters.position_mismatches > 0


class World:
    """One engine, one venue, one random market; checks the truth after every step."""

    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.venue = Venue(seed + 1)
        self.bench = Bench(btc(position_limit_usd=2_000))
        self.limit = 2_000
        self.mid = 1_000_000
        self.bench.start()

    def carry_out(self, actions) -> None:
        for action in actions:
            seq, kind = int(action["order_seq"]), int(action["kind"])
            if kind == Ask.PLACE:
                self.venue.place(seq, int(action["side"]), int(action["size_lots"]))
            else:
                self.venue.act(kind, seq)

    def deliver(self, channel: str) -> None:
        waiting = self.venue.channels[channel]
        if not waiting:
            return
        message = dict(waiting.pop(0))
        kind = message.pop("kind")
        if kind == Kind.FILL:
            message |= {"price_ticks": self.mid, "venue_ns": self.bench.now + BLOCK_NS}
            message["venue_ns"] = 2_000 * NS_PER_S + message["tid"]
        self.carry_out(self.bench.say(kind, wait_ms=1, **message))

    def step(self) -> None:
        choice = self.rnd.random()
        if choice < 0.25:
            self.mid = max(900_000, self.mid + self.rnd.randint(-300, 300))
            self.carry_out(self.bench.touch(self.mid, wait_ms=self.rnd.randint(20, 300)))
        elif choice < 0.35 and self.venue.orders:
            self.venue.trade(self.rnd.choice(list(self.venue.orders)), self.rnd.randint(1, 900))
        elif choice < 0.4:
            self.carry_out(self.bench.say(Kind.TIMER, wait_ms=250))
        else:
            self.deliver(self.rnd.choice(("reply", "updates", "fills")))

    def check(self) -> None:
        """I1, T-34: whatever fills now, the user's cap holds on both sides, in truth."""
        venue = self.venue
        assert venue.position + venue.may_fill(1) <= self.limit
        assert -venue.position + venue.may_fill(-1) <= self.limit

    def settle(self) -> None:
        self.carry_out(self.bench.say(Kind.CONTROL, reason=Reason.OPERATOR_PAUSE))
        for _ in range(SECONDS_TO_SETTLE):
            for channel in self.venue.channels:
                for _ in range(len(self.venue.channels[channel])):
                    self.deliver(channel)
                    self.check()
            self.carry_out(self.bench.say(Kind.TIMER, wait_ms=1_000))


@pytest.mark.parametrize("seed", range(25))
def test_no_interleaving_of_fills_losses_and_silence_breaks_the_users_cap(seed):
    """I1, I2, I3, T-34, F15-F22: safety at every step; then pause, and nothing is left over."""
    world = World(seed)
    for _ in range(400):
        world.step()
        world.check()
    world.settle()
    state = world.bench.state
    assert table.is_quiet(state.table)
    assert state.fills.position_lots == world.venue.position
    assert world.venue.may_fill(1) == world.venue.may_fill(-1) == 0
    assert state.table.contradictions == 0
    assert state.table.placed > 0


def recorded_run(seed: int = 3, steps: int = 300) -> Bench:
    world = World(seed)
    for _ in range(steps):
        world.step()
    return world.bench


def test_replaying_the_events_gives_the_same_bytes():
    """I10, T-81: the same events give the same actions and the same state, byte for byte."""
    bench = recorded_run()
    states, actions = initial_state(btc(position_limit_usd=2_000)), empty_actions()
    for heard, asked in zip(bench.heard, bench.asked, strict=True):
        n = step(states, np.frombuffer(heard, EVENT).copy(), actions)
        assert actions[:n].tobytes() == asked
    assert states.tobytes() == bench.states.tobytes()


def digest_of_a_run() -> str:
    bench = recorded_run(steps=120)
    return hashlib.sha256(b"".join(bench.asked) + bench.states.tobytes()).hexdigest()


def test_compiled_and_interpreted_engines_decide_the_same_bits():
    """Both modes of `@kernel` are one program: a debugger sees what trades."""
    root = Path(__file__).resolve().parent.parent
    program = "from tests.test_engine import digest_of_a_run; print(digest_of_a_run())"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": f"{root / 'src'}:{root}"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == digest_of_a_run()
