"""What the venue says when asked: one path for start, reconnect, the timer and single questions.

Every answer becomes events; nothing is decided here. Absence from a list is an event that asks, a
position snapshot is an event that is compared, fills come back as often as they like (each counts
once in the engine).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from hypermaker.core.actions import Ask
from hypermaker.core.events import EVENT, Kind
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.errors import LinkError, ProtocolError
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.wire_info import InfoRequest
from hypermaker.orders.table import Life
from hypermaker.shell.clock import Clock
from hypermaker.shell.orders_out import Question, Trader
from hypermaker.shell.session import Session
from hypermaker.shell.transport import Http

EVERY_S = 10.0
SOON_S = 2.0
"""While engine and venue differ: most differences are one fill that was on its way."""
BUDGET_EVERY = 6
"""The address budget is read at every sixth round: it costs as much IP weight as the orders."""
GRACE_NS = 2 * NS_PER_S
"""An order younger than this may be missing from a list that was made before it."""
CLOCK_MARGIN_MS = 60_000
"""Fills are asked for from this much before our own time: clocks differ."""
PAGES_MAX = 10
ROWS_MAX = 4096
_LISTED = (Life.OPEN, Life.CANCELLING)


class Reconciler:
    """Asks the venue over HTTP and tells the engine what it said.

    Every method raises LinkError when there is no answer, or none that can be read.
    """

    def __init__(
        self, trader: Trader, session: Session, decoder: Decoder, *, http: Http, clock: Clock
    ) -> None:
        self._trader = trader
        self._session = session
        self._decoder = decoder
        self._http = http
        self._clock = clock
        self._rows = np.zeros(ROWS_MAX, EVENT)

    async def keep(self) -> None:
        """Compare with the venue on a timer; a round that fails is a round skipped."""
        round_number = 0
        while True:
            await asyncio.sleep(SOON_S if self._session.is_apart else EVERY_S)
            round_number += 1
            try:
                await self.compare()
                if round_number % BUDGET_EVERY == 0:
                    await self.budget()
            except LinkError as error:
                self._session.journal.note(f"comparison skipped: {error}")

    async def compare(self) -> None:
        """Bring orders, fills and position together with the venue's."""
        await self.open_orders()
        await self.fills_since(self._session.newest_fill_ms)
        await self.position()

    async def unsettled(self) -> None:
        """Ask at once how orders ended whose end we may have missed while the link was down."""
        for order in self._session.live_orders():
            if order.life is Life.SETTLING:
                await self._status(order.order_seq)

    async def begin(self) -> None:
        """Learn what the account is and may do, before the first quote."""
        await self.fees()
        await self.budget()
        await self.position()
        await self.limits()

    async def open_orders(self) -> None:
        """Compare the open orders of our coin with the engine's table."""
        asked_ns = self._clock()
        before = {order.order_seq: order for order in self._session.live_orders()}
        raw = await self._ask(InfoRequest("openOrders", user=self._trader.address))
        expected = [
            order.order_seq
            for order in before.values()
            if order.life in _LISTED and asked_ns - order.changed_ns > GRACE_NS
        ]
        with _readable():
            count = self._decoder.decode_open_orders(raw, self._clock(), self._rows, expected)
        rows = self._rows[:count]
        known = before.keys() | {order.order_seq for order in self._session.live_orders()}
        ghosts = (rows["kind"] == Kind.ORDER_RESTED) & ~np.isin(rows["order_seq"], list(known))
        rows["kind"][ghosts] = Kind.ORDER_FOREIGN  # ours by its id, but the table has let it go
        self._session.hear(rows)

    async def position(self) -> None:
        """Tell the engine the venue's position and equity."""
        raw = await self._ask(InfoRequest("clearinghouseState", user=self._trader.address))
        with _readable():
            count = self._decoder.decode_clearinghouse(raw, self._clock(), self._rows)
        self._session.hear(self._rows[:count])

    async def fills_since(self, since_ms: int) -> None:
        """Tell the engine every fill from a venue time on."""
        if since_ms == 0:
            since_ms = self._clock() // NS_PER_MS - CLOCK_MARGIN_MS
        await self._fills(since_ms, order_seq=0)

    async def _fills(self, since_ms: int, order_seq: int) -> None:
        """Page through fills; FILLS_TOLD of the order follows the last page."""
        for _ in range(PAGES_MAX):
            raw = await self._ask(
                InfoRequest("userFillsByTime", user=self._trader.address, start_time=since_ms)
            )
            with _readable():
                count = self._decoder.decode_user_fills(
                    raw, self._clock(), self._rows, told_order_seq=order_seq
                )
            rows = self._rows[:count]
            self._session.hear(rows)
            is_last = not order_seq or not count or rows["kind"][-1] == Kind.FILLS_TOLD
            newest_ms = int(rows["venue_ns"].max()) // NS_PER_MS if count else since_ms
            if is_last or newest_ms <= since_ms:
                return
            since_ms = newest_ms

    async def fees(self) -> None:
        """Tell the engine what this account pays."""
        raw = await self._ask(InfoRequest("userFees", user=self._trader.address))
        with _readable():
            count = self._decoder.decode_user_fees(raw, self._clock(), self._rows)
        self._session.hear(self._rows[:count])

    async def budget(self) -> None:
        """Tell the engine what is left of the address budget."""
        raw = await self._ask(InfoRequest("userRateLimit", user=self._trader.address))
        with _readable():
            count = self._decoder.decode_rate_limit(raw, self._clock(), self._rows)
        self._session.hear(self._rows[:count])

    async def limits(self) -> None:
        """Tell the engine what the venue would let us trade."""
        trader = self._trader
        raw = await self._ask(
            InfoRequest("activeAssetData", user=trader.address, coin=trader.asset.coin)
        )
        with _readable():
            count = self._decoder.decode_active_asset_data(raw, self._clock(), self._rows)
        self._session.hear(self._rows[:count])

    async def answer(self, questions: "asyncio.Queue[Question]") -> None:
        """Ask the engine's questions, one after the other, for ever; unanswered ones come again."""
        while True:
            kind, order_seq, sent_ms = await questions.get()
            try:
                if kind is Ask.ASK_FILLS:
                    await self._fills(sent_ms - CLOCK_MARGIN_MS, order_seq)
                else:
                    await self._status(order_seq)
            except LinkError as error:
                self._session.journal.note(f"{kind.name} of order {order_seq}: {error}")

    async def _status(self, order_seq: int) -> None:
        cloid = cloid_of(self._trader.run_id, order_seq)
        raw = await self._ask(InfoRequest("orderStatus", user=self._trader.address, oid=cloid))
        with _readable():
            count = self._decoder.decode_order_status(raw, order_seq, self._clock(), self._rows)
        self._session.hear(self._rows[:count])

    async def _ask(self, request: InfoRequest) -> bytes:
        return await self._http.info(request)


@contextmanager
def _readable() -> Iterator[None]:
    """Turn an answer that cannot be read into LinkError: there was no answer."""
    try:
        yield
    except ProtocolError as error:
        raise LinkError(str(error)) from error
