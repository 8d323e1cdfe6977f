"""The order table against a venue that promises no order between its channels (`sim.venue`).

After every delivery, in any interleaving: the table's exposure covers all that may really still
fill (I1). After the channels are drained and the table's own questions are answered: nothing is
left, and the position is exact (I2, I3).
"""

import numpy as np
import pytest

from hypermaker.core.actions import Ask, empty_actions
from hypermaker.core.events import Kind, event
from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import LEVEL
from hypermaker.core.units import NS_PER_S
from hypermaker.orders import differ, fills, table
from hypermaker.orders.fills import FILLS
from hypermaker.orders.table import LIFE_CYCLE, SLOTS, TABLE, Life
from tests.sim.venue import BLOCK_NS, Venue


@kernel
def _hear(book, events, actions, n):
    return table.hear(book, events[0], actions, n)


@kernel
def _place(book, side_record, level, actions, n):
    return differ._place(book, side_record, level, actions, n)


class Maker:
    """The table and the fills, driven as the engine drives them."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.table, self.fills = np.zeros(1, TABLE)[0], np.zeros(1, FILLS)[0]
        table.reset(self.table, 1)
        self.actions, self.now = empty_actions(), NS_PER_S

    def carry_out(self, n: int) -> None:
        for action in self.actions[:n]:
            self.venue.act(int(action["kind"]), int(action["order_seq"]))

    def place(self, side: int, size: int) -> None:
        wish = np.zeros(1, differ.SIDE)[0]
        wish.side, wish.now_ns = side, self.now
        level = np.zeros(1, LEVEL)[0]
        level.price_ticks, level.size_lots = 1_000_000, size
        if _place(self.table, wish, level, self.actions, 0):
            self.venue.place(int(self.actions[0]["order_seq"]), side, size)

    def cancel_one(self) -> None:
        for slot in self.table.slots:
            if slot.life == Life.OPEN:
                self.carry_out(differ.cancel(self.table, slot, self.now, self.actions, 0))
                return

    def deliver(self, channel: str) -> None:
        waiting = self.venue.channels[channel]
        if not waiting:
            return
        message = dict(waiting.pop(0))
        kind = message.pop("kind")
        if kind == Kind.FILL:
            self.venue.heard.add(message["tid"])
            if fills.is_unseen(self.fills, BLOCK_NS, message["tid"]):
                fills.move(self.fills, message["side"], 100, message["size_lots"])
                table.fill(self.table, message["order_seq"], message["size_lots"], self.now)
            return
        made = event(kind, self.now, self.now, **message)
        self.carry_out(_hear(self.table, made, self.actions, 0))

    def tend(self, seconds: int) -> None:
        self.now += seconds * NS_PER_S
        self.carry_out(table.tend(self.table, self.now, self.actions, 0))

    def check_exposure(self) -> None:
        for side in (1, -1):
            truth = self.venue.may_fill(side) + self.venue.undelivered_fills(side)
            assert table.exposure_lots(self.table, side) >= truth


def step(venue: Venue, maker: Maker) -> None:
    choice = venue.rnd.random()
    if choice < 0.2:
        maker.place(venue.rnd.choice((1, -1)), venue.rnd.randint(1, 9))
    elif choice < 0.35 and venue.orders:
        venue.trade(venue.rnd.choice(list(venue.orders)), venue.rnd.randint(1, 5))
    elif choice < 0.5:
        maker.cancel_one()
    elif choice < 0.55:
        maker.tend(3)
    else:
        maker.deliver(venue.rnd.choice(("reply", "updates", "fills")))


@pytest.mark.parametrize("seed", range(40))
def test_any_interleaving_ends_with_nothing_unaccounted_for(seed):
    """I1, I2, I3; T-67..T-71, T-74; F15-F22, F8, F10, F38: safety at every step, then liveness."""
    venue = Venue(seed)
    maker = Maker(venue)
    maker.fills.start_venue_ns = 0
    for _ in range(250):
        step(venue, maker)
        maker.check_exposure()
    for _ in range(60):
        maker.cancel_one()
        for channel in venue.channels:
            for _ in range(len(venue.channels[channel])):
                maker.deliver(channel)
                maker.check_exposure()
        maker.tend(6)
    assert table.is_quiet(maker.table)
    assert maker.fills.position_lots == venue.position
    assert venue.may_fill(1) == venue.may_fill(-1) == 0
    assert maker.table.contradictions == 0


def one_order(life_events: list[tuple[Kind, dict]]) -> tuple[np.record, list[int]]:
    """Return a table with one sent order of 10 lots after these events, and what it asked."""
    book, actions = np.zeros(1, TABLE)[0], empty_actions()
    table.reset(book, 1)
    wish, level = np.zeros(1, differ.SIDE)[0], np.zeros(1, LEVEL)[0]
    wish.side, level.price_ticks, level.size_lots = 1, 1_000_000, 10
    _place(book, wish, level, actions, 0)
    asked: list[int] = []
    for kind, fields in life_events:
        if kind == Kind.FILL:
            table.fill(book, 1, fields["size_lots"], 5)
        elif kind == Kind.TIMER:
            n = table.tend(book, fields["now_ns"], actions, 0)
            asked += [int(a["kind"]) for a in actions[:n]]
        else:
            made = event(kind, 5, 5, order_seq=1, **fields)
            n = _hear(book, made, actions, 0)
            asked += [int(a["kind"]) for a in actions[:n]]
    return book, asked


def test_a_time_out_counts_as_exposure_until_its_nonce_is_burnt():
    """F15, F16, F17, I4: unknown is exposure; BURNT is the evidence that ends it."""
    book, asked = one_order([(Kind.OUTCOME_UNKNOWN, {})])
    assert asked == [Ask.BURN] and table.exposure_lots(book, 1) == 10
    book, _ = one_order([(Kind.OUTCOME_UNKNOWN, {}), (Kind.BURNT, {})])
    assert table.exposure_lots(book, 1) == 0 and table.is_quiet(book)


def test_a_refused_burn_is_a_question_and_only_then_absence_is_an_answer():
    """F16, F26: the nonce was used by something; `unknownOid` before that proves nothing."""
    lost = (Kind.OUTCOME_UNKNOWN, {})
    book, _ = one_order([lost, (Kind.ORDER_NOT_FOUND, {})])
    assert table.exposure_lots(book, 1) == 10
    book, asked = one_order([lost, (Kind.BURN_REFUSED, {})])
    assert asked[-1] == Ask.ASK and table.exposure_lots(book, 1) == 10
    book, _ = one_order([lost, (Kind.BURN_REFUSED, {}), (Kind.ORDER_NOT_FOUND, {})])
    assert table.is_quiet(book)


def test_absence_from_a_list_of_open_orders_is_only_a_question():
    """T-74, F7: no count of misses ends an order."""
    rested = (Kind.ORDER_RESTED, {"oid": 9})
    book, asked = one_order([rested] + [(Kind.ORDER_ABSENT, {})] * 5)
    assert asked == [Ask.ASK] * 5 and table.exposure_lots(book, 1) == 10


def test_a_terminal_status_does_not_release_exposure_before_its_fills_are_seen():
    """F22: canceled with 4 left of 10 means 6 will have filled; they still count."""
    ended = (Kind.ORDER_ENDED, {"remaining_lots": 4, "oid": 9})
    book, _ = one_order([(Kind.ORDER_RESTED, {"oid": 9}), ended])
    assert table.exposure_lots(book, 1) == 6
    book, _ = one_order([(Kind.ORDER_RESTED, {}), ended, (Kind.FILL, {"size_lots": 6})])
    assert table.is_quiet(book)


def test_a_fill_lost_on_the_stream_is_asked_for():
    """F38: an order that is over but short of fills asks for them after five seconds."""
    ended = (Kind.ORDER_ENDED, {"remaining_lots": 4, "oid": 9})
    later = (Kind.TIMER, {"now_ns": 6 * NS_PER_S})
    _, asked = one_order([(Kind.ORDER_RESTED, {}), ended, later])
    assert asked == [Ask.ASK_FILLS]


def test_a_partial_fill_leaves_the_rest_alive_after_a_failed_cancel():
    """T-69, T-70, F-04: cancel sent, 4 of 10 fill, the cancel is lost: 6 remain, and open."""
    book, _ = one_order([(Kind.ORDER_RESTED, {}), (Kind.FILL, {"size_lots": 4})])
    slot = book.slots[0]
    differ.cancel(book, slot, 6, empty_actions(), 0)
    assert slot.life == Life.CANCELLING and table.exposure_lots(book, 1) == 6
    _hear(book, event(Kind.OUTCOME_UNKNOWN, 7, 7, order_seq=1), empty_actions(), 0)
    assert slot.life == Life.OPEN and table.exposure_lots(book, 1) == 6


def test_a_fill_before_the_acknowledgement_is_evidence_that_the_order_lives():
    """F8, T-71: a fill of an order in flight opens it; the late acknowledgement changes nothing."""
    book, _ = one_order([(Kind.FILL, {"size_lots": 3}), (Kind.ORDER_RESTED, {"oid": 9})])
    assert book.slots[0].life == Life.OPEN and table.exposure_lots(book, 1) == 7


def test_every_pair_the_table_lists_names_a_state_an_order_can_be_in():
    """The life cycle is data: no evidence leads out of FREE, every row is about an order."""
    for row in LIFE_CYCLE.values():
        assert Life.FREE not in row
    assert len(np.zeros(1, TABLE)[0].slots) == SLOTS
