"""T-53: every input reaches an order. Change one alone, and the ladder moves as documented.

Each test runs the same market twice through the whole engine, once with one thing changed, and
compares what the engine then wants. An estimator that moves nothing has no place here (duty 11).
"""

import numpy as np
import pytest

from hypermaker.core.actions import Ask, empty_actions
from hypermaker.core.events import Flag, Kind, Source, event
from hypermaker.core.market import Premium
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.engine import step
from hypermaker.estimate import (
    cascade,
    fair_price,
    order_flow,
    regime,
    stochastic_vol,
    volatility,
)
from hypermaker.state import config_for, initial_state

START_NS = 1_000 * NS_PER_S
MID = 1_000_000
EQUITY = 50_000_000_000
WARM_STEPS = 1_500  # of 200 ms: five minutes


class Market:
    """A random market and the engine that listens to it; the same seed is the same market."""

    def __init__(self, *, position: int = 0, sigma: float = 45.0, reach_bps: float = 2.0) -> None:
        wishes = {"started_ns": START_NS, "kappa_prior_per_bps": 0.4, "a_prior_per_s": 0.3}
        config = config_for("BTC", sz_decimals=5, price_usd=100_000.0, wishes=wishes)
        self.states, self.actions = initial_state(config), empty_actions()
        self.rng = np.random.default_rng(5)
        self.now, self.mid, self.tid = START_NS, MID, 0
        self.sigma, self.reach_bps = sigma, reach_bps
        self.half = 10
        self.say(Kind.POSITION, position_lots=position)
        self.say(Kind.ACCOUNT, equity_usd_micro=EQUITY, margin_usd_micro=EQUITY)

    @property
    def state(self):
        return self.states[0]

    def say(self, kind, *, wait_ms=1, **fields):
        self.now += wait_ms * NS_PER_MS
        made = event(kind, self.now, self.now - NS_PER_MS, **fields)
        n = step(self.states, made, self.actions)
        for action in self.actions[:n].copy():
            self.answer(action)

    def answer(self, action):
        """A venue without delay: orders rest, cancels succeed."""
        kinds = {Ask.PLACE: Kind.ORDER_RESTED, Ask.CANCEL: Kind.ORDER_ENDED}
        seq = int(action["order_seq"])
        if int(action["kind"]) in kinds:
            kind = kinds[Ask(int(action["kind"]))]
            self.say(
                kind, wait_ms=0, source=Source.REPLY, order_seq=seq, oid=seq, remaining_lots=1 << 40
            )

    def touch(self, *, wait_ms=100, bid_lots=50_000, ask_lots=50_000):
        self.say(
            Kind.BBO,
            wait_ms=wait_ms,
            source=Source.BBO,
            bid_ticks=self.mid - self.half,
            bid_lots=bid_lots,
            ask_ticks=self.mid + self.half,
            ask_lots=ask_lots,
        )

    def trade(self, side, depth_bps, lots=40):
        self.tid += 1
        price = self.mid + side * round(depth_bps * self.mid / 1e4)
        self.say(
            Kind.TRADE,
            wait_ms=50,
            source=Source.TRADES,
            side=side,
            price_ticks=price,
            size_lots=lots,
            tid=self.tid,
        )

    def run(self, steps=WARM_STEPS, *, after_trade_bps=0.0, trades_per_s=0.5):
        """Let time pass; `after_trade_bps` is how far the mid follows each taker."""
        for _ in range(steps):
            move = self.rng.normal(0.0, self.sigma) * np.sqrt(0.2)
            draw, side = self.rng.random(), 1 if self.tid % 2 else -1
            depth = self.rng.exponential(self.reach_bps)
            self.mid = max(900_000, round(self.mid + move))
            if draw < 0.2 * trades_per_s:
                self.trade(side, depth)
                self.mid += round(side * after_trade_bps * self.mid / 1e4)
            self.touch(wait_ms=150)
            self.hear_user()
        return self

    def hear_user(self):
        """A word of the account's streams: their silence would rightly stop everything."""
        self.say(Kind.ORDER_RESTED, wait_ms=0, source=Source.USER, order_seq=0)

    def decide(self):
        """Let a decision fall due on a fresh touch, and return how far the quotes stand [bps]."""
        self.touch(wait_ms=11_000)
        self.touch(wait_ms=300)
        assert self.state.kill_switch.reason == 0
        fair = self.state.market.fair_ticks
        ladder = self.state.ladder
        bid = (fair - ladder.bids[0].raw_ticks) / fair * 1e4 if ladder.bid_levels else np.inf
        ask = (ladder.asks[0].raw_ticks - fair) / fair * 1e4 if ladder.ask_levels else np.inf
        return bid, ask

    def sizes(self):
        ladder = self.state.ladder
        bids = sum(int(level.size_lots) for level in ladder.bids[: ladder.bid_levels])
        asks = sum(int(level.size_lots) for level in ladder.asks[: ladder.ask_levels])
        return bids, asks


def calm(**options) -> Market:
    return Market(**options).run()


def test_a_higher_fee_moves_both_quotes_out_by_exactly_itself():
    plain, dear = calm(), calm()
    plain.say(Kind.FEES, maker_e10=1_500_000, taker_e10=4_500_000)
    dear.say(Kind.FEES, maker_e10=3_000_000, taker_e10=4_500_000)
    (bid, ask), (bid_dear, ask_dear) = plain.decide(), dear.decide()
    # The fee also makes fills rarer, which stiffens the skew a little: at least itself, not 2x.
    assert 1.5 <= bid_dear - bid < 3.0
    assert 1.5 <= ask_dear - ask < 3.0


def test_deeper_market_orders_earn_a_wider_half_spread():
    """kappa: where takers reach further, both quotes stand further out."""
    near, far = calm(reach_bps=1.0).decide(), calm(reach_bps=6.0).decide()
    assert far[0] > near[0] + 1.0 and far[1] > near[1] + 1.0


def test_a_wide_touch_never_makes_fill_intensity_negative():
    """A is a rate: bins nobody could reach carry no exposure, and take none away either."""
    market = Market(reach_bps=6.0)
    market.half = 450
    market.run(trades_per_s=4.0)
    assert market.state.market.a_bid_per_s > 0.0 and market.state.market.a_ask_per_s > 0.0
    assert market.state.market.kappa_per_bps > 0.0


def test_more_volatility_never_narrows_and_makes_inventory_lean_more():
    """sigma, T-49: at a long position the ask comes closer relative to the bid."""
    quiet, wild = calm(position=1_000, sigma=20.0), calm(position=1_000, sigma=120.0)
    (bid, ask), (bid_wild, ask_wild) = quiet.decide(), wild.decide()
    assert bid_wild > bid
    assert (bid_wild - ask_wild) > (bid - ask)


def test_variance_that_reverts_is_averaged_over_the_holding_time_unless_the_market_is_wild():
    """Stochastic volatility and regime: quiet hours pull sigma to its long run, a burst does not
    let it be argued away."""
    market = Market()
    rng = np.random.default_rng(11)
    for second in range(9_000):
        level = 25.0 if (second // 600) % 2 else 50.0
        market.mid = max(900_000, market.mid + round(rng.normal(0.0, level)))
        market.touch(wait_ms=990)
        market.hear_user()
    state = market.state
    assert stochastic_vol.ready(state.stochastic_vol)
    assert regime.state(state.regime) <= regime.NORMAL
    market.decide()
    assert state.market.sigma_bps != volatility.sigma_bps(state.volatility)
    for _ in range(40):
        market.mid = max(900_000, market.mid + round(rng.normal(0.0, 600.0)))
        market.touch(wait_ms=990)
        market.hear_user()
    market.decide()
    assert regime.state(state.regime) >= regime.HIGH
    assert state.market.sigma_bps >= volatility.sigma_bps(state.volatility)


def test_flow_that_moves_the_price_costs_more_on_both_sides():
    """Adverse selection: takers who know are charged what they know."""
    noise = Market(reach_bps=6.0).run(trades_per_s=3.0)
    informed = Market(reach_bps=6.0).run(trades_per_s=3.0, after_trade_bps=2.0)
    assert informed.state.market.epsilon_bid_bps > noise.state.market.epsilon_bid_bps + 0.5
    assert informed.state.market.epsilon_ask_bps > noise.state.market.epsilon_ask_bps + 0.5
    bid, ask = informed.decide()
    assert min(bid, ask) > informed.state.market.fee_bps + 0.5


def test_extreme_funding_pulls_the_target_to_the_side_that_is_paid():
    """T-51: with positive funding both quotes move down, whatever the position is."""
    flat, paid = calm(), calm()
    for market, rate in ((flat, 0), (paid, 30_000_000)):  # 0.3 % an hour
        market.say(
            Kind.CONTEXT,
            source=Source.CONTEXT,
            mark_ticks=market.mid,
            oracle_ticks=market.mid,
            funding_e10=rate,
        )
    (bid, ask), (bid_paid, ask_paid) = flat.decide(), paid.decide()
    assert bid_paid > bid and ask_paid < ask


def test_forced_selling_pushes_the_bids_away_and_leaves_the_reducing_asks_alone():
    """Cascade, T-15, F-41, F-42: the side that fills against forced flow gives up, the way out
    of a long position does not."""
    plain, forced = calm(position=500), calm(position=500)
    for i in range(20):
        at = forced.now + i * 100 * NS_PER_MS
        cascade.record_liquidation(forced.state.cascade, -1, 300_000.0, 1.0, at)
    for market in (plain, forced):
        market.touch(wait_ms=2_100)
        market.touch(wait_ms=300)
    assert cascade.severity(forced.state.cascade) > cascade.SEVERITY_ACTIVE
    assert cascade.severity(plain.state.cascade) == 0.0
    bid, ask = forced.state.market.premium_bid_bps, forced.state.market.premium_ask_bps
    assert bid[Premium.CASCADE] > 0.0 == plain.state.market.premium_bid_bps[Premium.CASCADE]
    assert ask[Premium.CASCADE] == 0.0
    assert forced.sizes()[0] < plain.sizes()[0]
    assert forced.sizes()[1] >= 500


def test_a_confirmed_liquidation_against_us_is_forced_flow():
    """Liquidation sources: a fill the venue marks as forced feeds the detector, others do not."""
    market = calm()
    for marks in (0, int(Flag.LIQUIDATION)):
        market.say(
            Kind.FILL,
            source=Source.USER,
            side=1,
            price_ticks=market.mid,
            size_lots=10,
            tid=marks + 1,
            marks=marks,
        )
        assert market.state.cascade.events == (1 if marks else 0)


def test_a_trade_that_a_node_calls_forced_feeds_the_detector():
    """Liquidation sources: the mark on a trade is a confirmed event; a plain trade is none."""
    market = calm()
    for marks in (0, int(Flag.LIQUIDATION)):
        market.say(
            Kind.TRADE,
            wait_ms=100,
            source=Source.TRADES,
            side=-1,
            price_ticks=market.mid - 50,
            size_lots=5_000,
            tid=90_000 + marks,
            marks=marks,
        )
        assert market.state.cascade.events == (1 if marks else 0)


def test_an_ageing_book_widens_before_it_withdraws():
    """Staleness, I5: two seconds old is wider than fresh; beyond the limit nothing is quoted."""
    market = calm()
    market.touch(wait_ms=300)
    fresh = market.state.market.premium_bid_bps.sum()
    market.say(Kind.TIMER, wait_ms=2_000)
    assert market.state.market.premium_bid_bps.sum() > fresh
    assert market.state.ladder.bid_levels > 0
    market.say(Kind.TIMER, wait_ms=2_000)
    assert market.state.ladder.bid_levels == market.state.ladder.ask_levels == 0


def test_few_observations_quote_wider_than_many():
    """Uncertainty: the standard errors of the models are in the price until data shrink them."""
    young, seasoned = Market().run(100), calm()
    young.decide(), seasoned.decide()
    assert young.state.market.premium_bid_bps[1] > seasoned.state.market.premium_bid_bps[1] > 0.0


def test_what_the_venue_lets_us_trade_bounds_the_ladder():
    """T-33, T-63: a smaller answer of the exchange is a smaller side."""
    market = Market()
    market.say(Kind.LIMITS, source=Source.USER, buy_lots_max=300, sell_lots_max=100_000)
    market.run(100).decide()
    bids, asks = market.sizes()
    assert bids <= 300 < asks


def test_less_free_margin_is_a_smaller_ladder():
    """T-35: both sides share what equity allows."""
    rich, poor = calm(), calm()
    poor.say(Kind.ACCOUNT, equity_usd_micro=EQUITY, margin_usd_micro=100_000_000)
    rich.decide(), poor.decide()
    assert sum(poor.sizes()) < sum(rich.sizes())


def test_a_large_position_moves_its_adding_side_away_and_not_the_way_out():
    """Graduated response: half the limit shifts and shrinks what adds, and nothing else."""
    small, large = calm(position=900), calm(position=1_200)
    small.decide(), large.decide()
    assert large.state.market.premium_bid_bps[Premium.RISK] == 2.0
    assert small.state.market.premium_bid_bps[Premium.RISK] == 0.0
    assert large.state.market.premium_ask_bps[Premium.RISK] == 0.0
    bids, asks = large.sizes()
    assert bids < 800 and asks >= 1_200


def test_a_spent_request_budget_slows_updates_and_stops_adding_but_never_widens():
    """Quota, duty 12, F-61: scarcity is paid in patience, not in competitiveness."""
    rich, poor = calm(position=500), calm(position=500)
    wide = rich.decide()
    poor.say(Kind.BUDGET, requests_left=1_000, requests_cap=10_000)
    poor_wide = poor.decide()
    assert poor_wide[1] <= wide[1] + 0.2
    bids, asks = poor.sizes()
    assert bids == 0 and 0 < asks <= 500
    decisions = poor.state.counters.decisions
    for _ in range(20):
        poor.touch(wait_ms=300)
    assert poor.state.counters.decisions == decisions


def test_a_book_that_foretells_the_price_leans_the_fair_price():
    """Micro-price: when imbalance is followed by moves, fair leaves the mid, inside the touch."""
    market = Market(sigma=5.0)
    market.half = 100
    for i in range(1_200):
        heavy = (i // 12) % 2
        lots = (90_000, 10_000) if heavy else (10_000, 90_000)
        market.mid += 5 if heavy else -5
        market.touch(wait_ms=200, bid_lots=lots[0], ask_lots=lots[1])
        market.hear_user()
    assert fair_price.lean(market.state.fair_price) > 0.1
    market.touch(wait_ms=300, bid_lots=90_000, ask_lots=10_000)
    assert market.mid < market.state.market.fair_ticks <= market.mid + market.half


def test_one_sided_flow_that_foretells_the_price_moves_both_quotes_with_it():
    """Order flow, F-54: the drift acts only once the data have shown that there is one."""
    market, side = Market(sigma=3.0), 1
    for _ in range(400):
        market.hear_user()
        side = -side if market.rng.random() < 0.15 else side
        for _ in range(5):
            market.trade(side, 1.0)
            market.mid += side * 30
            market.touch(wait_ms=450)
    drift = order_flow.drift_bps_per_s(market.state.order_flow, market.now)
    assert np.sign(drift) == side
    assert market.state.market.drift_bps_per_s == pytest.approx(drift, rel=0.5)
    assert market.state.market.premium_bid_bps[Premium.TOXICITY] > 0.0
    assert calm().state.market.premium_bid_bps[Premium.TOXICITY] == 0.0
