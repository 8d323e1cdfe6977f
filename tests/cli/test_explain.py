"""Any order ever placed can say why it stood where it stood."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hypermaker import __main__
from hypermaker.core.actions import Ask
from hypermaker.core.events import Kind, Source, event
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.explain import event_at, event_of_order, explain
from hypermaker.hyperliquid.cloid import cloid_of
from hypermaker.shell.journal import JOURNAL_NAME, JournalWriter, make_header
from hypermaker.shell.session import Session
from hypermaker.shell.warmup import warm_up
from hypermaker.state import config_for
from hypermaker.tape.format import read_journal
from hypermaker.tape.replay import engine_config

pytestmark = pytest.mark.timeout(600)  # a cold start compiles the engine first
START_NS = 1_700_000_000 * NS_PER_S
RUN_ID = 0xABCDEF
MOVES = (0, 0, 40, 90, 60, -50, -140, -260, -90, 10, 30)


class Told:
    """What a command printed and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


class Recorder:
    """A session without a network: every order rests, some are filled, time is ours."""

    def __init__(self, folder: Path) -> None:
        config = config_for(
            "BTC",
            sz_decimals=5,
            price_usd=100_000.0,
            wishes={"position_limit_usd": 2_000, "started_ns": START_NS},
        )
        header = make_header(
            run_id=RUN_ID,
            asset="BTC",
            network="local",
            account="0x0",
            started_ns=START_NS,
            engine=config,
        )
        self.journal = JournalWriter(folder / JOURNAL_NAME, header)
        self.now, self.asked = START_NS, []
        self.session = Session(config, self.journal, lambda: self.now)
        self.session.carry_out = lambda actions: self.asked.extend(actions.copy())

    def say(self, kind: Kind, *, wait_ms: int = 1, **fields: int) -> None:
        """Let the session hear one event."""
        self.now += wait_ms * NS_PER_MS
        self.session.hear(event(kind, self.now, self.now - NS_PER_MS, **fields))

    def market(self, mid: int) -> None:
        """Show a touch, and let the venue take what the engine asks for."""
        for half in (10, 12):
            fields = {"bid_lots": 100_000, "ask_lots": 100_000, "source": Source.BBO}
            fields |= {"bid_ticks": mid - half, "ask_ticks": mid + half}
            self.say(Kind.BBO, wait_ms=300, **fields)
        asked, self.asked = self.asked, []
        for row in asked:
            seq, left = int(row["order_seq"]), int(row["size_lots"])
            if row["kind"] == Ask.PLACE:
                self.say(Kind.ORDER_RESTED, order_seq=seq, oid=seq + 900)
            elif row["kind"] == Ask.CANCEL:
                self.say(Kind.ORDER_ENDED, order_seq=seq, remaining_lots=left or 250)

    def fill(self, seq: int, side: int, *, price_ticks: int, size_lots: int) -> None:
        """Fill one order whole."""
        fields = {"side": side, "price_ticks": price_ticks, "size_lots": size_lots, "tid": seq}
        self.say(Kind.FILL, order_seq=seq, source=Source.USER, **fields)
        self.say(Kind.ORDER_ENDED, order_seq=seq, source=Source.USER, remaining_lots=0)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a session in which the market moved and we were filled."""
    warm_up()
    folder = tmp_path_factory.mktemp("session")
    recorder = Recorder(folder)
    recorder.say(Kind.POSITION, position_lots=0)
    recorder.say(Kind.ACCOUNT, equity_usd_micro=10_000_000_000, margin_usd_micro=10_000_000_000)
    for index, move in enumerate(MOVES):
        recorder.market(1_000_000 + move)
        if index == 0:
            recorder.fill(1, 1, price_ticks=999_500, size_lots=250)
    recorder.journal.close()
    return folder


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], session: Path
) -> Callable[..., Told]:
    """Run `hypermaker explain SESSION` with options, in this process."""

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["hypermaker", "explain", str(session), *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        said = capsys.readouterr()
        return Told(int(ended.value.code or 0), said.out, said.err)

    return run


def test_every_order_is_the_sum_of_its_terms(session: Path) -> None:
    """Issue 4, item 6: every order of a session, to 1e-9 bps, found by number and by client id."""
    journal = read_journal(session / JOURNAL_NAME)
    config = engine_config(journal, session)
    orders = journal.actions[journal.actions["kind"] == Ask.PLACE]
    assert len(orders) > 15
    for row in orders:
        seq = int(row["order_seq"])
        found = event_of_order(journal, cloid_of(RUN_ID, seq))
        assert found == event_of_order(journal, str(seq))
        told = explain(journal, config, found[0], order_seq=seq)
        assert told.is_identical and told.order is not None
        (quote,) = told.quotes
        assert quote.price == told.order.price
        assert abs(quote.gap_bps) < 1e-9
        sign = 1 if quote.side == "buy" else -1
        price = told.fair * (1 - sign * sum(quote.terms_bps.values()) * 1e-4)
        assert price == pytest.approx(float(quote.price), rel=1e-12)


def test_an_order_tells_what_was_heard_of_it(command: Callable[..., Told]) -> None:
    said = command("--order", "1", "--json")
    told = json.loads(said.out)
    assert [what for _, what in told["order"]["heard"]] == [
        "order rested",
        "fill 0.0025",
        "order ended",
    ]
    assert told["limits"]["position"] == "0" and told["limits"]["long_set_by"]
    assert told["feeds_ms"]["bbo"] == 0.0


def test_a_moment_shows_the_ladder_the_gate_and_what_rests(command: Callable[..., Told]) -> None:
    """Table for people, JSON for programs; --last and --at."""
    last = json.loads(command("--last", "--json").out)
    assert last["order"] is None and len(last["quotes"]) > 2
    assert set(last["gate"]) == {"buy", "sell"}
    assert last["limits"]["position"] == "0.0025"
    text = command("--at", "3.5").out
    for words in ("half spread", "adverse selection", "rounding", "premium volatility"):
        assert words in text
    for words in ("believed then", "kappa", "gate, buy side", "age of the feeds", "could still"):
        assert words in text


def test_times_are_iso_or_seconds_since_the_start(session: Path) -> None:
    """The last event heard by then."""
    journal = read_journal(session / JOURNAL_NAME)
    first = int(journal.events["received_ns"][0])
    index = event_at(journal, "2023-11-14T22:13:21.5+00:00")
    assert journal.events["received_ns"][index] <= START_NS + 1_500 * NS_PER_MS
    assert journal.events["received_ns"][index + 1] > START_NS + 1_500 * NS_PER_MS
    assert event_at(journal, "0") == 0
    assert event_at(journal, str((START_NS + NS_PER_S - first) / NS_PER_S)) == event_at(
        journal, "2023-11-14T22:13:21"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--order", "9999"),
        ("--order", "0"),
        ("--order", "-1"),
        ("--order", "9" * 40),
        ("--order", cloid_of(RUN_ID + 1, 1)),
        ("--at", "-1"),
        ("--at", "1e9"),
        ("--at", "nan"),
        ("--at", "yesterday"),
        ("--at", "2030-01-01T00:00:00"),
        (),
        ("--last", "--order", "1"),
    ],
)
def test_what_the_session_does_not_hold_is_one_line(
    command: Callable[..., Told], arguments: tuple[str, ...]
) -> None:
    said = command(*arguments)
    assert said.status == 2 and said.out == ""
    assert said.err.startswith("hypermaker: ") and said.err.count("\n") == 1
