"""A tape of either kind, opened: which asset, its grid, and the events."""

from pathlib import Path
from typing import NamedTuple

from hypermaker.core.events import Events, Kind
from hypermaker.core.units import PERP_DECIMALS_MAX, price_decimals
from hypermaker.errors import ConfigError, TapeError
from hypermaker.exchange.universe import BY_NAME
from hypermaker.state import EngineConfig, config_for
from hypermaker.tape.format import MAGIC, read_journal
from hypermaker.tape.parquet import assets_in, read_recording
from hypermaker.tape.replay import engine_config

ENOUGH_USD = 1e9
"""A position limit that no price makes smaller than one order: nothing trades here."""
FAVOURITE = "BTC"


class Tape(NamedTuple):
    """Events of one asset, and the configuration whose priors the estimators start from."""

    path: Path
    asset: str
    events: Events
    config: EngineConfig


def open_tape(path: Path, asset: str | None = None) -> Tape:
    """Return a recording (a folder or one of its files) or a session journal.

    asset   of a recording that holds several; BTC, else the first, when not said
    Raises TapeError, in one line, for what is missing, broken, empty or of another asset.
    """
    tape = _from_journal(path, asset) if is_journal(path) else _from_recording(path, asset)
    if not (tape.events["kind"] != Kind.NONE).any():
        raise TapeError(path, "holds no events")
    return tape


def is_journal(path: Path) -> bool:
    """Return whether a file begins as a session journal does; raises TapeError if unreadable."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise TapeError(path, error.strerror or "cannot be read") from error


def _from_journal(path: Path, asset: str | None) -> Tape:
    journal = read_journal(path)
    held = journal.header.asset
    if asset is not None and asset != held:
        raise TapeError(path, f"is a session of {held}, not of {asset}")
    return Tape(path, held, journal.events, engine_config(journal, path))


def _from_recording(path: Path, asset: str | None) -> Tape:
    if path.is_file() and path.suffix != ".parquet":
        raise TapeError(path, "is neither a session journal nor a .parquet recording")
    held = assets_in(path)
    chosen = asset or (FAVOURITE if FAVOURITE in held else held[0])
    sz_decimals, events = _on_its_grid(path, chosen)
    touches = events[(events["kind"] == Kind.BBO) & (events["bid_ticks"] > 0)]
    ticks = int(touches["bid_ticks"][0]) if len(touches) else 1
    price_usd = ticks / float(10 ** price_decimals(sz_decimals))
    try:
        config = config_for(
            chosen,
            sz_decimals=sz_decimals,
            price_usd=price_usd,
            wishes={"position_limit_usd": ENOUGH_USD},
        )
    except ConfigError as error:
        raise TapeError(path, f"has a price of {price_usd} USD") from error
    return Tape(path, chosen, events, config)


def _on_its_grid(path: Path, asset: str) -> tuple[int, Events]:
    """Return size decimals and events; an asset we do not list gets the coarsest grid that fits."""
    listed = BY_NAME.get(asset)
    if listed is not None:
        return listed.sz_decimals, read_recording(path, asset, listed.sz_decimals)
    for sz_decimals in range(PERP_DECIMALS_MAX):
        try:
            return sz_decimals, read_recording(path, asset, sz_decimals)
        except TapeError as error:
            if "grid" not in error.reason:
                raise
    raise TapeError(path, f"{asset} is on no grid the venue has")
