"""The book against a slow twin that sorts a list for every question."""

from hypothesis import given
from hypothesis import strategies as st

from hypermaker.exchange.book import Book
from hypermaker.exchange.orders import Order, Tif, Wish


class SlowBook:
    """All orders in one list, in the order they came; every answer sorts it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def line(self, side: int) -> list[Order]:
        mine = [order for order in self.orders if order.side == side and order.remaining_lots]
        return sorted(mine, key=lambda order: -side * order.price_ticks)

    def depth(self, side: int) -> list[tuple[int, int, int]]:
        rows: dict[int, list[int]] = {}
        for order in self.line(side):
            rows.setdefault(order.price_ticks, []).append(order.remaining_lots)
        return [(price, sum(lots), len(lots)) for price, lots in rows.items()]


def make(oid: int, side: int, price: int, lots: int) -> Order:
    wish = Wish(0, side, price, lots, Tif.GTC)
    return Order(oid=oid, owner="somebody", wish=wish, placed_ms=0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "shrink"]),
        st.sampled_from([1, -1]),
        st.integers(1, 8),
        st.integers(1, 5),
    ),
    max_size=60,
)


@given(STEPS)
def test_every_answer_is_that_of_a_sorted_list(steps: list[tuple[str, int, int, int]]) -> None:
    """First in line, touch and depth after any mix of orders, cancels and part fills."""
    book, slow = Book(), SlowBook()
    for oid, (what, side, price, lots) in enumerate(steps):
        line = slow.line(side)
        if what == "add":
            order = make(oid, side, price, lots)
            book.half(side).add(order)
            slow.orders.append(order)
        elif line:
            order = line[(price * lots) % len(line)]
            if what == "remove":
                book.half(side).remove(order)
                slow.orders.remove(order)
            else:
                book.half(side).shrink(order, min(lots, order.remaining_lots))
        for half in (book.bids, book.asks):
            expected = slow.line(half.side)
            assert list(half) == expected
            assert half.depth(99) == slow.depth(half.side)
            assert half.first() is (expected[0] if expected else None)
            assert half.best_ticks() == (expected[0].price_ticks if expected else 0)


def test_an_order_crosses_at_the_price_of_the_other_side_and_not_before() -> None:
    book = Book()
    assert not book.crosses(1, 10**9)
    book.asks.add(make(1, -1, 100, 5))
    assert book.crosses(1, 100) and not book.crosses(1, 99)
    book.bids.add(make(2, 1, 90, 5))
    assert book.crosses(-1, 90) and not book.crosses(-1, 91)
