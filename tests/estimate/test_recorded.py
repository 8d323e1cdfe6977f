"""The estimators on recorded markets: sane numbers with error bars, from market data alone."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypermaker.estimate import adverse_selection, fair_price, fill_intensity, priors, volatility
from hypermaker.estimate import order_flow as flow

SESSIONS = [
    ("2025-09-04T1946Z", "BTC"),
    ("2025-09-04T1946Z", "SOL"),
    ("2025-12-10T2119Z", "ETH"),
]


def events(folder: Path, coin: str) -> list[tuple[int, int, float, float, float, float]]:
    """Return (ns, side, ...) in venue order, trades before the book of their block.

    A book has side 0 and bid, bid size, ask, ask size; a trade its side, price and size. Trades
    older than the first book are the subscription's replay and are left out, as are duplicates.
    """
    import pyarrow.parquet as pq

    quotes = pq.read_table(folder / f"{coin}_bbo.parquet").to_pydict()
    trades = pq.read_table(folder / f"{coin}_trades.parquet").to_pydict()
    made: list[tuple[int, int, float, float, float, float]] = []
    touch = {"bid": (0.0, 0.0), "ask": (0.0, 0.0)}
    for ms, price, size, side in zip(
        *(quotes[key] for key in ("exchange_timestamp", "price", "size", "side")), strict=True
    ):
        touch[side] = (price, size)
        if side == "ask":
            made.append((int(ms) * 10**6, 0, *touch["bid"], *touch["ask"]))
    seen: set[int] = set()
    for ms, price, size, side, tid in zip(
        *(trades[key] for key in ("exchange_timestamp", "price", "size", "side", "trade_id")),
        strict=True,
    ):
        if int(ms) * 10**6 >= made[0][0] and tid not in seen:
            seen.add(tid)
            way = 1 if side == "buy" else -1
            made.append((int(ms) * 10**6, way, price, size, 0.0, 0.0))
    return sorted(made, key=lambda event: (event[0], event[1] == 0))


class Room:
    """One record of each estimator, fed as the engine feeds them."""

    def __init__(self, prior: priors.Prior) -> None:
        self.vol = np.zeros(1, volatility.VOLATILITY)
        self.fills = np.zeros(1, fill_intensity.FILL_INTENSITY)
        self.fair = np.zeros(1, fair_price.FAIR_PRICE)
        self.adverse = np.zeros(1, adverse_selection.ADVERSE_SELECTION)
        self.flow = np.zeros(1, flow.ORDER_FLOW)
        volatility.reset(self.vol[0], prior.sigma_bps, priors.SIGMA_N)
        fill_intensity.reset(self.fills[0], prior.a_per_s, prior.kappa_per_bps, priors.INTENSITY_N)
        fair_price.reset(self.fair[0])
        adverse_selection.reset(self.adverse[0], prior.epsilon_bps, 8.0)
        flow.reset(self.flow[0], 0.3, 0.3, 0.1, 1.0)

    def take(self, event: Any) -> None:
        """Feed one event."""
        ns, side, *rest = event
        if side == 0:
            bid, ask = (rest[0], rest[1]), (rest[2], rest[3])
            if fair_price.update(self.fair[0], ns, bid, ask):
                mid = fair_price.mid_ticks(self.fair[0])
                volatility.update(self.vol[0], ns, mid)
                half = fair_price.half_spread_bps(self.fair[0])
                fill_intensity.see_touch(self.fills[0], ns, half)
                adverse_selection.observe_mid(self.adverse[0], ns, mid)
                flow.observe_book(self.flow[0], ns, bid, ask)
            return
        mid = fair_price.mid_ticks(self.fair[0])
        if mid > 0.0:
            depth = side * (rest[0] / mid - 1.0) * 1e4
            fill_intensity.observe_trade(self.fills[0], side, depth, rest[1], ns)
            adverse_selection.observe_trade(self.adverse[0], side, depth, ns)
            flow.observe_trade(self.flow[0], side, ns)


@pytest.fixture(params=SESSIONS, ids=lambda p: f"{p[1]}-{p[0]}", scope="module")
def room(request: pytest.FixtureRequest, shared: Path) -> Room:
    """A room that has lived through one recorded session."""
    session, coin = request.param
    folder = shared / "data" / "hyperliquid" / "l2_bbo_trades" / session
    if not folder.is_dir():
        pytest.skip(f"no recording: {folder} does not exist")
    made = Room(priors.prior_for(coin))
    for event in events(folder, coin):
        made.take(event)
        bid, ask = made.fair["bid_ticks"][0], made.fair["ask_ticks"][0]
        assert bid <= fair_price.fair_ticks(made.fair[0]) <= ask
    return made


def test_everything_is_ready_without_a_fill_of_our_own(room: Room) -> None:
    """F-35: no gate depends on own fills; ten minutes of a market are enough."""
    assert volatility.ready(room.vol[0])
    assert fill_intensity.ready(room.fills[0])
    assert fair_price.ready(room.fair[0])
    assert flow.ready(room.flow[0])
    assert adverse_selection.ready(room.adverse[0])


def test_the_numbers_are_those_of_a_market(room: Room) -> None:
    """Volatility 0.2 to 4 bps/sqrt(s), 1/kappa 0.4 to 5 bps, adverse move inside +-3 bps."""
    assert 0.2 < volatility.sigma_bps(room.vol[0]) < 4.0
    assert 0.4 < 1.0 / fill_intensity.kappa_per_bps(room.fills[0]) < 5.0
    for side in (-1, 1):
        assert 0.005 < fill_intensity.a_per_s(room.fills[0], side) < 2.0
        assert fill_intensity.log_a_stderr(room.fills[0], side) < 0.5
        for h in range(adverse_selection.HORIZONS):
            assert abs(adverse_selection.markout_bps(room.adverse[0], side, 0, h)) < 3.0
    assert fill_intensity.stderr(room.fills[0]) < 0.2 * fill_intensity.kappa_per_bps(room.fills[0])


def test_takers_are_informed_and_imbalance_leans(room: Room) -> None:
    """A second after an order the mid has moved its way on either side; the lean is positive."""
    moves = [adverse_selection.markout_bps(room.adverse[0], side, 0, 0) for side in (-1, 1)]
    assert min(moves) > 0.0
    assert fair_price.lean(room.fair[0]) > 2 * fair_price.stderr(room.fair[0])
    assert math.isfinite(flow.drift_bps_per_s(room.flow[0], int(room.fair["last_ns"][0])))
