"""The fused touch: best bid and ask from whichever feed spoke last, each feed with its own age.

`bbo` speaks on change only and may be silent for minutes on a quiet coin; the fast book repeats
itself every half second and so proves that the link is alive (X1, X2, F3, F52). The newer venue
time wins. A book that is crossed, locked, empty or one-sided is not a price (F51). A mid that
jumps by more than JUMP_MAX in one frame is believed only when the next frames agree (F53, T-97).
"""

from typing import Any

from hypermaker.core.events import Flag, Kind, Source
from hypermaker.core.kernel import kernel, record

SOURCES = len(Source)
JUMP_MAX = 0.05  # share of the mid in one frame
AGREEING_FRAMES = 3

TOUCH = record(
    ("bid_ticks", "i8"),
    ("bid_lots", "i8"),
    ("ask_ticks", "i8"),
    ("ask_lots", "i8"),
    ("venue_ns", "i8"),
    ("good_mid2", "i8"),  # bid + ask of the last two-sided touch believed
    ("suspect_mid2", "i8"),  # a jump that waits for agreement, 0: none
    ("suspect_frames", "i8"),
    ("refused_frames", "i8"),
    ("heard_ns", "i8", (SOURCES,)),  # when each feed last spoke, local time
    ("down", "u1", (SOURCES,)),
)
Rec = Any


@kernel
def is_quotable(touch: Rec) -> bool:
    """Return whether there is a two-sided, uncrossed book that no jump is in question of."""
    two_sided = touch.bid_lots > 0 and touch.ask_lots > 0
    return bool(two_sided and touch.bid_ticks < touch.ask_ticks and touch.suspect_frames == 0)


@kernel
def mid2_ticks(touch: Rec) -> int:
    """Return bid + ask: the mid in half ticks, exact."""
    return int(touch.bid_ticks + touch.ask_ticks)


@kernel
def _is_believable(touch: Rec, mid2: int) -> bool:
    """Return whether a frame's mid may be taken now; remember it as a suspect if not."""
    before = touch.good_mid2
    if before == 0 or abs(mid2 - before) <= JUMP_MAX * before:
        touch.suspect_frames = 0
        touch.good_mid2 = mid2
        return True
    agrees = abs(mid2 - touch.suspect_mid2) <= JUMP_MAX * mid2
    touch.suspect_frames = touch.suspect_frames + 1 if agrees else 1
    touch.suspect_mid2 = mid2
    if touch.suspect_frames >= AGREEING_FRAMES:
        touch.suspect_frames = 0
        touch.good_mid2 = mid2
        return True
    touch.refused_frames += 1
    return False


@kernel
def hear(touch: Rec, event: Rec) -> bool:
    """Take one BBO or top-of-DEPTH event; return whether the touch is now this event's."""
    touch.heard_ns[event.source] = event.received_ns
    if event.venue_ns < touch.venue_ns:
        return False
    two_sided = event.bid_lots > 0 and event.ask_lots > 0
    if two_sided and not _is_believable(touch, event.bid_ticks + event.ask_ticks):
        return False
    touch.bid_ticks, touch.bid_lots = event.bid_ticks, event.bid_lots
    touch.ask_ticks, touch.ask_lots = event.ask_ticks, event.ask_lots
    touch.venue_ns = event.venue_ns
    return True


@kernel
def hear_link(touch: Rec, event: Rec) -> None:
    """Note that a feed went down or came up; a feed that is down is as old as its last word."""
    touch.down[event.source] = 1 if event.marks & Flag.DOWN else 0


@kernel
def heard(touch: Rec, event: Rec) -> None:
    """Note that a feed without prices (user stream, trades, context) has spoken."""
    touch.heard_ns[event.source] = event.received_ns


@kernel
def market_age_ns(touch: Rec, now_ns: int) -> int:
    """Return how long ago the freshest price feed spoke."""
    newest = max(touch.heard_ns[Source.BBO], touch.heard_ns[Source.BOOK_FAST])
    return int(now_ns - max(newest, touch.heard_ns[Source.BOOK_SLOW]))


@kernel
def is_touch(event: Rec) -> bool:
    """Return whether this event carries a best bid and ask."""
    return bool(event.kind == Kind.BBO or (event.kind == Kind.DEPTH and event.level == 0))
