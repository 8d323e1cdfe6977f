"""What an account is worth and what it may still do: cross margin in exact 10^-6 USD.

Identities of the venue (protocol sheet 6.2): account value = raw USD + positions at mark;
margin used = notional / leverage; maintenance by tiers at the asset's own highest leverage.
"""

from collections.abc import Mapping

from hypermaker.exchange.accounts import Account
from hypermaker.exchange.markets import Market
from hypermaker.exchange.orders import Order, Wish
from hypermaker.exchange.universe import Listing, maintenance_usd_micro

LEVERAGE_DEFAULT = 20
WITHDRAW_MARGIN_SHARE = 10  # at least 1/10 of the notional stays behind

Markets = Mapping[int, Market]


def leverage_of(account: Account, listing: Listing) -> int:
    """Return the leverage an account has chosen for an asset."""
    return account.leverage.get(listing.index, min(LEVERAGE_DEFAULT, listing.leverage_max))


def notional_usd_micro(account: Account, market: Market) -> int:
    """Return the signed notional of a position at mark."""
    return account.position_lots(market.index) * market.mark_ticks


def equity_usd_micro(account: Account, markets: Markets) -> int:
    """Return the account value: raw USD plus every position at mark."""
    return account.cash_usd_micro + sum(
        notional_usd_micro(account, markets[asset]) for asset in account.positions
    )


def margin_used_usd_micro(account: Account, markets: Markets) -> int:
    """Return the initial margin of all positions, without resting orders."""
    return sum(_initial(account, markets[asset]) for asset in account.positions)


def _initial(account: Account, market: Market) -> int:
    notional = abs(notional_usd_micro(account, market))
    return notional // leverage_of(account, market.listing)


def maintenance_total_usd_micro(account: Account, markets: Markets) -> int:
    """Return the maintenance margin of all positions."""
    return sum(
        maintenance_usd_micro(
            markets[asset].listing, abs(notional_usd_micro(account, markets[asset]))
        )
        for asset in account.positions
    )


def withdrawable_usd_micro(account: Account, markets: Markets) -> int:
    """Return what could leave the account now, >= 0."""
    notional = sum(abs(notional_usd_micro(account, markets[a])) for a in account.positions)
    held = max(margin_used_usd_micro(account, markets), notional // WITHDRAW_MARGIN_SHARE)
    return max(0, equity_usd_micro(account, markets) - held)


def _exposure_usd_micro(account: Account, market: Market, also: Wish | None) -> int:
    """Return the larger notional the position and the open orders of one side could come to."""
    held = account.position_lots(market.index)
    sides = {1: 0, -1: 0}
    open_orders: list[Order | Wish] = [
        order for order in account.open_orders.values() if order.asset == market.index
    ]
    if also is not None:
        open_orders.append(also)
    for order in open_orders:
        if not order.reduce_only:
            lots = order.size_lots if isinstance(order, Wish) else order.remaining_lots
            sides[order.side] += lots * max(order.price_ticks, market.mark_ticks)
    at_mark = held * market.mark_ticks
    return max(abs(at_mark), at_mark + sides[1], -at_mark + sides[-1])


def free_usd_micro(account: Account, markets: Markets, also: Wish | None = None) -> int:
    """Return equity less the margin of positions and open orders, and of `also` as one more."""
    assets = {order.asset for order in account.open_orders.values()} | set(account.positions)
    if also is not None:
        assets.add(also.asset)
    held = sum(
        _exposure_usd_micro(account, markets[asset], _of(also, asset))
        // leverage_of(account, markets[asset].listing)
        for asset in sorted(assets)
    )
    return equity_usd_micro(account, markets) - held


def _of(wish: Wish | None, asset: int) -> Wish | None:
    return wish if wish is not None and wish.asset == asset else None


def may_place(account: Account, markets: Markets, wish: Wish) -> bool:
    """Return whether an order passes the margin check when it is placed.

    Closing is always allowed: what only brings the position back toward zero needs no margin.
    """
    held = account.position_lots(wish.asset)
    if account.simulated or wish.reduce_only:
        return True
    if held * wish.side < 0 and wish.size_lots <= abs(held):
        return True
    return free_usd_micro(account, markets, wish) >= 0


def may_be_filled(account: Account, market: Market, markets: Markets, lots: int) -> bool:
    """Return whether a resting order's owner still has the margin when it is about to trade.

    lots   signed size of the coming fill
    """
    held = account.position_lots(market.index)
    if account.simulated or abs(held + lots) <= abs(held):
        return True
    more = abs(lots) * market.mark_ticks // leverage_of(account, market.listing)
    free = equity_usd_micro(account, markets) - margin_used_usd_micro(account, markets)
    return free >= more


def max_trade_lots(account: Account, market: Market, markets: Markets, side: int) -> int:
    """Return the largest size of `side` the margin allows now, at the mark price."""
    held = account.position_lots(market.index)
    back = max(0, -side * held)
    room = max(0, free_usd_micro(account, markets)) * leverage_of(account, market.listing)
    more = room // market.mark_ticks if market.mark_ticks else 0
    return more + 2 * back if back else more


def liquidation_ticks(account: Account, market: Market, markets: Markets) -> int | None:
    """Return the mark price at which the account is liquidated, None when none is reachable.

    Source: venue docs, "Liquidations": price - side * available / size / (1 - l * side).
    """
    held = account.position_lots(market.index)
    if held == 0:
        return None
    side = 1 if held > 0 else -1
    available = equity_usd_micro(account, markets) - maintenance_total_usd_micro(account, markets)
    doubled = 2 * market.listing.leverage_max
    shift = available * doubled // (abs(held) * (doubled - side))
    price = market.mark_ticks - side * shift
    return price if price > 0 else None
