"""What several engines on one account share: margin, requests and the latch.

One engine a coin knows nothing of the others. This pure function stands above them: it splits the
account's free margin and request budget, and the shell hands each engine its share in an ACCOUNT
and a BUDGET event, so that every engine stays alone testable and replayable.

The split is max-min fair by weight: nobody gets more than it asks for, and what one does not need
is shared by those who want more. The shares never add up to more than there is. NaN closes: an
engine whose wish or weight is not finite gets nothing, and nobody gets a share of an unknown sum.
"""

from math import floor, inf
from typing import Any

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import kernel, record
from hypermaker.risk.kill_switch import KillReason

ENGINES_MAX = 64
CLAIM = record(
    ("wanted", "f8"),  # what the engine could use, USD of margin or requests
    ("weight", "f8"),  # > 0; equal weights for equal rights
    ("share", "f8"),  # out
)
ACCOUNT_WIDE = frozenset(
    {
        KillReason.LOSS,
        KillReason.DRAWDOWN,
        KillReason.STALE_USER,
        KillReason.RATE_LIMIT,
        KillReason.LIQUIDATION_NEAR,
        KillReason.LIQUIDATED,
        KillReason.MANUAL,
    }
)
_ACCOUNT_WIDE = np.array([reason in ACCOUNT_WIDE for reason in KillReason])
Claims = npt.NDArray[Any]


@kernel
def _is_open(claim: Any) -> bool:
    """Return whether a claim is sound and still wants more than it has."""
    sound = 0.0 < claim.weight < inf and 0.0 < claim.wanted < inf
    return bool(sound and claim.share < claim.wanted)


@kernel
def _part_per_weight(left: float, claims: Claims, count: int) -> float:
    """Return what a weight of one is offered this round; 0 when nobody wants more."""
    weight = 0.0
    for i in range(count):
        if _is_open(claims[i]):
            weight += claims[i].weight
    return left / weight if weight > 0.0 else 0.0


@kernel
def _serve_modest(part: float, claims: Claims, count: int) -> float:
    """Serve in full every open claim that wants no more than its part; return what that took."""
    served = 0.0
    for i in range(count):
        claim = claims[i]
        if _is_open(claim) and claim.wanted <= part * claim.weight:
            claim.share = claim.wanted
            served += claim.wanted
    return served


@kernel
def split(total: float, claims: Claims) -> None:
    """Write each claim's share of a total; O(n^2) in the number of engines, at most 64.

    In each round every open claim is offered its part of what is left. Claims that want no more
    than their part are served in full and the round is repeated; when there are none, the parts
    are final.
    """
    count = min(claims.size, ENGINES_MAX)
    for i in range(claims.size):
        claims[i].share = 0.0
    if not (0.0 < total < inf):
        return
    left, part, served = total, 0.0, 1.0
    while served > 0.0:
        part = _part_per_weight(left, claims, count)
        served = _serve_modest(part, claims, count)
        left = max(0.0, left - served)  # rounding may take a hair too much
    for i in range(count):
        if _is_open(claims[i]):
            claims[i].share = part * claims[i].weight


@kernel
def split_whole(total: int, claims: Claims) -> None:
    """The same in whole units (requests, micro-USD): every share is rounded down."""
    split(float(max(0, total)), claims)
    for i in range(claims.size):
        claims[i].share = floor(claims[i].share)


@kernel
def account_kill(latches: Any) -> int:
    """Return the first KillReason among the engines' latches that stops all of them, else 0.

    A reason of one coin (its data, its position, its prices) stops that coin alone; a reason of
    the account (its equity, its streams, its rate, its owner) stops every engine.
    """
    for i in range(latches.size):
        if _ACCOUNT_WIDE[latches[i].reason]:
            return int(latches[i].reason)
    return KillReason.NONE
