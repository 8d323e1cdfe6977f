"""Leave no order behind: cancel all of a coin's open orders and see that the venue lists none.

The same sweep opens a session (what an earlier life left is not ours to trust, F64), closes it
(F70) and comes first when the latch fires. It needs nothing but HTTP and the key, so it works when
the engine, the journal or the WebSocket do not. Whoever placed an order, it goes (I2).
"""

import asyncio

import msgspec

from hypermaker.core.units import NS_PER_MS
from hypermaker.errors import LinkError, UnsafeExitError
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.wire_exchange import ENTRIES_MAX
from hypermaker.hyperliquid.wire_info import InfoRequest, OpenOrder
from hypermaker.shell.clock import Clock
from hypermaker.shell.orders_out import Trader
from hypermaker.shell.transport import Http

PAUSE_S = 0.5
"""Between a round of cancels and the next look: about seven blocks."""
START_ROUNDS = 5
END_ROUNDS = 40
"""We give up a start soon and an end late: about 20 seconds."""

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


async def sweep(http: Http, trader: Trader, *, clock: Clock, rounds: int) -> int:
    """Cancel until the venue lists no open order of the coin; return how many were cancelled.

    rounds   of cancelling everything listed, PAUSE_S apart; a look that fails is a round
    Raises   UnsafeExitError when the last look still finds an order, or finds nothing out
    """
    cancelled: set[int] = set()
    last = "no answer from the venue"
    for round_number in range(rounds + 1):
        try:
            oids = await open_oids(http, trader)
            if not oids:
                return len(cancelled)
            last = f"{len(oids)} open orders of {trader.asset.coin} on the venue"
            if round_number < rounds:
                await _cancel(http, trader, oids, clock)
                cancelled.update(oids)
        except LinkError as error:
            last = str(error)
        await asyncio.sleep(PAUSE_S)
    raise UnsafeExitError(f"after {rounds} rounds of cancelling: {last}")


async def _cancel(http: Http, trader: Trader, oids: list[int], clock: Clock) -> None:
    """Ask for the end of all these orders, in as few actions as the venue takes."""
    for first in range(0, len(oids), ENTRIES_MAX):
        batch = oids[first : first + ENTRIES_MAX]
        action = encode.cancel_action(trader.asset.asset_id, batch)
        nonce = trader.nonces.next(clock() // NS_PER_MS)
        await http.exchange(encode.signed_request(trader.signer, action, nonce, trader.vault))
