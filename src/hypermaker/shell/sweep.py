"""Leave no order behind: cancel all of a coin's open orders and see that the venue lists none.

The same sweep opens a session (what an earlier life left is not ours to trust, F64) and closes it
(F70). It needs nothing but HTTP and the key, so it works when the engine, the journal or the
WebSocket do not.
"""

import asyncio

import msgspec

from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.errors import LinkError, UnsafeExitError
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.wire_exchange import ENTRIES_MAX
from hypermaker.hyperliquid.wire_info import InfoRequest, OpenOrder
from hypermaker.shell.clock import Clock
from hypermaker.shell.orders_out import Trader
from hypermaker.shell.transport import Http

PAUSE_S = 0.3
"""Between a cancel and the next look: about four blocks."""
SWEEP_S_MAX = 20.0

_read_orders = msgspec.json.Decoder(list[OpenOrder]).decode


async def open_oids(http: Http, trader: Trader) -> list[int]:
    """Return the ids of all open orders of the coin, whoever placed them.

    Raises LinkError when the venue does not answer, or not in words we can read.
    """
    raw = await http.info(InfoRequest("openOrders", user=trader.address))
    try:
        return [order.oid for order in _read_orders(raw) if order.coin == trader.asset.coin]
    except msgspec.DecodeError as error:
        raise LinkError(f"open orders cannot be read: {error}") from error


async def sweep(http: Http, trader: Trader, *, clock: Clock) -> int:
    """Cancel until the venue lists no open order of the coin; return how many were cancelled.

    Raises UnsafeExitError when that cannot be shown in time.
    """
    give_up_ns = clock() + int(SWEEP_S_MAX * NS_PER_S)
    cancelled: set[int] = set()
    last = "no answer from the venue"
    while clock() < give_up_ns:
        try:
            oids = await open_oids(http, trader)
            if not oids:
                return len(cancelled)
            last = f"{len(oids)} open orders of {trader.asset.coin} on the venue"
            await _cancel(http, trader, oids[:ENTRIES_MAX], clock)
            cancelled.update(oids[:ENTRIES_MAX])
        except LinkError as error:
            last = str(error)
        await asyncio.sleep(PAUSE_S)
    raise UnsafeExitError(f"after {SWEEP_S_MAX:.0f} s of cancelling: {last}")


async def _cancel(http: Http, trader: Trader, oids: list[int], clock: Clock) -> None:
    action = encode.cancel_action(trader.asset.asset_id, oids)
    nonce = trader.nonces.next(clock() // NS_PER_MS)
    await http.exchange(encode.signed_request(trader.signer, action, nonce, trader.vault))
