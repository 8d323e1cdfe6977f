"""Random streams of orders against a slow twin of the matching rules; money and size conserved."""

import random
from typing import NamedTuple

import pytest

from hypermaker.exchange.accounts import Accounts
from hypermaker.exchange.config import usd
from hypermaker.exchange.journal import BlockJournal
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import Matcher
from hypermaker.exchange.orders import Filled, Rested, Tif, Wish
from hypermaker.exchange.universe import LISTINGS

SOL = next(listing for listing in LISTINGS if listing.name == "SOL")
PEOPLE = ("0xa", "0xb", "0xc", "0xd")
STEPS = 1_500
MID = 1_230_000
DEPOSIT = usd(1_000_000)


class Standing(NamedTuple):
    """A resting order of the twin."""

    number: int
    owner: str
    side: int
    price: int
    lots: int


class Twin:
    """Price-time matching over one plain list; knows cash and positions, no fees, no margin."""

    def __init__(self) -> None:
        self.standing: list[Standing] = []
        self.cash = dict.fromkeys(PEOPLE, 0)
        self.lots = dict.fromkeys(PEOPLE, 0)

    def place(self, number: int, owner: str, wish: Wish) -> int:
        """Return how many lots were filled, or -1 when the order was refused."""
        rivals = sorted(
            (s for s in self.standing if s.side != wish.side),
            key=lambda s: (wish.side * s.price, s.number),
        )
        meets = [s for s in rivals if wish.side * (wish.price_ticks - s.price) >= 0]
        if (wish.tif is Tif.ALO and meets) or (wish.tif is Tif.IOC and not meets):
            return -1
        left = wish.size_lots
        for rival in meets:
            if left == 0:
                break
            self.standing.remove(rival)
            if rival.owner != owner:
                lots = min(left, rival.lots)
                left -= lots
                self._trade(owner, rival, lots)
        if left and wish.tif is not Tif.IOC:
            self.standing.append(Standing(number, owner, wish.side, wish.price_ticks, left))
        return wish.size_lots - left

    def _trade(self, taker: str, rival: Standing, lots: int) -> None:
        for owner, side in ((taker, -rival.side), (rival.owner, rival.side)):
            self.cash[owner] -= side * lots * rival.price
            self.lots[owner] += side * lots
        if lots < rival.lots:
            self.standing.append(rival._replace(lots=rival.lots - lots))


def random_wish(rnd: random.Random) -> Wish:
    side = rnd.choice((1, -1))
    price = MID + 100 * rnd.randint(-6, 6)
    tif = rnd.choice((Tif.ALO, Tif.GTC, Tif.IOC))
    return Wish(SOL.index, side, price, rnd.randint(10, 60), tif)


@pytest.mark.parametrize("seed", range(5))
def test_matching_is_that_of_a_plain_list_and_nothing_is_made_or_lost(seed: int) -> None:
    """After every step: same fills, same book, no crossed book, money and positions conserved."""
    rnd, twin = random.Random(seed), Twin()
    accounts, journal = Accounts(), BlockJournal()
    market = Market(SOL, MID)
    matcher = Matcher({SOL.index: market}, accounts, journal, seed)
    for owner in PEOPLE:
        accounts.deposit(owner, DEPOSIT, 0)
    for step in range(STEPS):
        matcher.begin(step)
        matcher.begin_transaction()
        owner = rnd.choice(PEOPLE)
        account = accounts.of(owner)
        if rnd.random() < 0.25 and account.open_orders:
            order = rnd.choice(list(account.open_orders.values()))
            matcher.cancel(account, order)
            twin.standing = [s for s in twin.standing if s.number != order.oid]
        else:
            wish = random_wish(rnd)
            outcome = matcher.place(account, wish)
            filled = twin.place(matcher.oid, owner, wish)
            if isinstance(outcome, Filled):
                assert outcome.filled_lots == filled
            else:
                assert filled == (0 if isinstance(outcome, Rested) else max(-1, min(filled, 0)))
        assert_same(market, twin)
        assert accounts.cash_total() == DEPOSIT * len(PEOPLE)
        assert accounts.position_total(SOL.index) == 0
    assert_same_accounts(accounts, twin)


def assert_same(market: Market, twin: Twin) -> None:
    bid, ask = market.book.touch()
    assert not (bid and ask) or bid < ask
    for half in (market.book.bids, market.book.asks):
        expected = sorted(
            (s for s in twin.standing if s.side == half.side),
            key=lambda s: (-half.side * s.price, s.number),
        )
        assert [(o.oid, o.remaining_lots) for o in half] == [(s.number, s.lots) for s in expected]


def assert_same_accounts(accounts: Accounts, twin: Twin) -> None:
    """Positions and cash agree once the fees are added back."""
    for owner in PEOPLE:
        account = accounts.of(owner)
        fees = sum(fill.fee_usd_micro for fill in account.fills)
        assert account.position_lots(SOL.index) == twin.lots[owner]
        assert account.cash_usd_micro + fees - DEPOSIT == twin.cash[owner]
    assert accounts.fees.cash_usd_micro == sum(
        fill.fee_usd_micro for owner in PEOPLE for fill in accounts.of(owner).fills
    )
