"""What happens when orders meet: the rules of the book, applied to one order at a time.

Order of the checks is the venue's as far as it is known: grid, size, value, reduce-only, margin,
open-order cap, post-only, match. Every refusal carries the venue's text and the status a client
would later read. Self-trade: the resting order goes, the taker continues, nothing is printed.
"""

import hashlib

from hypermaker.core.units import NOTIONAL_MIN_USD, USD_MICRO, format_units
from hypermaker.exchange.accounts import Account, Accounts, Fill
from hypermaker.exchange.fees import fee_usd_micro
from hypermaker.exchange.journal import BlockJournal, Trade
from hypermaker.exchange.margin import may_be_filled, may_place
from hypermaker.exchange.markets import Market
from hypermaker.exchange.orders import (
    Filled,
    Order,
    Outcome,
    Refused,
    Rested,
    Status,
    Tif,
    Wish,
    refused,
)
from hypermaker.hyperliquid import rejects

TID_BITS = 50
OPEN_ORDERS_MAX = 1_000  # plus one per 5M USD of volume, at most 5,000 (protocol sheet 9.1)
OPEN_ORDERS_CEILING = 5_000
OPEN_ORDER_PER_USD_MICRO = 5_000_000 * USD_MICRO
FIRST_OID = 1_000_000_000


class Matcher:
    """Places and cancels orders on the books of all assets.

    Parameters
    ----------
    markets    by asset id
    accounts   whose money moves
    journal    where everything that happens is written down
    seed       makes trade ids and hashes differ between exchanges
    """

    def __init__(
        self, markets: dict[int, Market], accounts: Accounts, journal: BlockJournal, seed: int
    ) -> None:
        self.markets, self.accounts, self.journal, self.seed = markets, accounts, journal, seed
        self.oid = FIRST_OID
        self.now_ms = 0
        self.hash = ""
        self._transactions = 0

    def begin(self, now_ms: int) -> None:
        """Enter a block: everything until the next call happens at this time."""
        self.now_ms = now_ms

    def begin_transaction(self) -> None:
        """Enter a transaction: its fills share one hash."""
        self._transactions += 1
        name = b"%d/%d/%d" % (self.seed, self.now_ms, self._transactions)
        self.hash = "0x" + hashlib.sha256(name).hexdigest()

    def place(self, account: Account, wish: Wish) -> Outcome:
        """Run one order through every rule; return how it ended for now."""
        market = self.markets[wish.asset]
        order = Order(oid=self.next_oid(), owner=account.address, wish=wish, placed_ms=self.now_ms)
        refusal = self._refusal(account, market, wish)
        if refusal is not None:
            return self._refuse(account, order, refusal)
        self._shrink_to_position(account, order)
        crosses = market.book.crosses(order.side, order.price_ticks)
        if order.tif is Tif.ALO and crosses:
            return self._refuse(account, order, post_only_refusal(market))
        if not crosses and order.tif.takes_only:
            return self._refuse(account, order, refused(rejects.IOC_NO_MATCH))
        account.remember(order)
        self.journal.updated(account, order)
        return self._match(account, market, order) if crosses else self._rest(account, order)

    def cancel(self, account: Account, order: Order, status: Status = Status.CANCELED) -> None:
        """Take a resting order off the book; its owner learns the status."""
        self.markets[order.asset].book.half(order.side).remove(order)
        account.closed(order)
        order.end(status, self.now_ms)
        self.journal.updated(account, order)
        if status in (Status.SELF_TRADE_CANCELED, Status.MARGIN_CANCELED):
            self.journal.cancelled_by_venue(account, order)

    def next_oid(self) -> int:
        """Return an order id nobody has had."""
        self.oid += 1
        return self.oid

    def _refuse(self, account: Account, order: Order, refusal: Refused) -> Refused:
        order.end(refusal.status, self.now_ms)
        account.remember(order)
        self.journal.updated(account, order)
        return refusal

    def _refusal(self, account: Account, market: Market, wish: Wish) -> Refused | None:
        """Return the first rule an order breaks, without looking at what it would match."""
        if not wish.on_grid:
            return refused(rejects.TICK)
        held = account.position_lots(wish.asset)
        opposite = held * wish.side < 0
        if wish.reduce_only and not opposite:
            return refused(rejects.REDUCE_ONLY)
        closes_all = opposite and (
            wish.size_lots >= abs(held)
            if wish.reduce_only
            else wish.tif.takes_only and wish.size_lots == abs(held)
        )
        value = wish.size_lots * wish.price_ticks
        if value < NOTIONAL_MIN_USD * USD_MICRO and not closes_all:
            return refused(rejects.NOTIONAL_MIN)
        if not account.simulated and len(account.open_orders) >= open_orders_max(account):
            return refused(rejects.TOO_MANY_ORDERS)
        if not may_place(account, self.markets, wish):
            return refused(rejects.MARGIN)
        return None

    def _shrink_to_position(self, account: Account, order: Order) -> None:
        if order.reduce_only:
            held = abs(account.position_lots(order.asset))
            order.remaining_lots = order.status_lots = min(order.remaining_lots, held)

    def _rest(self, account: Account, order: Order) -> Rested:
        self.markets[order.asset].book.half(order.side).add(order)
        account.opened(order)
        return Rested(order)

    def _match(self, account: Account, market: Market, order: Order) -> Outcome:
        """Walk the other side from its best price; what is left rests or is gone."""
        filled, cost = 0, 0
        while order.remaining_lots and market.book.crosses(order.side, order.price_ticks):
            maker = market.book.half(-order.side).first()
            assert maker is not None
            owner = self.accounts.of(maker.owner)
            lots = min(order.remaining_lots, maker.remaining_lots)
            if owner is account:
                self.cancel(owner, maker, Status.SELF_TRADE_CANCELED)
            elif not may_be_filled(owner, market, self.markets, maker.side * lots):
                self.cancel(owner, maker, Status.MARGIN_CANCELED)
            else:
                price = maker.price_ticks
                order.remaining_lots -= lots
                self.fill_maker(market, maker, account, order, lots)
                filled, cost = filled + lots, cost + lots * price
        return self._after_match(account, order, filled, cost)

    def _after_match(self, account: Account, order: Order, filled: int, cost: int) -> Outcome:
        if not order.remaining_lots:
            order.end(Status.FILLED, self.now_ms)
        elif not order.tif.takes_only:
            rested = self._rest(account, order)
            self.keep_reducing(account, order.asset)
            return Filled(order, filled, cost) if filled else rested
        elif filled:
            order.end(Status.CANCELED, self.now_ms)
        else:
            order.end(rejects.IOC_NO_MATCH.status, self.now_ms)
        self.journal.updated(account, order)
        if not filled:
            return refused(rejects.IOC_NO_MATCH)
        return Filled(order, filled, cost)

    def fill_maker(
        self, market: Market, maker: Order, taker: Account, order: Order, lots: int
    ) -> None:
        """Trade `lots` of a resting order against a taker's order, both sides booked and told."""
        owner = self.accounts.of(maker.owner)
        market.book.half(maker.side).shrink(maker, lots)
        if not maker.remaining_lots:
            owner.closed(maker)
        tid = trade_id(maker.oid, order.oid)
        price = maker.price_ticks
        before = market_interest(owner, taker, market.index)
        for account, leg, crossed in ((owner, maker, False), (taker, order, True)):
            self._book_fill(account, leg, crossed=crossed, trade=(price, lots, tid))
        market.open_interest_lots += market_interest(owner, taker, market.index) - before
        buyer, seller = (taker, owner) if order.side > 0 else (owner, taker)
        trade = Trade(
            market.index, order.side, price, lots, self.now_ms, tid, self.hash,
            buyer.address, seller.address,
        )  # fmt: skip
        market.printed(trade)
        self.journal.traded(trade)
        if not maker.remaining_lots:
            maker.end(Status.FILLED, self.now_ms)
            self.journal.updated(owner, maker)
        self.keep_reducing(owner, market.index)
        self.keep_reducing(taker, market.index)

    def _book_fill(
        self, account: Account, leg: Order, *, crossed: bool, trade: tuple[int, int, int]
    ) -> None:
        price, lots, tid = trade
        rate = account.rates.taker_e10 if crossed else account.rates.maker_e10
        fill = Fill(
            asset=leg.asset, side=leg.side, price_ticks=price, size_lots=lots,
            time_ms=self.now_ms, start_lots=0, closed_usd_micro=0,
            fee_usd_micro=fee_usd_micro(price * lots, rate), crossed=crossed,
            oid=leg.oid, cloid=leg.cloid, tid=tid, hash=self.hash,
        )  # fmt: skip
        self.journal.filled(account, self.accounts.trade(account, fill))

    def keep_reducing(self, account: Account, asset: int) -> None:
        """Shrink or cancel reduce-only orders after their position changed; they never flip it."""
        if account.simulated:
            return
        held = account.position_lots(asset)
        for order in list(account.open_orders.values()):
            if not order.reduce_only or order.asset != asset:
                continue
            if held * order.side >= 0:
                self.cancel(account, order, Status.REDUCE_ONLY_CANCELED)
            elif order.remaining_lots > abs(held):
                half = self.markets[asset].book.half(order.side)
                half.shrink(order, order.remaining_lots - abs(held))


def open_orders_max(account: Account) -> int:
    """Return how many orders an account may have open."""
    earned = account.volume_usd_micro // OPEN_ORDER_PER_USD_MICRO
    return min(OPEN_ORDERS_MAX + earned, OPEN_ORDERS_CEILING)


def market_interest(one: Account, other: Account, asset: int) -> int:
    """Return the long lots two accounts hold together: their part of the open interest."""
    return max(0, one.position_lots(asset)) + max(0, other.position_lots(asset))


def post_only_refusal(market: Market) -> Refused:
    """Return the refusal of a post-only order that would match; it carries the touch."""
    decimals = market.listing.price_decimals
    bid, ask = (format_units(price, decimals) for price in market.book.touch())
    return refused(rejects.POST_ONLY_CROSS, bid=bid, ask=ask)


def trade_id(maker_oid: int, taker_oid: int) -> int:
    """Return the 50-bit id of a trade: a mix of its two oids (splitmix64)."""
    mixed = (maker_oid * 0x9E3779B97F4A7C15 + taker_oid) % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> shift)) * factor % 2**64
    return (mixed ^ (mixed >> 31)) >> (64 - TID_BITS)
