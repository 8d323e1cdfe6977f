"""Every `/info` request a trading client makes, answered from the state of the last block.

Failures have the venue's shapes: an unknown type or a missing field is a 422 in plain text, an
unknown coin answers `null`, an agent's address is an account that has nothing.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from hypermaker.core.units import USD_MICRO
from hypermaker.exchange import private, public, universe
from hypermaker.exchange.accounts import Account
from hypermaker.exchange.admission import requests_cap
from hypermaker.exchange.gateway import NOT_A_REQUEST, NOT_JSON, Reply, is_json
from hypermaker.exchange.markets import Market
from hypermaker.exchange.state import ExchangeState
from hypermaker.exchange.text import usd_text
from hypermaker.hyperliquid import wire_info as wire

ROWS_MAX = 2_000
RANGE_ROWS_MAX = 500
RECENT_TRADES = 10
NEWEST_FIRST = -1

_decoder = msgspec.json.Decoder(wire.InfoRequest)
_encode = msgspec.json.Encoder().encode
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
Ask = Callable[[wire.InfoRequest], Any]


class BadRequestError(ValueError):
    """A request that names something of the wrong kind; answered with 422."""


class NoSuchDexError(ValueError):
    """A dex this exchange does not run; the venue answers 500 and null."""


class Info:
    """Answers info requests from one exchange's state."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state
        self._by_type: dict[str, Ask] = {**self._public(), **self._private()}

    def _public(self) -> dict[str, Ask]:
        return {
            "meta": self._meta,
            "spotMeta": lambda ask: universe.spot_meta(),
            "metaAndAssetCtxs": self._meta_and_contexts,
            "spotMetaAndAssetCtxs": lambda ask: [universe.spot_meta(), []],
            "perpDexs": lambda ask: [None],
            "allMids": self._all_mids,
            "l2Book": self._book,
            "recentTrades": self._recent_trades,
            "exchangeStatus": lambda ask: {"time": self.state.now_ms, "specialStatuses": None},
            "fundingHistory": self._funding_history,
            "perpsAtOpenInterestCap": lambda ask: [],
        }

    def _private(self) -> dict[str, Ask]:
        return {
            "clearinghouseState": self._clearinghouse,
            "spotClearinghouseState": lambda ask: self._user(ask) and {"balances": []},
            "openOrders": lambda ask: private.open_orders(self._user(ask), self.state.markets),
            "frontendOpenOrders": lambda ask: private.frontend_orders(
                self._user(ask), self.state.markets
            ),
            "orderStatus": self._order_status,
            "historicalOrders": self._historical_orders,
            "userFills": self._fills,
            "userFillsByTime": self._fills_by_time,
            "userFunding": self._fundings,
            "userNonFundingLedgerUpdates": self._ledger,
            "activeAssetData": self._tradable,
            "userFees": self._fees,
            "userRateLimit": self._rate_limit,
            "userRole": self._role,
            "extraAgents": self._agents,
            "subAccounts": lambda ask: self._user(ask) and None,
            "maxBuilderFee": lambda ask: 0,
            "userAbstraction": lambda ask: self._user(ask) and "disabled",
        }

    def reply(self, body: bytes) -> Reply:
        """Return the HTTP answer to the body of a request."""
        try:
            request = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Reply(422, NOT_A_REQUEST) if is_json(body) else Reply(400, NOT_JSON)
        try:
            return Reply(200, _encode(self.answer(request)))
        except BadRequestError:
            return Reply(422, NOT_A_REQUEST)
        except NoSuchDexError:
            return Reply(500, b"null")

    def answer(self, request: wire.InfoRequest) -> Any:
        """Return what is encoded as the answer; raises BadRequestError or NoSuchDexError."""
        step = self._by_type.get(request.type)
        if step is None:
            raise BadRequestError(request.type)
        if request.dex:
            raise NoSuchDexError(request.dex)
        return step(request)

    def account_of(self, address: str | None) -> Account:
        """Return an account, or one that has nothing; raises BadRequestError for no address."""
        if address is None or not _ADDRESS.fullmatch(address):
            raise BadRequestError(str(address))
        return self.state.accounts.get(address.lower()) or Account(address.lower())

    def _user(self, request: wire.InfoRequest) -> Account:
        return self.account_of(request.user)

    def _market(self, request: wire.InfoRequest) -> Market | None:
        if request.coin is None:
            raise BadRequestError("coin")
        return self.state.by_name.get(request.coin)

    def _meta(self, request: wire.InfoRequest) -> Any:
        return universe.meta()

    def contexts(self) -> list[wire.AssetContext]:
        """Return every context in the universe's order, delisted ones included."""
        return [
            public.context(
                self.state.markets.get(listing.index) or Market(listing, listing.start_ticks)
            )
            for listing in universe.LISTINGS
        ]

    def _meta_and_contexts(self, request: wire.InfoRequest) -> Any:
        return [universe.meta(), self.contexts()]

    def _all_mids(self, request: wire.InfoRequest) -> Any:
        return self.mids()

    def mids(self) -> dict[str, str]:
        """Return every mid by name."""
        return {name: public.mid_text(market) for name, market in self.state.by_name.items()}

    def _book(self, request: wire.InfoRequest) -> Any:
        figures, mantissa = request.n_sig_figs, request.mantissa
        market = self._market(request)
        if market is None:
            if request.coin in self.state.delisted:
                return wire.Book(request.coin or "", self.state.now_ms, ([], []))
            return None
        if not public.aggregation_is_valid(figures, mantissa):
            return None
        return public.book(market, self.state.now_ms, n_sig_figs=figures, mantissa=mantissa)

    def _recent_trades(self, request: wire.InfoRequest) -> Any:
        market = self._market(request)
        if market is None:
            return None
        newest = list(market.recent)[-RECENT_TRADES:]
        return [public.trade(one, market.listing) for one in reversed(newest)]

    def _funding_history(self, request: wire.InfoRequest) -> Any:
        market = self._market(request)
        if market is None:
            raise NoSuchDexError(str(request.coin))
        start, end = _range(request)
        rows = [row for row in market.funding_paid if start <= row[0] <= end]
        return [public.funding_row(market, row) for row in rows[:RANGE_ROWS_MAX]]

    def _clearinghouse(self, request: wire.InfoRequest) -> Any:
        return private.state(self._user(request), self.state.markets, self.state.now_ms)

    def _order_status(self, request: wire.InfoRequest) -> Any:
        account, name = self._user(request), request.oid
        if name is None:
            raise BadRequestError("oid")
        order = account.known_orders.get(name) if isinstance(name, int) else None
        if isinstance(name, str):
            cloid = name.lower()
            known = (o for o in reversed(account.known_orders.values()) if o.cloid == cloid)
            order = next(known, None)
        if order is None:
            return wire.OrderStatusReply("unknownOid")
        return wire.OrderStatusReply("order", private.order_with_status(order, self.state.markets))

    def _historical_orders(self, request: wire.InfoRequest) -> Any:
        orders = list(self._user(request).known_orders.values())[::NEWEST_FIRST][:ROWS_MAX]
        return [private.order_with_status(order, self.state.markets) for order in orders]

    def _fills(self, request: wire.InfoRequest) -> Any:
        fills = list(self._user(request).fills)[::NEWEST_FIRST][:ROWS_MAX]
        return [private.fill_row(fill, self.state.markets[fill.asset]) for fill in fills]

    def _fills_by_time(self, request: wire.InfoRequest) -> Any:
        start, end = _range(request)
        fills = [f for f in self._user(request).fills if start <= f.time_ms <= end][:ROWS_MAX]
        return [private.fill_row(fill, self.state.markets[fill.asset]) for fill in fills]

    def _fundings(self, request: wire.InfoRequest) -> Any:
        start, end = _range(request)
        rows = [f for f in self._user(request).fundings if start <= f.time_ms <= end]
        return [
            private.funding_delta(row, self.state.markets[row.asset])
            for row in rows[:RANGE_ROWS_MAX]
        ]

    def _ledger(self, request: wire.InfoRequest) -> Any:
        start, end = _range(request)
        rows = [row for row in self._user(request).deposits if start <= row[0] <= end]
        return [deposit_row(at_ms, amount) for at_ms, amount in rows]

    def _tradable(self, request: wire.InfoRequest) -> Any:
        market = self._market(request)
        if market is None:
            return None
        return private.tradable(self._user(request), market, self.state.markets)

    def _fees(self, request: wire.InfoRequest) -> Any:
        date = datetime.fromtimestamp(self.state.now_ms / 1000, UTC).date().isoformat()
        return private.user_fees(self._user(request), date)

    def _rate_limit(self, request: wire.InfoRequest) -> Any:
        account = self._user(request)
        whole, rest = divmod(account.volume_usd_micro, USD_MICRO)
        return {
            "cumVlm": f"{whole}.{rest * 100 // USD_MICRO:02d}",
            "nRequestsUsed": account.requests_used,
            "nRequestsCap": requests_cap(account, self.state.config.limits),
            "nRequestsSurplus": 0,
        }

    def _role(self, request: wire.InfoRequest) -> Any:
        address = self._user(request).address
        master = self.state.agents.master_of(address, self.state.now_ms)
        if master is not None:
            return wire.UserRole("agent", {"user": master})
        return wire.UserRole("user" if self.state.accounts.get(address) else "missing")

    def _agents(self, request: wire.InfoRequest) -> Any:
        named = self.state.agents.named(self._user(request).address)
        return [wire.ExtraAgent(a.name, a.address, a.valid_until_ms) for a in named]


def deposit_row(at_ms: int, usd_micro: int) -> dict[str, Any]:
    """Return one row of `userNonFundingLedgerUpdates`."""
    delta = {"type": "deposit", "usdc": usd_text(usd_micro)}
    return {"time": at_ms, "hash": "0x" + "00" * 32, "delta": delta}


def _range(request: wire.InfoRequest) -> tuple[int, int]:
    """Return the (start, end) of a request in ms; raises BadRequestError without a start."""
    if request.start_time is None:
        raise BadRequestError("startTime")
    return request.start_time, request.end_time if request.end_time is not None else 2**63
