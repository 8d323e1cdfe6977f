"""Which fills were forced: liquidations confirmed by the venue's own flag, from any list of fills.

No public stream marks a liquidation; fills do, on both legs of the trade. So a source of fills is
a source of facts: our own, those of an account we watch, or those of the aggressor of a burst,
asked for after it (confirm on demand). Everything here is a function of what was received; asking
is the shell's. Each leg counts a liquidation once, by (time, coin, tid).

Which side was forced: the liquidated account's own leg says so; any other leg is its counterparty,
whose buying means that a long was sold out. `method` "market" was matched on the book and moved
the price there; "backstop" was taken over beside it (auto-deleveraging included) and did not.

Source: protocol sheet 8.2, verified there on three real pairs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec

from hypermaker.core.units import NS_PER_MS
from hypermaker.hyperliquid.wire_info import Fill, Trade

ON_BOOK = "market"
SIGN = {"B": 1, "A": -1}


class Forced(msgspec.Struct, frozen=True):
    """A liquidation the venue has confirmed.

    side   of the forced order: -1 sold a long out, +1 bought a short back
    usd    price times size of this fill
    user   the liquidated account, "" when the venue did not name it
    """

    coin: str
    venue_ns: int
    side: int
    usd: float
    user: str
    method: str
    tid: int

    @property
    def is_on_book(self) -> bool:
        """Return whether the forced order was matched on the book, where it moves the price."""
        return self.method == ON_BOOK


class Sighting(msgspec.Struct, frozen=True):
    """A print one of the watched accounts had a hand in: a reason to ask, not a fact."""

    trade: Trade
    user: str
    is_aggressor: bool


def forced_fill(user: str, fill: Fill) -> Forced | None:
    """Return the liquidation behind one fill of this account, or None for an ordinary fill."""
    said = fill.liquidation
    if said is None:
        return None
    named = (said.liquidated_user or "").lower()
    own_leg = named == user.lower() if named else fill.crossed and fill.dir.startswith("Close")
    sign = SIGN[fill.side]
    return Forced(
        coin=fill.coin,
        venue_ns=fill.time * NS_PER_MS,
        side=sign if own_leg else -sign,
        usd=float(fill.px) * float(fill.sz),
        user=named or (user.lower() if own_leg else ""),
        method=said.method,
        tid=fill.tid,
    )


def confirmed(user: str, fills: Iterable[Fill], *, since_ns: int, until_ns: int) -> list[Forced]:
    """Return the liquidations among an account's fills in [since_ns, until_ns], each once.

    The answer to a burst: ask for its aggressor's fills, and this says what they were. An empty
    answer means that this account was not liquidated, not that nobody was.
    """
    found = {}
    for fill in fills:
        forced = forced_fill(user, fill)
        if forced is not None and since_ns <= forced.venue_ns <= until_ns:
            found[(forced.venue_ns, forced.coin, forced.tid)] = forced
    return sorted(found.values(), key=lambda one: (one.venue_ns, one.tid))


def aggressor(trade: Trade) -> str | None:
    """Return the account that took liquidity, None when the venue did not say."""
    if trade.users is None:
        return None
    return trade.users[0 if trade.side == "B" else 1].lower()


def whom_to_ask(burst: Iterable[Trade], *, side: int, accounts: int) -> list[str]:
    """Return the aggressors of one side by what they took [USD], largest first, at most so many.

    A look-up costs request weight, so only the largest are worth one.
    """
    taken: defaultdict[str, float] = defaultdict(float)
    for trade in burst:
        user = aggressor(trade)
        if user is not None and SIGN[trade.side] == side:
            taken[user] += float(trade.px) * float(trade.sz)
    return sorted(taken, key=lambda user: (-taken[user], user))[:accounts]


def sightings(trades: Iterable[Trade], watched: Collection[str]) -> list[Sighting]:
    """Return the prints that an account of the watch list (lowercase addresses) took part in."""
    seen = []
    for trade in trades:
        taker = aggressor(trade)
        for user in {name.lower() for name in trade.users or ()} & set(watched):
            seen.append(Sighting(trade, user, user == taker))
    return seen
