"""Tapes drawn from models the estimators assume, so that what they should say is known."""

from pathlib import Path
from typing import Any

import numpy as np

from hypermaker.core.events import EVENT, Events, Flag, Kind, Source
from hypermaker.research.tapes import Tape
from hypermaker.state import EngineConfig, config_for

START_NS = 1_757_000_000_000_000_000
MID_TICKS = 1_000_000
SIGMA_BPS, A_PER_S, KAPPA_PER_BPS = 1.2, 0.4, 0.5


def config() -> EngineConfig:
    """The configuration a recording of BTC gets."""
    wishes = {"position_limit_usd": 1e9}
    return config_for("BTC", sz_decimals=5, price_usd=1e5, wishes=wishes)


def tape_of(events: Events) -> Tape:
    """Events as an opened tape."""
    return Tape(Path("drawn"), "BTC", events, config())


def drawn(*, seed: int, seconds: int, hole_s: int = 0, half_bps: float = 0.02) -> Events:
    """A random walk seen every 250 ms and takers of exponential depth; perhaps a hole half-way.

    half_bps   half the touch; A_PER_S orders of either side come to it and go Exp(kappa) beyond
    """
    rng = np.random.default_rng(seed)
    count = 4 * seconds
    steps = rng.normal(0.0, SIGMA_BPS * np.sqrt(0.25), count)
    steps[0] = 0.0
    mids = MID_TICKS * np.exp(1e-4 * np.cumsum(steps))
    touches = _touches(mids, half_bps, rng)
    touches["venue_ns"] = START_NS + np.arange(count) * 250_000_000
    prints = _prints(mids, seconds, half_bps, rng)
    events = np.concatenate([touches, prints], dtype=EVENT)
    events = events[np.argsort(events["venue_ns"], kind="stable")]
    late = events["venue_ns"] >= START_NS + seconds * 500_000_000
    events["venue_ns"][late] += hole_s * 1_000_000_000
    events["received_ns"] = events["venue_ns"] + 200_000_000
    return events


def _touches(mids: Any, half_bps: float, rng: Any) -> Events:
    touches = np.zeros(len(mids), EVENT)
    touches["kind"], touches["source"] = Kind.BBO, Source.BBO
    touches["bid_ticks"] = np.floor(mids * (1.0 - 1e-4 * half_bps)).astype(np.int64)
    touches["ask_ticks"] = np.ceil(mids * (1.0 + 1e-4 * half_bps)).astype(np.int64)
    touches["bid_lots"] = rng.integers(100, 10_000, len(mids))
    touches["ask_lots"] = rng.integers(100, 10_000, len(mids))
    return touches


def _prints(mids: Any, seconds: int, half_bps: float, rng: Any) -> Events:
    """One print an order, at a depth that Exp(kappa) draws, between two touches."""
    count = rng.poisson(2.0 * A_PER_S * seconds)
    times = np.sort(rng.uniform(0.0, seconds, count))
    times = times[times > 1.0]
    prints = np.zeros(len(times), EVENT)
    prints["kind"], prints["source"] = Kind.TRADE, Source.TRADES
    prints["side"] = rng.choice([-1, 1], len(times))
    prints["venue_ns"] = START_NS + (times * 1e9).astype(np.int64)
    before = mids[(times / 0.25).astype(np.int64)]
    depth_bps = half_bps + rng.exponential(1.0 / KAPPA_PER_BPS, len(times))
    prints["price_ticks"] = np.rint(before * (1.0 + 1e-4 * prints["side"] * depth_bps))
    prints["size_lots"] = rng.integers(1, 1_000, len(times))
    prints["tid"] = np.arange(len(times)) + 1
    return prints


def with_backfill(events: Events) -> Events:
    """The same tape with old news in front of its prints, marked as such."""
    trades = events[events["kind"] == Kind.TRADE][:30].copy()
    trades["marks"] = Flag.BACKFILL
    trades["tid"] += 10**9
    return np.concatenate([events[:400], trades, events[400:]], dtype=EVENT)
