"""The frames the exchange sends: one function a channel, each returning the bytes once for all."""

from typing import Any

import msgspec

from hypermaker.exchange import private, public
from hypermaker.exchange.accounts import Account, Fill, Funding
from hypermaker.exchange.info import Info, deposit_row
from hypermaker.exchange.journal import Trade, Update
from hypermaker.exchange.orders import Order
from hypermaker.exchange.state import ExchangeState
from hypermaker.exchange.subscriptions import Topic
from hypermaker.hyperliquid import wire_info as wire
from hypermaker.hyperliquid.wire_ws import CoinContext, Touch

SNAPSHOT_FILLS = 2_000

_encode = msgspec.json.Encoder().encode


def frame(channel: str, data: Any) -> bytes:
    """Return one frame."""
    return _encode({"channel": channel, "data": data})


PONG = _encode({"channel": "pong"})


class Frames:
    """Makes frames from the state of an exchange."""

    def __init__(self, state: ExchangeState, info: Info) -> None:
        self.state, self.info = state, info

    def touch(self, coin: str) -> bytes:
        """Return a `bbo` frame; both sides are null for a delisted coin."""
        market = self.state.by_name.get(coin)
        both = public.touch(market) if market else (None, None)
        return frame("bbo", Touch(coin, self.state.now_ms, both))

    def book(self, topic: Topic) -> bytes:
        """Return an `l2Book` frame: 20 levels, or 5 on the fast feed."""
        market = self.state.by_name.get(topic.coin)
        if market is None:
            shown = wire.Book(topic.coin, self.state.now_ms, ([], []), None, topic.fast)
        else:
            shown = public.book(
                market,
                self.state.now_ms,
                levels=public.LEVELS_FAST if topic.fast else public.LEVELS,
                n_sig_figs=topic.n_sig_figs,
                mantissa=topic.mantissa,
                fast=topic.fast,
            )
        return frame("l2Book", shown)

    def trades(self, coin: str, trades: list[Trade]) -> bytes:
        """Return a `trades` frame."""
        listing = self.state.by_name[coin].listing
        return frame("trades", [public.trade(one, listing) for one in trades])

    def context(self, coin: str) -> bytes:
        """Return an `activeAssetCtx` frame."""
        ctx = public.context(self.state.by_name[coin])
        return frame("activeAssetCtx", CoinContext(coin, ctx))

    def mids(self) -> bytes:
        """Return an `allMids` frame."""
        return frame("allMids", {"mids": self.info.mids()})

    def tradable(self, topic: Topic) -> bytes:
        """Return an `activeAssetData` frame."""
        account, market = self._account(topic.user), self.state.by_name[topic.coin]
        return frame("activeAssetData", private.tradable(account, market, self.state.markets))

    def clearinghouse(self, user: str) -> bytes:
        """Return a `clearinghouseState` frame."""
        shown = private.state(self._account(user), self.state.markets, self.state.now_ms)
        return frame("clearinghouseState", {"dex": "", "user": user, "clearinghouseState": shown})

    def open_orders(self, user: str) -> bytes:
        """Return an `openOrders` frame."""
        shown = private.frontend_orders(self._account(user), self.state.markets)
        return frame("openOrders", {"dex": "", "user": user, "orders": shown})

    def fills(self, user: str, fills: list[Fill]) -> bytes:
        """Return a live `userFills` frame."""
        return frame("userFills", {"user": user, "fills": self._fill_rows(fills)})

    def fills_snapshot(self, user: str) -> bytes:
        """Return the first `userFills` frame: newest first."""
        newest = list(self._account(user).fills)[-SNAPSHOT_FILLS:][::-1]
        rows = self._fill_rows(newest)
        return frame("userFills", {"user": user, "fills": rows, "isSnapshot": True})

    def fill_events(self, fills: list[Fill]) -> bytes:
        """Return a `user` frame of fills."""
        return frame("user", {"fills": self._fill_rows(fills)})

    def cancel_events(self, orders: list[Order]) -> bytes:
        """Return a `user` frame of cancels the user did not ask for."""
        names = [{"coin": self._name(order.asset), "oid": order.oid} for order in orders]
        return frame("user", {"nonUserCancel": names})

    def funding_event(self, funding: Funding) -> bytes:
        """Return a `user` frame of one funding payment."""
        market = self.state.markets[funding.asset]
        return frame("user", {"funding": private.funding_payment(funding, market)})

    def updates(self, updates: list[Update]) -> bytes:
        """Return an `orderUpdates` frame."""
        return frame("orderUpdates", [private.order_update(u, self.state.markets) for u in updates])

    def fundings(self, user: str, fundings: list[Funding], *, snapshot: bool) -> bytes:
        """Return a `userFundings` frame."""
        rows = [private.funding_payment(f, self.state.markets[f.asset]) for f in fundings]
        mark = {"isSnapshot": True} if snapshot else {}
        return frame("userFundings", {"user": user, "fundings": rows, **mark})

    def fundings_snapshot(self, user: str) -> bytes:
        """Return the first `userFundings` frame."""
        return self.fundings(user, list(self._account(user).fundings), snapshot=True)

    def ledger_snapshot(self, user: str) -> bytes:
        """Return the first `userNonFundingLedgerUpdates` frame: the whole history."""
        rows = [deposit_row(*row) for row in self._account(user).deposits]
        shown = {"user": user, "nonFundingLedgerUpdates": rows, "isSnapshot": True}
        return frame("userNonFundingLedgerUpdates", shown)

    def _fill_rows(self, fills: list[Fill]) -> list[dict[str, Any]]:
        return [private.fill_row(fill, self.state.markets[fill.asset]) for fill in fills]

    def _account(self, user: str) -> Account:
        return self.info.account_of(user)

    def _name(self, asset: int) -> str:
        return self.state.markets[asset].name
