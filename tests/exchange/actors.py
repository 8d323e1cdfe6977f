"""A local exchange in virtual time and people who trade on it with real signatures."""

from typing import Any

import msgspec

from hypermaker.core.events import Events
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.exchange.config import ExchangeConfig, usd
from hypermaker.exchange.presets import PRESETS
from hypermaker.exchange.venue import Answered, Exchange, FrameSent
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_exchange import Action, OrderWire, Tif

BTC, ETH, SOL = Asset("BTC", 0, 5, 40), Asset("ETH", 1, 4, 25), Asset("SOL", 5, 2, 20)
ALICE, BOB, CAROL = (Signer(bytes([number]) * 32, mainnet=False) for number in (1, 2, 3))
DEPOSIT_USD = 100_000


def order(
    side: int,
    price: int,
    lots: int,
    tif: Tif = "Alo",
    *,
    asset: Asset = SOL,
    reduce_only: bool = False,
    cloid: str | None = None,
) -> OrderWire:
    """Return one order as the client encodes it; price in ticks."""
    return encode.order(
        asset,
        side,
        price_ticks=price,
        size_lots=lots,
        reduce_only=reduce_only,
        tif=tif,
        cloid=cloid,
    )


class Bench:
    """An exchange that nobody else trades on, with funded accounts and the time in its hand."""

    def __init__(
        self,
        config: ExchangeConfig | None = None,
        recordings: dict[str, Events] | None = None,
        *,
        funded: tuple[Signer, ...] = (ALICE, BOB),
    ) -> None:
        quiet = ExchangeConfig(assets=(), flow=PRESETS["still"])
        deposits = tuple((who.address, usd(DEPOSIT_USD)) for who in funded)
        config = msgspec.structs.replace(config or quiet, funded=deposits)
        self.exchange = Exchange(config, recordings)
        self.now_ns = config.start_ns
        self.frames: dict[int, list[Any]] = {}
        self.closed: set[int] = set()
        self.answers: dict[int, Any] = {}
        self._nonce = self.now_ms

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    def wait(self, seconds: float) -> None:
        """Let time pass and collect what comes out."""
        self.now_ns += int(seconds * NS_PER_S)
        for out in self.exchange.advance(self.now_ns):
            if isinstance(out, Answered):
                self.answers[out.ticket] = (out.reply.status, out.reply.body)
            elif isinstance(out, FrameSent):
                if out.frame is None:
                    self.closed.add(out.session)
                else:
                    decoded = msgspec.json.decode(out.frame)
                    self.frames.setdefault(out.session, []).append(decoded)

    def nonce(self) -> int:
        self._nonce = max(self._nonce + 1, self.now_ms)
        return self._nonce

    def submit(self, who: Signer, action: Action, *, nonce: int | None = None, **rest: Any) -> int:
        """Send a signed action; return its ticket."""
        chosen = self.nonce() if nonce is None else nonce
        body = encode.signed_request(who, action, chosen, **rest)
        return self.exchange.submit(body, self.now_ns)

    def act(self, who: Signer, action: Action, **rest: Any) -> Any:
        """Send a signed action and wait for its answer."""
        ticket = self.submit(who, action, **rest)
        self.wait(1.0)
        status, body = self.answers[ticket]
        assert status == 200, body
        return msgspec.json.decode(body)

    def place(self, who: Signer, *orders: OrderWire) -> list[Any]:
        """Place orders; return their statuses."""
        reply = self.act(who, encode.place_action(orders))
        assert reply["status"] == "ok", reply
        statuses: list[Any] = reply["response"]["data"]["statuses"]
        return statuses

    def rest(self, who: Signer, side: int, price: int, lots: int, **rest: Any) -> int:
        """Place one post-only order that must rest; return its oid."""
        (status,) = self.place(who, order(side, price, lots, **rest))
        oid: int = status["resting"]["oid"]
        return oid

    def info(self, kind: str, **keys: Any) -> Any:
        """Ask an info request that must be answered."""
        reply = self.exchange.info(msgspec.json.encode({"type": kind, **keys}), self.now_ns)
        assert reply.status == 200, reply
        return msgspec.json.decode(reply.body)

    def listen(self, *subscriptions: dict[str, Any]) -> int:
        """Open a session with subscriptions; return its name."""
        session = self.exchange.connect(self.now_ns)
        for subscription in subscriptions:
            self.tell(session, {"method": "subscribe", "subscription": subscription})
        self.wait(0.0)
        return session

    def tell(self, session: int, frame: Any) -> None:
        """Send one frame from a session."""
        raw = frame if isinstance(frame, bytes) else msgspec.json.encode(frame)
        self.exchange.receive(session, raw, self.now_ns)

    def heard(self, session: int, channel: str) -> list[Any]:
        """Return the data of every frame of a channel a session was sent so far."""
        frames = self.frames.get(session, [])
        return [frame.get("data") for frame in frames if frame["channel"] == channel]

    def position(self, who: Signer, asset: Asset = SOL) -> int:
        return self.exchange.state.accounts.of(who.address).position_lots(asset.asset_id)
