"""What an admitted action does, and the answer it gets."""

from collections.abc import Callable
from typing import Any

from hypermaker.core.units import USD_MICRO, grid_step_ticks, parse_units
from hypermaker.exchange import gateway
from hypermaker.exchange.accounts import Account
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import post_only_refusal
from hypermaker.exchange.orders import Filled, Order, Outcome, Refused, Rested, Status, Tif, Wish
from hypermaker.exchange.state import ExchangeState
from hypermaker.exchange.text import decimal_text, size_text
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid import wire_exchange as wire

REFERENCE_BAND_PERCENT = 95
SCHEDULE_AHEAD_MS = 5_000
REQUEST_PRICE_USD_MICRO = 500  # reserveRequestWeight: 0.0005 USDC a request

CLOID_IN_USE = "Client order id is already open."  # whether the venue refuses is not known

Entry = wire.Status | str


class Executor:
    """Applies admitted actions to the state, one at a time."""

    def __init__(self, state: ExchangeState) -> None:
        self.state, self.matcher = state, state.matcher
        self._by_type: dict[type, Callable[[Account, Any], bytes]] = {
            wire.PlaceAction: self._place,
            wire.CancelAction: self._cancel,
            wire.CancelByCloidAction: self._cancel_by_cloid,
            wire.ModifyAction: self._modify,
            wire.BatchModifyAction: self._batch_modify,
            wire.NoopAction: self._noop,
            wire.ScheduleCancelAction: self._schedule_cancel,
            wire.UpdateLeverageAction: self._update_leverage,
            wire.ReserveRequestWeightAction: self._reserve,
            wire.ApproveAgentAction: self._approve_agent,
        }

    def execute(self, account: Account, action: wire.Action) -> bytes:
        """Apply one action; return the body of its answer."""
        self.matcher.begin_transaction()
        step = self._by_type.get(type(action))
        if step is None:
            return gateway.err(f"{type(action).__name__} is not offered by the local exchange.")
        return step(account, action)

    def _place(self, account: Account, action: wire.PlaceAction) -> bytes:
        refusal = _ungroupable(action) or self._batch_refusal(action.orders)
        if refusal is not None:
            return _statuses("order", [wire.Status(error=refusal)])
        return _statuses("order", [self._place_one(account, order) for order in action.orders])

    def _place_one(self, account: Account, order: wire.OrderWire) -> Entry:
        wish = self._wish(order)
        if wish.cloid is not None and wish.cloid in account.by_cloid:
            return _error(CLOID_IN_USE, order.a)
        return self._entry(self.matcher.place(account, wish), order.a)

    def _batch_refusal(self, orders: list[wire.OrderWire]) -> str | None:
        """Return what is wrong with any order of a batch, which then is refused whole."""
        if not orders:
            return "Empty batch of orders."
        for order in orders:
            text = self._malformed(order)
            if text is not None:
                return f"{text} asset={order.a}"
        return None

    def _malformed(self, order: wire.OrderWire) -> str | None:
        market = self.state.markets.get(order.a)
        if market is None:
            return "Order has invalid asset."
        if order.t.limit is None:
            return "Trigger orders are not offered by the local exchange."
        try:
            lots = parse_units(order.s, market.listing.sz_decimals)
        except ValueError:
            return rejects.INVALID_SIZE.say()
        price, _ = _price_ticks(order.p, market)
        if lots <= 0:
            return (rejects.ZERO_SIZE if lots == 0 else rejects.INVALID_SIZE).say()
        if price is None or price < 0:
            return rejects.INVALID_PRICE.say()
        reference = market.mark_ticks
        if abs(price - reference) * 100 > reference * REFERENCE_BAND_PERCENT:
            return rejects.REFERENCE_DISTANCE.say(percent=REFERENCE_BAND_PERCENT)
        return None

    def _wish(self, order: wire.OrderWire) -> Wish:
        """Return a well-formed order in grid units."""
        market = self.state.markets[order.a]
        price, on_grid = _price_ticks(order.p, market)
        assert price is not None and order.t.limit is not None
        return Wish(
            asset=order.a,
            side=1 if order.b else -1,
            price_ticks=price,
            size_lots=parse_units(order.s, market.listing.sz_decimals),
            tif=Tif(order.t.limit.tif),
            reduce_only=order.r,
            cloid=order.c.lower() if order.c else None,
            on_grid=on_grid,
        )

    def _entry(self, outcome: Outcome, asset: int) -> Entry:
        if isinstance(outcome, Refused):
            return _error(outcome.text, asset)
        order = outcome.order
        if isinstance(outcome, Rested):
            return wire.Status(resting=wire.Resting(order.oid, order.cloid))
        return wire.Status(filled=self._filled(outcome))

    def _filled(self, outcome: Filled) -> wire.Filled:
        listing = self.state.markets[outcome.order.asset].listing
        average = outcome.cost_usd_micro / outcome.filled_lots
        return wire.Filled(
            total_sz=size_text(outcome.filled_lots, listing),
            avg_px=decimal_text(round(average), listing.price_decimals),
            oid=outcome.order.oid,
            cloid=outcome.order.cloid,
        )

    def _cancel(self, account: Account, action: wire.CancelAction) -> bytes:
        found = [(account.open_orders.get(entry.o), entry.a) for entry in action.cancels]
        return self._cancel_all(account, found)

    def _cancel_by_cloid(self, account: Account, action: wire.CancelByCloidAction) -> bytes:
        found = [(account.by_cloid.get(e.cloid.lower()), e.asset) for e in action.cancels]
        return self._cancel_all(account, found)

    def _cancel_all(self, account: Account, found: list[tuple[Order | None, int]]) -> bytes:
        entries: list[Entry] = []
        for order, asset in found:
            # One batch may name an order twice: only the first finds it open.
            if order is None or order.asset != asset or order.oid not in account.open_orders:
                entries.append(_error(rejects.CANCEL_GONE.say(), asset))
            else:
                self.matcher.cancel(account, order)
                entries.append("success")
        return _statuses("cancel", entries)

    def _modify(self, account: Account, action: wire.ModifyAction) -> bytes:
        entry = self._replace(account, action.oid, action.order, always=action.a)
        if isinstance(entry, wire.Status) and entry.error is not None:
            return gateway.err(entry.error)
        return gateway.DEFAULT

    def _batch_modify(self, account: Account, action: wire.BatchModifyAction) -> bytes:
        if not action.modifies:
            return _statuses("order", [wire.Status(error="Empty batch of modifies.")])
        return _statuses(
            "order",
            [self._replace(account, m.oid, m.order, always=action.a) for m in action.modifies],
        )

    def _replace(
        self, account: Account, name: int | str, order: wire.OrderWire, *, always: bool
    ) -> Entry:
        """Cancel an order and place another in its stead, with a fresh oid.

        Without `always` the new order must not take: it is treated as ALO, and it is placed only
        where the old one was still there to be cancelled.
        """
        malformed = self._malformed(order)
        if malformed is not None:
            return _error(malformed, order.a)
        resting = (
            account.open_orders.get(name)
            if isinstance(name, int)
            else account.by_cloid.get(name.lower())
        )
        if resting is None and not always:
            return _error(rejects.MODIFY_GONE.say(), order.a)
        if resting is not None:
            self.matcher.cancel(account, resting)
        return self._place_instead(account, self._wish(order), always=always)

    def _place_instead(self, account: Account, wish: Wish, *, always: bool) -> Entry:
        market = self.state.markets[wish.asset]
        if not always and wish.tif is not Tif.ALO:
            if wish.tif.takes_only:
                return _unplaced("order must be Alo or resting Gtc", wish.asset)
            if market.book.crosses(wish.side, wish.price_ticks):
                return _unplaced(post_only_refusal(market).text, wish.asset)
        if wish.cloid is not None and wish.cloid in account.by_cloid:
            return _unplaced(CLOID_IN_USE, wish.asset)
        outcome = self.matcher.place(account, wish)
        if isinstance(outcome, Refused):
            return _unplaced(outcome.text, wish.asset)
        return self._entry(outcome, wish.asset)

    def _noop(self, account: Account, action: wire.NoopAction) -> bytes:
        return gateway.DEFAULT

    def _schedule_cancel(self, account: Account, action: wire.ScheduleCancelAction) -> bytes:
        required = self.state.config.limits.schedule_cancel_usd
        traded = account.volume_usd_micro
        if traded < required * USD_MICRO:
            return gateway.err(rejects.SCHEDULE_VOLUME.say(volume=traded // USD_MICRO))
        if action.time is not None and action.time < self.state.now_ms + SCHEDULE_AHEAD_MS:
            return gateway.err("Scheduled cancel time too early, must be at least 5 s from now.")
        account.cancel_at_ms = action.time
        return gateway.DEFAULT

    def cancel_scheduled(self) -> None:
        """Fire every dead man's switch whose time has come."""
        for account in self.state.accounts:
            if account.cancel_at_ms is not None and account.cancel_at_ms <= self.state.now_ms:
                account.cancel_at_ms = None
                for order in list(account.open_orders.values()):
                    self.matcher.cancel(account, order, Status.SCHEDULED_CANCEL)

    def _update_leverage(self, account: Account, action: wire.UpdateLeverageAction) -> bytes:
        market = self.state.markets.get(action.asset)
        if market is None:
            return gateway.err("Invalid asset.")
        if not action.is_cross:
            return gateway.err("Isolated margin is not offered by the local exchange.")
        if not 1 <= action.leverage <= market.listing.leverage_max:
            return gateway.err("Invalid leverage value")
        account.leverage[action.asset] = action.leverage
        return gateway.DEFAULT

    def _reserve(self, account: Account, action: wire.ReserveRequestWeightAction) -> bytes:
        price = action.weight * REQUEST_PRICE_USD_MICRO
        if action.weight <= 0 or price > account.cash_usd_micro:
            return gateway.err("Insufficient balance for requests weight.")
        account.cash_usd_micro -= price
        self.state.accounts.fees.cash_usd_micro += price
        account.requests_bought += action.weight
        return gateway.DEFAULT

    def _approve_agent(self, account: Account, action: wire.ApproveAgentAction) -> bytes:
        refusal = self.state.agents.approve(
            account.address,
            address=action.agent_address.lower(),
            label=action.agent_name or "",
            now_ms=self.state.now_ms,
        )
        return gateway.DEFAULT if refusal is None else gateway.err(refusal)


def _ungroupable(action: wire.PlaceAction) -> str | None:
    """Return why a batch is refused for what it asks besides its orders.

    There are no trigger orders here, so a take-profit or stop group never has its children; no
    account has approved a builder.
    """
    if action.builder is not None:
        return rejects.BUILDER_FEE.say()
    if action.grouping in ("normalTpsl", "positionTpsl"):
        return rejects.TRIGGERS_UNEXPECTED.say()
    return None


def _price_ticks(text: str, market: Market) -> tuple[int | None, bool]:
    """Return a price in ticks and whether it is on the grid; None when it is no price at all.

    A price finer than a tick is truncated: it will be refused, but it has to be somewhere.
    """
    decimals = market.listing.price_decimals
    whole, _, fraction = text.partition(".")
    try:
        parse_units(text, max(decimals, len(fraction)))
        ticks = parse_units(f"{whole}.{fraction[:decimals]}", decimals)
    except ValueError:
        return None, False
    fine = bool(fraction[decimals:].rstrip("0"))
    return ticks, not fine and ticks > 0 and ticks % grid_step_ticks(ticks, decimals) == 0


def _error(text: str, asset: int) -> wire.Status:
    return wire.Status(error=f"{text} asset={asset}")


def _unplaced(text: str, asset: int) -> wire.Status:
    return _error(rejects.MODIFY_PLACE.say(text=text), asset)


def _statuses(kind: str, entries: list[Entry]) -> bytes:
    return gateway.ok(wire.BatchResponse(kind, wire.Statuses(entries)))
