"""A venue that knows the truth about orders and promises no order between its channels.

Messages wait in channels (replies, order updates, fills) until somebody delivers them; a reply may
be lost (the shell then says OUTCOME_UNKNOWN), a request may be lost on its way, a fill may be told
twice. Everything is drawn from one seed.
"""

import random
from typing import Any

from hypermaker.core.actions import Ask
from hypermaker.core.events import Kind
from hypermaker.core.units import NS_PER_S

BLOCK_NS = NS_PER_S  # every trade has its own id, so one block time will do


class Venue:
    """The truth about orders, and channels of messages about it that are not yet delivered."""

    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.channels: dict[str, list[dict[str, Any]]] = {"reply": [], "updates": [], "fills": []}
        self.orders: dict[int, dict[str, Any]] = {}
        self.burnt: set[int] = set()
        self.tid = 0
        self.heard: set[int] = set()
        self.position = 0

    def send(self, channel: str, kind: Kind, order_seq: int, **fields: int) -> None:
        self.channels[channel].append({"kind": kind, "order_seq": order_seq, **fields})

    def place(self, seq: int, side: int, size: int) -> None:
        fate = self.rnd.random()
        if fate < 0.1:  # the request is lost on the way: it may only be burnt
            self.send("reply", Kind.OUTCOME_UNKNOWN, seq)
            return
        if fate < 0.2:
            self.orders[seq] = {"side": side, "left": 0, "size": size, "status": "rejected"}
            lost = self.rnd.random() < 0.3
            self.send("reply", Kind.OUTCOME_UNKNOWN if lost else Kind.ORDER_REFUSED, seq)
            self.send("updates", Kind.ORDER_REFUSED, seq)
            return
        self.orders[seq] = {"side": side, "left": size, "size": size, "status": "open"}
        lost = self.rnd.random() < 0.3
        self.send("reply", Kind.OUTCOME_UNKNOWN if lost else Kind.ORDER_RESTED, seq, oid=seq + 900)
        self.send("updates", Kind.ORDER_RESTED, seq, oid=seq + 900)

    def trade(self, seq: int, size: int) -> None:
        order = self.orders[seq]
        if order["status"] != "open":
            return
        size = min(size, order["left"])
        order["left"] -= size
        self.position += order["side"] * size
        self.tid += 1
        for _ in range(1 + (self.rnd.random() < 0.2)):  # sometimes delivered twice
            self.send("fills", Kind.FILL, seq, tid=self.tid, side=order["side"], size_lots=size)
        if order["left"] == 0:
            order["status"] = "filled"
            self.end(seq)

    def end(self, seq: int) -> None:
        order = self.orders[seq]
        self.send("updates", Kind.ORDER_ENDED, seq, remaining_lots=order["left"], oid=seq + 900)

    def act(self, kind: int, seq: int) -> None:
        order = self.orders.get(seq)
        if kind == Ask.CANCEL:
            alive = order is not None and order["status"] == "open"
            if order is not None and alive:
                order["status"] = "canceled"
                self.end(seq)
            answer = Kind.CANCEL_ACCEPTED if alive else Kind.CANCEL_REFUSED
            lost = self.rnd.random() < 0.3
            self.send("reply", Kind.OUTCOME_UNKNOWN if lost else answer, seq)
        elif kind == Ask.BURN:
            used = order is not None or seq in self.burnt
            self.burnt.add(seq)
            if self.rnd.random() < 0.7:  # else the burn itself is lost; the table asks again
                self.send("reply", Kind.BURN_REFUSED if used else Kind.BURNT, seq)
        elif kind == Ask.ASK:
            self.status(seq)
        elif kind == Ask.ASK_FILLS:
            self.send("fills", Kind.FILLS_TOLD, seq)

    def status(self, seq: int) -> None:
        order = self.orders.get(seq)
        if order is None:
            self.send("reply", Kind.ORDER_NOT_FOUND, seq)
        elif order["status"] == "open":
            self.send("reply", Kind.ORDER_RESTED, seq, oid=seq + 900)
        elif order["status"] == "rejected":
            self.send("reply", Kind.ORDER_REFUSED, seq)
        else:
            left = order["left"]
            self.send("reply", Kind.ORDER_ENDED, seq, remaining_lots=left, oid=seq + 900)

    def may_fill(self, side: int) -> int:
        return sum(
            o["left"] for o in self.orders.values() if o["side"] == side and o["status"] == "open"
        )

    def undelivered_fills(self, side: int) -> int:
        sizes = {
            m["tid"]: m["size_lots"]
            for m in self.channels["fills"]
            if m["kind"] == Kind.FILL and m["side"] == side and m["tid"] not in self.heard
        }
        return sum(sizes.values())
