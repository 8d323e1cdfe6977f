"""Shares of one account: never more than there is, never more than wanted, fair in between."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypermaker.risk import account, kill_switch
from hypermaker.risk.account import ACCOUNT_WIDE, CLAIM
from hypermaker.risk.kill_switch import KILL_SWITCH, KillReason

Claims = Any


def claims(*pairs: tuple[float, float]) -> Claims:
    """Return claims of (wanted, weight)."""
    made = np.zeros(len(pairs), CLAIM)
    for claim, (wanted, weight) in zip(made, pairs, strict=True):
        claim["wanted"], claim["weight"] = wanted, weight
    return made


def test_what_one_does_not_need_goes_to_the_others() -> None:
    """100 for wishes of 10, 50 and 100: 10, 45, 45."""
    made = claims((10.0, 1.0), (50.0, 1.0), (100.0, 1.0))
    account.split(100.0, made)
    assert made["share"].tolist() == [10.0, 45.0, 45.0]


def test_weights_share_in_proportion() -> None:
    """Twice the weight is twice the share."""
    made = claims((math.nextafter(1e9, 0), 2.0), (1e9, 1.0))
    account.split(90.0, made)
    assert made["share"].tolist() == pytest.approx([60.0, 30.0])


WISHES = st.lists(
    st.tuples(st.floats(0.01, 1e6), st.floats(0.1, 10.0)), min_size=1, max_size=account.ENGINES_MAX
)


def _water_level(total: float, wishes: list[tuple[float, float]]) -> list[float]:
    """Return max-min fair shares by bisection on the level: an independent oracle."""
    low, high = 0.0, 1e9
    for _ in range(200):
        level = (low + high) / 2
        if sum(min(wanted, level * weight) for wanted, weight in wishes) <= total:
            low = level
        else:
            high = level
    return [min(wanted, low * weight) for wanted, weight in wishes]


@given(total=st.floats(0.01, 1e7), wishes=WISHES)
def test_the_split_is_max_min_fair(total: float, wishes: list[tuple[float, float]]) -> None:
    """Equal to filling all claims like water to one level."""
    made = claims(*wishes)
    account.split(total, made)
    assert made["share"].tolist() == pytest.approx(_water_level(total, wishes), rel=1e-6, abs=1e-6)
    assert made["share"].sum() <= total * (1 + 1e-12)


@given(total=st.integers(-5, 10**12), wishes=WISHES)
def test_whole_shares_never_add_up_to_more(total: int, wishes: list[tuple[float, float]]) -> None:
    """F-20: no request and no dollar is given twice."""
    made = claims(*wishes)
    account.split_whole(total, made)
    shares = [int(share) for share in made["share"]]
    assert all(0 <= share <= wanted for share, (wanted, _) in zip(shares, wishes, strict=True))
    assert sum(shares) <= max(0, total)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 0.0])
def test_a_bad_number_gets_nothing_and_takes_nothing(bad: float) -> None:
    """NaN closes, for the one who sends it; an unknown total closes for everybody."""
    made = claims((bad, 1.0), (50.0, bad), (50.0, 1.0))
    account.split(40.0, made)
    assert made["share"].tolist() == [0.0, 0.0, 40.0]
    account.split(bad, made)
    assert made["share"].tolist() == [0.0, 0.0, 0.0]


def test_more_engines_than_allowed_get_nothing() -> None:
    """I11: the work is bounded; an engine beyond the bound is closed, not forgotten half-way."""
    made = claims(*[(1.0, 1.0)] * (account.ENGINES_MAX + 2))
    account.split(1e6, made)
    assert made["share"].tolist() == [1.0] * account.ENGINES_MAX + [0.0, 0.0]


@pytest.mark.parametrize("reason", list(KillReason))
def test_a_reason_of_the_account_stops_every_engine(reason: KillReason) -> None:
    """A lost account, a silent user stream or the owner's stop is not one coin's matter."""
    latches = np.zeros(3, KILL_SWITCH)
    for latch in latches:
        kill_switch.reset(latch, 0)
    latches[1]["reason"] = reason
    assert account.account_kill(latches) == (reason if reason in ACCOUNT_WIDE else 0)
