"""Answers to what we asked, as events: replies to actions, and info about orders and money.

Nothing here is believed beyond its words: a cancel that is refused is a question, a `filled` reply
is an order the venue knows (how much filled, the fills say), absence from a list is a question,
and an answer that cannot be read raises ProtocolError, which the shell books as unknown.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from struct import error as StructError
from typing import TypeVar

import msgspec

from hypermaker.core.actions import Ask
from hypermaker.core.events import Events, Flag, Kind, Reason, Source
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid.cloid import order_seq_of
from hypermaker.hyperliquid.rows import (
    RATE_DECIMALS,
    ROW_BYTES,
    USD_DECIMALS,
    Rows,
    Stamp,
    exact_units,
    pack_row,
    rounded_units,
)
from hypermaker.hyperliquid.wire_exchange import ExchangeReply, Status
from hypermaker.hyperliquid.wire_info import (
    ActiveAssetData,
    ClearinghouseState,
    Fill,
    OpenOrder,
    OrderStatusReply,
    UserFees,
    UserRateLimit,
)

FILLS_PAGE_MAX = 2000
"""Rows in one fills answer; a full page may have left older fills out."""

UNREADABLE = (msgspec.DecodeError, ValueError, OverflowError, StructError, RecursionError)
"""Every way in which bytes can be wrong."""

Payload = bytes | msgspec.Raw
T = TypeVar("T")


@contextmanager
def refusing(raw: Payload | memoryview, what: str) -> Iterator[None]:
    """Turn every way bytes can be wrong into ProtocolError with those bytes."""
    try:
        yield
    except UNREADABLE as error:
        raise ProtocolError(f"{what}: {error}", bytes(raw)) from error


def _reader(form: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(form)


_read_reply = _reader(ExchangeReply).decode
_read_orders = _reader(list[OpenOrder]).decode
_read_status = _reader(OrderStatusReply).decode
_read_state = _reader(ClearinghouseState).decode
_read_fills = _reader(list[Fill]).decode
_read_fees = _reader(UserFees).decode
_read_rate_limit = _reader(UserRateLimit).decode
_read_active = _reader(ActiveAssetData).decode

_REFUSED = {
    Ask.PLACE: Kind.ORDER_REFUSED,
    Ask.CANCEL: Kind.CANCEL_REFUSED,
    Ask.CANCEL_OID: Kind.CANCEL_REFUSED,
    Ask.BURN: Kind.OUTCOME_UNKNOWN,
}
_NONCE_SPENT = {
    Ask.PLACE: Kind.OUTCOME_UNKNOWN,
    Ask.CANCEL: Kind.CANCEL_REFUSED,
    Ask.CANCEL_OID: Kind.CANCEL_REFUSED,
    Ask.BURN: Kind.BURN_REFUSED,
}
_PLACED_WORDS = frozenset(("waitingForFill", "waitingForTrigger"))

_Line = tuple[Kind, int, Reason]
"""Event kind, oid (0 where none is told) and reason."""


def _refusal_line(text: str, kind: Ask) -> _Line:
    """Return what the refusal of a whole action means for each order in it.

    A nonce that is spent or outrun is no proof that the order never ran: an earlier copy of the
    same request may have.
    """
    refusal = rejects.refusal_of_text(text)
    reason = Reason.OTHER if refusal is None else refusal.reason
    if refusal is rejects.NONCE_DUPLICATE or refusal is rejects.NONCE_LOW:
        return _NONCE_SPENT[kind], 0, reason
    return _REFUSED[kind], 0, reason


def _status_line(status: Status | str, kind: Ask) -> tuple[_Line, str | None]:
    """Return what one entry of `statuses` means, and the client order id it names."""
    if isinstance(status, str):
        if kind is Ask.PLACE and status in _PLACED_WORDS:
            return (Kind.ORDER_RESTED, 0, Reason.NONE), None
        if kind is not Ask.PLACE and status == "success":
            return (Kind.CANCEL_ACCEPTED, 0, Reason.NONE), None
        return (Kind.OUTCOME_UNKNOWN, 0, Reason.OTHER), None
    if status.error is not None:
        return (_REFUSED[kind], 0, rejects.reason_of_text(status.error)), None
    placed = status.resting or status.filled
    if placed is None or kind is not Ask.PLACE:
        return (Kind.OUTCOME_UNKNOWN, 0, Reason.OTHER), None
    return (Kind.ORDER_RESTED, placed.oid, Reason.NONE), placed.cloid


class Answers(Rows):
    """Reads answers; every method writes rows from the start of `out` and returns how many.

    All raise ProtocolError with the raw bytes when the answer is not what was asked for.
    """

    def decode_reply(
        self,
        payload: Payload,
        order_seqs: Sequence[int],
        kind: Ask,
        received_ns: int,
        out: Events,
    ) -> int:
        """Write one row for each order of an action the venue has answered.

        Parameters
        ----------
        payload      body of `/exchange`, or the payload of a post reply of type action
        order_seqs   the orders of the action, in the order sent; for BURN the one order
        kind         what was asked: PLACE, CANCEL, CANCEL_OID or BURN
        """
        with refusing(payload, "a reply to an action"):
            reply = _read_reply(payload)
            lines = self._reply_lines(reply, order_seqs, kind)
            rows = self._rows_of(out)
            for n, (line, order_seq) in enumerate(zip(lines, order_seqs, strict=True)):
                meaning, oid, reason = line
                at, source = n * ROW_BYTES, Source.REPLY
                union = (0, 0, oid, 0, order_seq)
                pack_row(rows, at, meaning, source, 0, 0, 0, reason, 0, received_ns, *union)
            return len(order_seqs)

    def _reply_lines(
        self, reply: ExchangeReply, order_seqs: Sequence[int], kind: Ask
    ) -> list[_Line]:
        """Return the meaning of a reply for each order, in the order sent."""
        count, response = len(order_seqs), reply.response
        if isinstance(response, str):
            if reply.status != "err":
                raise ValueError("a text where an accepted action has a response")
            return [_refusal_line(response, kind)] * count
        if reply.status != "ok":
            raise ValueError("a response where a refused action has a text")
        if kind is Ask.BURN and response.data is None:
            return [(Kind.BURNT, 0, Reason.NONE)] * count
        statuses = response.data.statuses if response.data is not None else []
        if len(statuses) == 1 and count > 1 and _is_error(statuses[0]):
            statuses = statuses * count
        if len(statuses) != count:
            raise ValueError(f"{len(statuses)} statuses for {count} orders")
        told = [_status_line(status, kind) for status in statuses]
        for (_, cloid), order_seq in zip(told, order_seqs, strict=True):
            if cloid is not None and order_seq_of(cloid, self.run_id) != order_seq:
                raise ValueError(f"{cloid} where order {order_seq} was asked for")
        return [line for line, _ in told]

    def decode_open_orders(
        self,
        payload: Payload,
        received_ns: int,
        out: Events,
        expected: Collection[int] = (),
    ) -> int:
        """Write ORDER_RESTED or ORDER_FOREIGN for each open order of our coin.

        payload    answer of `openOrders` or `frontendOpenOrders`
        expected   orders we believe open; ORDER_ABSENT for each that is not listed
        """
        with refusing(payload, "a list of open orders"):
            rows, n = self._rows_of(out), 0
            stamp = Stamp(received_ns, Source.QUERY, Flag.SNAPSHOT)
            orders = _read_orders(payload)
            for order in orders:
                n = self._order(rows, n, order, "open", order.timestamp, stamp=stamp)
            listed = {order_seq_of(o.cloid, self.run_id) for o in orders}
            for order_seq in expected:
                if order_seq not in listed:
                    n = self._numbers(rows, n, Kind.ORDER_ABSENT, stamp, (0, 0, 0, 0, order_seq))
            return n

    def decode_order_status(
        self, payload: Payload, order_seq: int, received_ns: int, out: Events
    ) -> int:
        """Write what `orderStatus` says of one order: its state, or ORDER_NOT_FOUND."""
        with refusing(payload, "an order status"):
            rows, reply = self._rows_of(out), _read_status(payload)
            stamp = Stamp(received_ns, Source.QUERY, order_seq=order_seq)
            found = reply.order
            if reply.status == "unknownOid":
                union = (0, 0, 0, 0, order_seq)
                return self._numbers(rows, 0, Kind.ORDER_NOT_FOUND, stamp, union)
            if found is None or found.order.coin != self.asset.coin:
                raise ValueError("no order of our coin")
            return self._order(
                rows, 0, found.order, found.status, found.status_timestamp, stamp=stamp
            )

    def decode_clearinghouse(self, payload: Payload, received_ns: int, out: Events) -> int:
        """Write POSITION (flat when the coin is not listed) and ACCOUNT."""
        with refusing(payload, "a clearinghouse state"):
            rows, state = self._rows_of(out), _read_state(payload)
            stamp = Stamp(received_ns, Source.QUERY, Flag.SNAPSHOT)
            position_lots = entry_ticks = 0
            for held in state.asset_positions:
                position = held.position
                if position.coin == self.asset.coin:
                    position_lots = exact_units(position.szi, self._size_decimals)
                    entry_ticks = rounded_units(position.entry_px or "0", self._price_decimals)
            union = (entry_ticks, position_lots, 0, 0, 0)
            n = self._numbers(rows, 0, Kind.POSITION, stamp, union, venue_ms=state.time)
            summary = state.margin_summary
            equity = rounded_units(summary.account_value, USD_DECIMALS)
            used = rounded_units(summary.total_margin_used, USD_DECIMALS)
            maintenance = rounded_units(state.cross_maintenance_margin_used or "0", USD_DECIMALS)
            union = (maintenance, 0, max(0, equity - used), equity, 0)
            return self._numbers(rows, n, Kind.ACCOUNT, stamp, union, venue_ms=state.time)

    def decode_user_fills(
        self, payload: Payload, received_ns: int, out: Events, told_order_seq: int = 0
    ) -> int:
        """Write every fill of our coin, oldest first, marked SNAPSHOT.

        payload          answer of `userFills` or `userFillsByTime`
        told_order_seq   the order whose fills were asked for: FILLS_TOLD follows, unless the page
                         is full and may have left some out
        """
        with refusing(payload, "a list of fills"):
            rows, n, fills = self._rows_of(out), 0, _read_fills(payload)
            stamp = Stamp(received_ns, Source.QUERY, Flag.SNAPSHOT)
            for fill in sorted(fills, key=lambda fill: fill.time):
                n = self._fill(rows, n, fill, stamp)
            if told_order_seq and len(fills) < FILLS_PAGE_MAX:
                n = self._numbers(rows, n, Kind.FILLS_TOLD, stamp, (0, 0, 0, 0, told_order_seq))
            return n

    def decode_user_fees(self, payload: Payload, received_ns: int, out: Events) -> int:
        """Write FEES: the rates this account pays now."""
        with refusing(payload, "user fees"):
            fees = _read_fees(payload)
            maker = rounded_units(fees.user_add_rate, RATE_DECIMALS)
            taker = rounded_units(fees.user_cross_rate, RATE_DECIMALS)
            stamp = Stamp(received_ns, Source.QUERY)
            return self._numbers(self._rows_of(out), 0, Kind.FEES, stamp, (0, 0, maker, taker, 0))

    def decode_rate_limit(self, payload: Payload, received_ns: int, out: Events) -> int:
        """Write BUDGET: what is left of the address's requests; below zero when overdrawn."""
        with refusing(payload, "a rate limit"):
            budget = _read_rate_limit(payload)
            cap = budget.n_requests_cap
            left = cap + budget.n_requests_surplus - budget.n_requests_used
            stamp = Stamp(received_ns, Source.QUERY)
            return self._numbers(self._rows_of(out), 0, Kind.BUDGET, stamp, (0, 0, left, cap, 0))

    def decode_active_asset_data(self, payload: Payload, received_ns: int, out: Events) -> int:
        """Write LIMITS: what the venue would let the account trade now."""
        with refusing(payload, "active asset data"):
            stamp = Stamp(received_ns, Source.QUERY)
            return self._limits(self._rows_of(out), 0, _read_active(payload), stamp)


def _is_error(status: Status | str) -> bool:
    return not isinstance(status, str) and status.error is not None
