"""Close a position at once, but not at any price: reduce-only IOC orders inside a band of the mark.

The band is taken around the mark of the moment unwinding begins and does not move, so a falling
market is not chased down. Each order goes alone, never with post-only orders (one IOC delays a
whole batch), for all that is left; the position is read from the venue after each. Reduce-only
makes a late or doubled order harmless: it cannot open anything.
"""

import asyncio

from hypermaker.config import KillPolicy
from hypermaker.core.units import (
    BPS,
    NS_PER_MS,
    NS_PER_S,
    ceil_to_grid,
    floor_to_grid,
    parse_units,
)
from hypermaker.errors import LinkError
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.wire_exchange import OrderWire
from hypermaker.shell.clock import Clock
from hypermaker.shell.orders_out import Trader
from hypermaker.shell.startup import AccountValue, account_value
from hypermaker.shell.transport import Http

PAUSE_S = 0.5


async def unwind(http: Http, trader: Trader, policy: KillPolicy, *, clock: Clock) -> bool:
    """Take the book until the account holds nothing of the coin; return whether it got there.

    It gives up after `policy.seconds`; no order is ever priced outside the band.
    """
    give_up_ns = clock() + int(policy.seconds * NS_PER_S)
    mark_usd = 0.0
    while clock() < give_up_ns:
        try:
            seen = await account_value(http, trader.address, trader.asset.coin)
            held = parse_units(seen.position, trader.asset.sz_decimals)
            if held == 0:
                return True
            mark_usd = mark_usd or seen.mark_usd
            order = closing_order(trader, seen, band_bps=policy.band_bps, mark_usd=mark_usd)
            nonce = trader.nonces.next(clock() // NS_PER_MS)
            action = encode.place_action([order])
            await http.exchange(encode.signed_request(trader.signer, action, nonce, trader.vault))
        except LinkError:
            pass  # not knowing is no reason to stop closing, and reduce-only makes repeating safe
        await asyncio.sleep(PAUSE_S)
    return False


def closing_order(
    trader: Trader, seen: AccountValue, *, band_bps: float, mark_usd: float
) -> OrderWire:
    """Return the order that closes all of a position at the worst price of the band.

    seen       the account; its position is not zero
    mark_usd   the middle of the band, > 0
    """
    asset = trader.asset
    held = parse_units(seen.position, asset.sz_decimals)
    side = -1 if held > 0 else 1
    edge_ticks = mark_usd * 10**asset.price_decimals * (1.0 + side * band_bps / BPS)
    inward = floor_to_grid if side > 0 else ceil_to_grid
    return encode.order(
        asset,
        side,
        price_ticks=inward(edge_ticks, asset.price_decimals),
        size_lots=abs(held),
        reduce_only=True,
        tif="Ioc",
    )
