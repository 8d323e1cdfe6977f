"""A latch in a known state, for the tests of everything that reads one."""

from types import ModuleType
from typing import Any

import numpy as np

from hypermaker.core.units import NS_PER_S
from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import DAY_NS, KILL_SWITCH
from hypermaker.risk.settings import KILL_SETTINGS, configure

NOON_NS = 20_000 * DAY_NS + DAY_NS // 2
CAP_LOTS = 10
Latch = Any


def latch(module: ModuleType = kill_switch, equity: float = 1000.0, **chosen: float) -> Latch:
    """Return an armed latch at noon: cap 10 lots, one lot is 1 USD at price 100."""
    made = np.zeros(1, KILL_SWITCH)
    settings = {"position_lots_max": float(CAP_LOTS), "value_usd_max": 1e6} | chosen
    configure(made["settings"], KILL_SETTINGS, settings)
    module.reset(made[0], NOON_NS)
    module.on_equity(made[0], equity)
    module.on_price(made[0], 100.0, 1.0, NOON_NS)
    return made[0]


def seconds(value: float) -> int:
    """Return noon plus so many seconds."""
    return NOON_NS + round(value * NS_PER_S)


def alive(m: ModuleType, rec: Latch, at: float) -> int:
    """Let market and user data speak at a time, then check."""
    m.on_market(rec, seconds(at))
    m.on_user(rec, seconds(at))
    return int(m.check(rec, seconds(at)))
