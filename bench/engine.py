"""What a decision costs: compiled, called from Python, and from a frame to signed bytes.

The market is a random walk whose every step is worth a decision; orders rest and end as soon as
they are asked for, so the table, the differ and the ledger do the work they do live. The frame
path is the whole live path but the socket: bytes, decode, journal, engine, encode, sign, bytes.
The baseline of the Python paths is the official SDK's work for the same frame, in the same run.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.row import Row
from hypermaker.core.actions import ACTIONS_MAX, Ask, empty_actions
from hypermaker.core.events import EVENT, Events, Kind, Source, event
from hypermaker.core.kernel import kernel
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.engine import process, step
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.shell.journal import JournalWriter, make_header
from hypermaker.shell.orders_out import OrdersOut, Trader
from hypermaker.shell.session import Session
from hypermaker.state import EngineConfig, config_for, initial_state

START_NS = 1_700_000_000 * NS_PER_S
MID_TICKS = 1_000_000
EQUITY_USD_MICRO = 10_000_000_000
KEY = bytes(31) + b"\x01"


@kernel
def drive(states: Any, events: Any, actions: Any, answers: Any) -> int:
    """Run every event, answering each order and cancel at once; return how many were asked."""
    asked = 0
    for i in range(events.size):
        n = process(states[0], events[i], actions)
        asked += n
        for j in range(n):
            answer = answers[0]
            answer.received_ns, answer.order_seq = events[i].received_ns, actions[j].order_seq
            answer.kind, answer.source = 0, Source.REPLY
            if actions[j].kind == Ask.PLACE:
                answer.kind, answer.oid = Kind.ORDER_RESTED, actions[j].order_seq
            elif actions[j].kind == Ask.CANCEL:
                answer.kind, answer.remaining_lots = Kind.ORDER_ENDED, 1 << 40
            if answer.kind != 0:
                process(states[0], answer, actions[ACTIONS_MAX - 8 :])
    return asked


def config() -> EngineConfig:
    """Return the engine every case runs: BTC, four levels a side."""
    return config_for("BTC", sz_decimals=5, price_usd=100_000.0, wishes={"started_ns": START_NS})


def market(count: int, seed: int = 1) -> Events:
    """Return touches 100 ms apart (a random walk of about 1.5 bps a second) and some trades."""
    rng = np.random.default_rng(seed)
    made = np.zeros(count, EVENT)
    mid = MID_TICKS + np.cumsum(rng.normal(0, 48, count)).astype(np.int64)
    at = START_NS + np.arange(1, count + 1) * 100 * NS_PER_MS
    made["kind"], made["source"] = Kind.BBO, Source.BBO
    made["bid_ticks"], made["ask_ticks"] = mid - 10, mid + 10
    made["bid_lots"] = made["ask_lots"] = 100_000
    made["received_ns"], made["venue_ns"] = at, at - 50 * NS_PER_MS
    trades = np.arange(3, count, 7)
    reach = rng.exponential(400, len(trades)).astype(np.int64)
    side = rng.choice((-1, 1), len(trades))
    made["kind"][trades], made["side"][trades] = Kind.TRADE, side
    made["price_ticks"][trades] = mid[trades] + side * reach
    made["size_lots"][trades], made["tid"][trades] = 50, trades
    accounts = np.arange(0, count, 50)  # every five seconds the account speaks
    made["kind"][accounts], made["source"][accounts] = Kind.ACCOUNT, Source.USER
    made["equity_usd_micro"][accounts] = made["margin_usd_micro"][accounts] = EQUITY_USD_MICRO
    return made


def started(states: Any) -> Any:
    """Tell an engine its position and equity, so that it may quote; return its states."""
    usd = EQUITY_USD_MICRO
    for made in (
        event(Kind.POSITION, START_NS, START_NS, position_lots=0),
        event(Kind.ACCOUNT, START_NS, START_NS, equity_usd_micro=usd, margin_usd_micro=usd),
    ):
        step(states, made, empty_actions())
    return states


def check_alive(states: Any) -> None:
    """Stop the bench when the engine was not quoting: it would time an engine that does nothing."""
    assert states[0].kill_switch.reason == 0 and states[0].table.placed > 0


def median_ns(call: Callable[[], object], count: int, rounds: int = 5) -> float:
    """Return the median over rounds of the mean time of one of `count` things `call` does."""
    call()
    took = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        call()
        took.append((time.perf_counter_ns() - begin) / count)
    return statistics.median(took)


def loop_rows(events: Events) -> list[Row]:
    """Time the compiled loop, against the same events called one by one from Python."""
    actions, answers = empty_actions(), np.zeros(1, EVENT)

    def compiled() -> None:
        states = started(initial_state(config()))
        drive(states, events, actions, answers)
        check_alive(states)

    one_by_one = [events[i : i + 1] for i in range(len(events))]

    def called() -> None:
        states = started(initial_state(config()))
        for one in one_by_one:
            step(states, one, actions)

    loop, call = median_ns(compiled, len(events)), median_ns(called, len(events))
    return [
        Row("engine, an event in the compiled loop", loop, "ns", call, "called from Python"),
        Row("engine, a call from Python", call / 1e3, "us", sdk_message_us(), "SDK reads a bbo"),
    ]


def bbo_frame(mid: int, at_ms: int) -> bytes:
    """Return a `bbo` frame as the venue sends it."""
    bid, ask = f"{(mid - 10) / 10:.1f}", f"{(mid + 10) / 10:.1f}"
    levels = [{"px": bid, "sz": "1.0", "n": 3}, {"px": ask, "sz": "1.0", "n": 3}]
    data = {"coin": "BTC", "time": at_ms, "bbo": levels}
    return json.dumps({"channel": "bbo", "data": data}, separators=(",", ":")).encode()


def sdk_message_us(count: int = 2_000) -> float:
    """Return what the official SDK's own message path takes for one bbo frame, in us."""
    from hyperliquid.websocket_manager import ActiveSubscription, WebsocketManager

    sdk = WebsocketManager("http://127.0.0.1:1")  # a thread that is never started
    sdk.ws_ready = True
    text = bbo_frame(MID_TICKS, START_NS // NS_PER_MS).decode()
    sdk.active_subscriptions["bbo:btc"] = [ActiveSubscription(lambda _: None, 1)]

    def read() -> None:
        for _ in range(count):
            sdk.on_message(None, text)

    return median_ns(read, count) / 1e3


class Sink:
    """Takes frames where a socket would; keeps the last."""

    has_room = True

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, raw: bytes) -> bool:
        """Take one frame."""
        self.frames.append(raw)
        return True


class LivePath:
    """The live path from a frame to signed bytes, on a clock in our hand."""

    def __init__(self, folder: Path) -> None:
        self.now_ns = START_NS
        asset = Asset(coin="BTC", asset_id=0, sz_decimals=5, max_leverage=40)
        signer = Signer(KEY, mainnet=False)
        self.decoder = Decoder(asset, signer.address, 7)
        header = make_header(
            run_id=7,
            asset="BTC",
            network="local",
            account=signer.address,
            started_ns=START_NS,
            engine=config(),
        )
        self.journal = JournalWriter(folder / "bench.hmj", header)
        self.session = Session(config(), self.journal, lambda: self.now_ns)
        trader = Trader(asset, signer.address, 7, signer, NonceCounter())
        self.out = OrdersOut(
            trader,
            self.decoder,
            self.session.hear,
            journal=self.journal,
            clock=lambda: self.now_ns,
        )
        self.sink = Sink()
        self.out.socket = self.sink
        self.session.carry_out = self.out.carry_out
        started(self.session.state)
        self.rows = np.zeros(64, EVENT)

    def frame(self, raw: bytes) -> int:
        """Run one frame through; return how many signed frames left."""
        before = len(self.sink.frames)
        count = self.decoder.decode(raw, self.now_ns, self.rows)
        self.session.hear(self.rows[:count])
        return len(self.sink.frames) - before

    def answer_all(self) -> None:
        """Let every order rest and every cancel succeed, outside the measured time."""
        for order in self.session.live_orders():
            kind = Kind.ORDER_RESTED if order.life.name == "SENT" else Kind.ORDER_ENDED
            self.session.hear(
                event(
                    kind,
                    self.now_ns,
                    source=Source.REPLY,
                    order_seq=order.order_seq,
                    oid=order.order_seq,
                    remaining_lots=1 << 40,
                )
            )
        self.out._pending.clear()


def path_row(count: int) -> Row:
    """Time frames that make the engine move its quotes, from bytes to the last signed bytes."""
    rng = np.random.default_rng(3)
    mids = MID_TICKS + np.cumsum(rng.choice((-200, 200), count))
    with tempfile.TemporaryDirectory() as folder:
        path = LivePath(Path(folder))
        took = []
        for mid in mids:
            path.now_ns += 500 * NS_PER_MS
            raw = bbo_frame(int(mid), path.now_ns // NS_PER_MS)
            begin = time.perf_counter_ns()
            sent = path.frame(raw)
            spent = time.perf_counter_ns() - begin
            if sent:
                took.append(spent / 1e3)
            path.answer_all()
        path.journal.close()
    assert len(took) > count // 4, "too few frames moved a quote to speak of percentiles"
    cuts = statistics.quantiles(took, n=100)
    return Row(
        f"frame in to signed bytes out, p50 (p99 {cuts[98]:.0f} us)",
        cuts[49],
        "us",
        sdk_path_us(),
        "SDK: read a bbo, sign one order",
        goal=300.0,
    )


def sdk_path_us(count: int = 200) -> float:
    """Return what the official SDK takes to read one bbo frame and sign one order, in us."""
    from eth_account import Account
    from hyperliquid.utils.signing import order_request_to_order_wire, order_wires_to_order_action
    from hyperliquid.utils.signing import sign_l1_action as sign

    wallet = Account.from_key(KEY)
    request: Any = {
        "coin": "BTC",
        "is_buy": True,
        "sz": 0.001,
        "limit_px": 99_000.0,
        "reduce_only": False,
        "order_type": {"limit": {"tif": "Alo"}},
    }

    def sign_one() -> None:
        for nonce in range(count):
            action = order_wires_to_order_action([order_request_to_order_wire(request, 0)])
            sign(wallet, action, None, nonce, None, False)

    return sdk_message_us() + median_ns(sign_one, count, rounds=3) / 1e3


def run(quick: bool = False) -> list[Row]:
    """Return the rows of this case."""
    events = market(5_000 if quick else 50_000)
    assert all(b > a for a, b in pairwise(events["received_ns"][:100]))
    return [*loop_rows(events), path_row(300 if quick else 2_000)]
