"""A local exchange in a process of its own, and a visitor who trades on it now and then.

The child is `hypermaker exchange` on a free loopback port, in its own process group: Ctrl-C in a
terminal reaches us alone, so that our orders are taken back before the exchange goes away. It ends
when its standard input does, which a kill of ours cannot prevent.
"""

import asyncio
import json
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from hypermaker.config import KEY_VARIABLE
from hypermaker.core.units import (
    NS_PER_MS,
    USD_MICRO,
    ceil_to_grid,
    floor_to_grid,
    parse_units,
)
from hypermaker.errors import ConfigError, HypermakerError, LinkError, TapeError
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.nonce import NonceCounter
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_exchange import ExchangeReply, Status
from hypermaker.hyperliquid.wire_info import Book, InfoRequest
from hypermaker.shell.clock import Clock
from hypermaker.shell.startup import find_asset
from hypermaker.shell.transport import Http, open_session

DEPOSIT_USD = 10_000
READY_S_MAX = 60.0
STOP_S_MAX = 5.0
STDERR_CHARS_MAX = 2_000


def fresh_signer() -> Signer:
    """Return a wallet nobody has; its key exists only in this process."""
    return Signer(secrets.token_bytes(32), mainnet=False)


@asynccontextmanager
async def local_exchange(
    *, coin: str, seed: int, funds: Mapping[str, int], tape: Path | None = None
) -> AsyncIterator[str]:
    """Run a local exchange in a child process; yield its base URL; end it on leaving.

    funds    address -> deposit [USD]
    tape     recorded market data to replay as the market
    Raises   ConfigError or TapeError as the child did, LinkError when it dies otherwise
    """
    arguments = ["--port", "0", "--json", "--with-parent", "--seed", str(seed), "--asset", coin]
    for address, usd in funds.items():
        arguments += ["--fund", f"{address}={usd}"]
    if tape is not None:
        arguments += ["--tape", str(tape)]
    child = await _spawn(["exchange", *arguments])
    try:
        yield await _url(child)
    finally:
        await _end(child)


async def _spawn(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    environment = {name: text for name, text in os.environ.items() if name != KEY_VARIABLE}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hypermaker",
        *arguments,
        stdin=asyncio.subprocess.PIPE,  # ends with us, however we end
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


async def _url(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None and child.stderr is not None
    try:
        async with asyncio.timeout(READY_S_MAX):
            line = await child.stdout.readline()
            if line:
                return str(json.loads(line)["url"])
            said = (await child.stderr.read()).decode(errors="replace").strip()
    except TimeoutError as error:
        raise LinkError(f"the local exchange did not start in {READY_S_MAX:.0f} s") from error
    raise _refusal(said[-STDERR_CHARS_MAX:])


def _refusal(said: str) -> HypermakerError:
    """Return the child's last line as the error it was there, so that it is said only once."""
    last = said.splitlines()[-1] if said else "it said nothing"
    where, _, what = last.removeprefix("hypermaker: ").partition(": ")
    value, is_config, valid = what.partition(" is not valid: ")
    if is_config:
        return ConfigError(where, value, valid)
    if last.startswith("hypermaker: "):
        return TapeError(where, what)
    return LinkError(f"the local exchange did not start: {last}")


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_S_MAX):
            await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()


class Visitor:
    """Takes a little at the market every few seconds, so that the taker path is real too.

    Buys and sells in turn, so it ends about flat. Its wallet is its own.

    seed   decides when it comes, not what happens then
    """

    EVERY_S = 3.0
    REACH = 0.002  # how far beyond the best price it is willing to go
    NOTIONAL_USD = 25.0

    def __init__(
        self, http: Http, asset: Asset, signer: Signer, *, clock: Clock, seed: int
    ) -> None:
        self.sent = 0
        self.filled = 0
        self._http, self._asset, self._signer = http, asset, signer
        self._clock, self._nonces = clock, NonceCounter()
        self._random = random.Random(seed)

    async def keep(self) -> None:
        """Come by until cancelled; an exchange that does not answer is tried again next time."""
        while True:
            await asyncio.sleep(self.EVERY_S * self._random.uniform(0.5, 1.5))
            try:
                await self._take(side=1 if self.sent % 2 == 0 else -1)
            except LinkError:
                continue

    async def _take(self, side: int) -> None:
        asset = self._asset
        raw = await self._http.info(InfoRequest("l2Book", coin=asset.coin))
        levels = msgspec.json.decode(raw, type=Book).levels[0 if side < 0 else 1]
        if not levels:
            return
        best_ticks = parse_units(levels[0].px, asset.price_decimals)
        reach_ticks = best_ticks * (1.0 + side * self.REACH)
        to_grid = ceil_to_grid if side > 0 else floor_to_grid
        price_ticks = to_grid(reach_ticks, asset.price_decimals)
        size_lots = int(self.NOTIONAL_USD * USD_MICRO / best_ticks) + 1
        order = encode.order(asset, side, price_ticks=price_ticks, size_lots=size_lots, tif="Ioc")
        nonce = self._nonces.next(self._clock() // NS_PER_MS)
        body = encode.signed_request(self._signer, encode.place_action([order]), nonce)
        self.sent += 1
        reply = msgspec.json.decode(await self._http.exchange(body), type=ExchangeReply)
        self.filled += _filled(reply)


@asynccontextmanager
async def visiting(
    url: str, coin: str, signer: Signer, *, clock: Clock, seed: int
) -> AsyncIterator[Visitor]:
    """Let a visitor come by while the block runs."""
    async with open_session() as pool:
        http = Http(pool, url)
        visitor = Visitor(http, await find_asset(http, coin), signer, clock=clock, seed=seed)
        coming = asyncio.create_task(visitor.keep())
        try:
            yield visitor
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _filled(reply: ExchangeReply) -> int:
    """Return how many orders of a reply met someone."""
    if isinstance(reply.response, str) or reply.response.data is None:
        return 0
    statuses = reply.response.data.statuses
    return sum(isinstance(said, Status) and said.filled is not None for said in statuses)
