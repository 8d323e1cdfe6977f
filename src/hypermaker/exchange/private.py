"""What an account may know of itself, in the venue's shapes: state, orders, fills, fees, budget."""

from typing import Any

from hypermaker.exchange import fees, margin
from hypermaker.exchange.accounts import Account, Fill, Funding, Position
from hypermaker.exchange.journal import Update
from hypermaker.exchange.markets import Market
from hypermaker.exchange.orders import Order, Tif
from hypermaker.exchange.text import price_text, rate_text, side_text, size_text, usd_text
from hypermaker.hyperliquid import wire_info as wire
from hypermaker.hyperliquid.wire_ws import OrderUpdate

FRACTION_DECIMALS = 10
Markets = margin.Markets


def state(account: Account, markets: Markets, now_ms: int) -> wire.ClearinghouseState:
    """Return `clearinghouseState`; without isolated margin, cross is all there is."""
    notional = sum(
        abs(margin.notional_usd_micro(account, markets[asset])) for asset in account.positions
    )
    summary = wire.MarginSummary(
        account_value=usd_text(margin.equity_usd_micro(account, markets)),
        total_ntl_pos=usd_text(notional),
        total_raw_usd=usd_text(account.cash_usd_micro),
        total_margin_used=usd_text(margin.margin_used_usd_micro(account, markets)),
    )
    held = sorted(asset for asset, position in account.positions.items() if position.lots)
    return wire.ClearinghouseState(
        margin_summary=summary,
        cross_margin_summary=summary,
        withdrawable=usd_text(margin.withdrawable_usd_micro(account, markets)),
        asset_positions=[
            wire.AssetPosition("oneWay", _position(account, markets[asset], markets))
            for asset in held
        ],
        time=now_ms,
        cross_maintenance_margin_used=usd_text(
            margin.maintenance_total_usd_micro(account, markets)
        ),
    )


def _position(account: Account, market: Market, markets: Markets) -> wire.Position:
    held, listing = account.positions[market.index], market.listing
    leverage = margin.leverage_of(account, listing)
    notional = abs(margin.notional_usd_micro(account, market))
    unrealised = held.lots * market.mark_ticks - held.cost_usd_micro
    at_entry = abs(held.cost_usd_micro) // leverage
    liquidation = margin.liquidation_ticks(account, market, markets)
    return wire.Position(
        coin=market.name,
        szi=size_text(held.lots, listing),
        leverage=wire.Leverage("cross", leverage),
        entry_px=price_text(round(held.cost_usd_micro / held.lots), listing),
        position_value=usd_text(notional),
        unrealized_pnl=usd_text(unrealised),
        return_on_equity=_ratio_text(unrealised, at_entry),
        liquidation_px=None if liquidation is None else price_text(liquidation, listing),
        margin_used=usd_text(notional // leverage),
        max_leverage=listing.leverage_max,
        cum_funding=_cumulative(held),
    )


def _ratio_text(part: int, whole: int) -> str:
    return rate_text(part * 10**FRACTION_DECIMALS // whole) if whole else "0.0"


def _cumulative(held: Position) -> wire.CumulativeFunding:
    return wire.CumulativeFunding(
        all_time=usd_text(held.funding_all),
        since_open=usd_text(held.funding_open),
        since_change=usd_text(held.funding_change),
    )


def open_order(order: Order, market: Market, remaining_lots: int) -> wire.OpenOrder:
    """Return one row of `openOrders`, or the order inside an `orderUpdates` row."""
    listing = market.listing
    return wire.OpenOrder(
        coin=market.name,
        side=side_text(order.side),
        limit_px=price_text(order.price_ticks, listing),
        sz=size_text(remaining_lots, listing),
        oid=order.oid,
        timestamp=order.placed_ms,
        orig_sz=size_text(order.asked_lots, listing),
        cloid=order.cloid,
        reduce_only=order.reduce_only,
    )


def frontend_order(order: Order, market: Market, remaining_lots: int) -> wire.FrontendOrder:
    """Return one row of `frontendOpenOrders`, or the order inside `orderStatus`."""
    listing = market.listing
    return wire.FrontendOrder(
        coin=market.name,
        side=side_text(order.side),
        limit_px=price_text(order.price_ticks, listing),
        sz=size_text(remaining_lots, listing),
        oid=order.oid,
        timestamp=order.placed_ms,
        reduce_only=order.reduce_only,
        order_type="Market" if order.tif is Tif.MARKET else "Limit",
        orig_sz=size_text(order.asked_lots, listing),
        tif=str(order.tif),
        cloid=order.cloid,
    )


def open_orders(account: Account, markets: Markets) -> list[wire.OpenOrder]:
    """Return the resting orders, newest first, with what remains of each."""
    return [
        open_order(order, markets[order.asset], order.remaining_lots)
        for order in reversed(list(account.open_orders.values()))
    ]


def frontend_orders(account: Account, markets: Markets) -> list[wire.FrontendOrder]:
    """Return the resting orders in their longer form, newest first."""
    return [
        frontend_order(order, markets[order.asset], order.remaining_lots)
        for order in reversed(list(account.open_orders.values()))
    ]


def order_with_status(order: Order, markets: Markets) -> wire.OrderWithStatus:
    """Return an order with its status: its size is what remained when that was entered."""
    shown = frontend_order(order, markets[order.asset], order.status_lots)
    return wire.OrderWithStatus(shown, order.status, order.status_ms)


def order_update(update: Update, markets: Markets) -> OrderUpdate:
    """Return one row of `orderUpdates`."""
    order = open_order(update.order, markets[update.order.asset], update.remaining_lots)
    return OrderUpdate(order, update.status, update.status_ms)


def direction(fill: Fill) -> str:
    """Return the venue's display word for what a fill did to the position."""
    start, end = fill.start_lots, fill.start_lots + fill.side * fill.size_lots
    if start * fill.side >= 0:
        return "Open Long" if fill.side > 0 else "Open Short"
    if start * end < 0:
        return "Long > Short" if start > 0 else "Short > Long"
    return "Close Long" if start > 0 else "Close Short"


def fill_row(fill: Fill, market: Market) -> dict[str, Any]:
    """Return one fill; `cloid` only where one was sent, `twapId` always null."""
    listing = market.listing
    row: dict[str, Any] = {
        "coin": market.name,
        "px": price_text(fill.price_ticks, listing),
        "sz": size_text(fill.size_lots, listing),
        "side": side_text(fill.side),
        "time": fill.time_ms,
        "startPosition": size_text(fill.start_lots, listing),
        "dir": direction(fill),
        "closedPnl": usd_text(fill.closed_usd_micro),
        "hash": fill.hash,
        "oid": fill.oid,
        "crossed": fill.crossed,
        "fee": usd_text(fill.fee_usd_micro),
        "tid": fill.tid,
    }
    if fill.cloid is not None:
        row["cloid"] = fill.cloid
    return row | {"feeToken": "USDC", "twapId": None}


def funding_payment(funding: Funding, market: Market) -> dict[str, Any]:
    """Return one hourly payment as the feeds say it."""
    return {
        "time": funding.time_ms,
        "coin": market.name,
        "usdc": usd_text(funding.usd_micro),
        "szi": size_text(funding.position_lots, market.listing),
        "fundingRate": rate_text(funding.rate_e10),
        "nSamples": None,
    }


def funding_delta(funding: Funding, market: Market) -> dict[str, Any]:
    """Return one row of `userFunding`."""
    row = funding_payment(funding, market)
    return {
        "time": row.pop("time"),
        "hash": "0x" + "00" * 32,
        "delta": {"type": "funding", **row},
    }


def tradable(account: Account, market: Market, markets: Markets) -> wire.ActiveAssetData:
    """Return what the margin allows now; index 0 buys, 1 sells."""
    listing = market.listing
    lots = [margin.max_trade_lots(account, market, markets, side) for side in (1, -1)]
    leverage = margin.leverage_of(account, listing)
    worth = [size * market.mark_ticks // leverage for size in lots]
    return wire.ActiveAssetData(
        user=account.address,
        coin=market.name,
        leverage=wire.Leverage("cross", leverage),
        max_trade_szs=(size_text(lots[0], listing), size_text(lots[1], listing)),
        available_to_trade=(usd_text(worth[0]), usd_text(worth[1])),
        mark_px=price_text(market.mark_ticks, listing),
    )


def user_fees(account: Account, date: str) -> dict[str, Any]:
    """Return `userFees`: the rates as fractions, and the schedule they come from."""
    volume = {
        "date": date,
        "userCross": usd_text(account.taker_usd_micro),
        "userAdd": usd_text(account.maker_usd_micro),
        "exchange": usd_text(account.volume_usd_micro),
    }
    return {
        "dailyUserVlm": [volume],
        "feeSchedule": fees.schedule(),
        "userCrossRate": rate_text(account.rates.taker_e10),
        "userAddRate": rate_text(account.rates.maker_e10),
        "userSpotCrossRate": "0.0007",
        "userSpotAddRate": "0.0004",
        "activeReferralDiscount": "0.0",
        "trial": None,
        "feeTrialEscrow": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
    }
