"""The venue's limits as eight gauges, computed when they are read so that the age really ages."""

from math import inf
from typing import Any

from hypermaker.core.units import NS_PER_MS
from hypermaker.risk import exchange_limits

NAMES = (
    "mm_exchange_max_long",
    "mm_exchange_max_short",
    "mm_exchange_available_buy",
    "mm_exchange_available_sell",
    "mm_exchange_effective_bid",
    "mm_exchange_effective_ask",
    "mm_exchange_limits_age_ms",
    "mm_exchange_limits_valid",
)


def exchange_gauges(
    limits: Any, position_lots: int, *, lots_per_coin: float, now_ns: int
) -> dict[str, float]:
    """Return the gauges of a LIMITS record at a time; sizes in coins, age in ms.

    max_long, max_short       the position the venue's last valid answer allows; inf before one
    available_buy, _sell      that answer itself, our resting orders included
    effective_bid, _ask       what may be bought and sold now, the way out of a position included
    age_ms                    of the older side; inf before the first valid answer
    valid                     0 while the latest answer lacks a side, and before the first
    """
    answer = limits.exchange
    sides = (answer.buy, answer.sell)
    lots = [float(side.lots) if side.known else inf for side in sides]
    reach = [lots[0] + answer.buy.position_lots, lots[1] - answer.sell.position_lots]
    age = max(exchange_limits.age_ns(side, now_ns) if side.known else inf for side in sides)
    cap = int(limits.user_lots)
    long = exchange_limits.long_lots(answer, position_lots, cap, now_ns)
    short = exchange_limits.short_lots(answer, position_lots, cap, now_ns)
    effective = [max(0, long - position_lots), max(0, short + position_lots)]
    sizes = [value / lots_per_coin for value in (*reach, *lots, *effective)]
    values = (*sizes, age / NS_PER_MS, 0.0 if answer.degraded else 1.0)
    return dict(zip(NAMES, values, strict=True))
