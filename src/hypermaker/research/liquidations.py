"""`calibrate --liquidations`: how far the detectors can be trusted, on simulation and on records.

Three kinds of evidence, each with its own blind spot:

simulated   truth is known, the market is our picture of one
recorded    liquidations the venue confirmed, by coin and time, without side and without the flow
            around them: they test the cascade detector when told, and nothing else. A cascade is
            then a stretch in which ACCOUNTS accounts of one coin fell within JOIN_S seconds; every
            liquidation counts as one side, which makes the detector more excitable than it is
node fills  every trade with its liquidations: how much of the flow is forced, and of what size
"""

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.errors import TapeError
from hypermaker.research.findings import Estimate, estimate
from hypermaker.research.forced_flow import (
    CLOCK,
    CONFIRMED,
    JOIN_S,
    START_NS,
    STEP,
    Score,
    activations,
    run,
    score_cascades,
    score_inference,
    seconds_of,
    steps_of,
)
from hypermaker.research.simulated_cascades import Floats, simulate
from hypermaker.tape.node_fills import read_node_fills

Rows = npt.NDArray[Any]
ACCOUNTS = 5
SEED, HOURS = 1, 240.0
USD_MIN = (1_000.0, 10_000.0, 100_000.0)
HOUR_S = 3600.0
CLOCK_S = 5.0
DOUBLE = "DOUBLECOUNTED"
"""Files so named hold each amount twice: both legs of a trade were counted."""
COLUMNS = ("ts", "coin", "user", "notional")


def simulated(*, seed: int = SEED, hours: float = HOURS) -> list[Estimate]:
    """Return precision, recall and delay on a simulated market with known truth."""
    market = simulate(seed=seed, hours=hours)
    steps = steps_of(market, told=False)
    seen = run(steps, feed=True)
    scores = [score_inference(market, seen, steps, usd_min=usd) for usd in USD_MIN]
    model = "inference, simulated"
    chances = seen["chance"][seen["chance"] > 0.0]
    stated = float(chances.mean()) if len(chances) else 0.0
    rows = [
        _share((model, "precision: findings mostly forced"), scores[0].right, scores[0].told,
               f"they said {stated:.2f} of themselves"),
        *(
            _share((model, f"recall: seconds with ${usd:,.0f}+ forced"), one.found, one.there)
            for usd, one in zip(USD_MIN, scores, strict=True)
        ),
    ]  # fmt: skip
    rows += _cascade_rows("cascade, inferred, simulated", market.cascades, steps, seen)
    told = steps_of(market, told=True)
    heard = run(told, feed=False)
    return rows + _cascade_rows("cascade, told, simulated", market.cascades, told, heard)


def _share(label: tuple[str, str], part: int, whole: int, verdict: str = "") -> Estimate:
    """Return a proportion with its binomial error (Agresti and Coull: two more of each)."""
    value = part / whole if whole else float("nan")
    centre = (part + 2.0) / (whole + 4.0)
    error = sqrt(centre * (1.0 - centre) / (whole + 4.0))
    return estimate((*label, "fraction"), value, error, sample=whole, verdict=verdict)


def _cascade_rows(model: str, cascades: Floats, steps: Rows, seen: Rows) -> list[Estimate]:
    active = activations(seconds_of(steps), seen["severity"])
    return score_rows(model, score_cascades(cascades, active))


def score_rows(model: str, score: Score) -> list[Estimate]:
    """Return precision, recall and median delay of a score."""
    delays = score.delays_s
    middle = float(np.median(delays)) if len(delays) else float("nan")
    spread = float("inf")
    verdict = ""
    if len(delays) > 1:
        low, high = np.quantile(delays, [0.25, 0.75])
        spread = 1.25 * float(high - low) / 1.349 / sqrt(len(delays))
        verdict = f"a quarter within {low:.1f} s, three quarters within {high:.1f} s"
    return [
        _share((model, "precision: alarms that meet a cascade"), score.right, score.told),
        _share((model, "recall: cascades found"), score.found, score.there),
        estimate((model, "median delay from its start", "s"), middle, spread, sample=len(delays),
                 verdict=verdict),
    ]  # fmt: skip


def read_liquidations(path: Path) -> dict[str, Rows]:
    """Return columns ts [ms], coin, user and notional [USD] of a file, in order of time.

    Raises TapeError unless all are there and whole.
    """
    try:
        missing = [name for name in COLUMNS if name not in pq.read_schema(path).names]
        if missing:
            raise TapeError(path, f"has no column {missing[0]}: not a list of liquidations")
        table = pq.read_table(path, columns=list(COLUMNS)).sort_by("ts")
    except (pa.ArrowException, OSError) as error:
        raise TapeError(path, f"is not readable parquet: {str(error).splitlines()[0]}") from error
    if table.num_rows == 0:
        raise TapeError(path, "is empty")
    read = {name: table[name].to_numpy() for name in COLUMNS}
    sound = np.isfinite(read["notional"]) & (read["notional"] > 0.0)
    read = {name: column[sound] for name, column in read.items()}
    if DOUBLE in path.name:
        read["notional"] = read["notional"] / 2.0
    return read


def recorded(path: Path) -> list[Estimate]:
    """Return what the cascade detector makes of recorded liquidations, hour by hour and coin."""
    read = read_liquidations(path)
    hour = read["ts"] // int(HOUR_S * 1000)
    keys, group = np.unique(
        np.rec.fromarrays([hour, read["coin"].astype(str)]), return_inverse=True
    )
    total = Score(0, 0, 0, 0, np.zeros(0))
    for at in range(len(keys)):
        mine = group == at
        total = _added(total, _hour(read["ts"][mine], read["user"][mine], read["notional"][mine]))
    name = path.name.partition(".")[0]
    count = float(len(hour))
    hours = len(np.unique(hour))
    median = float(np.median(read["notional"]))
    return [
        estimate((name, "median size", "USD"), median, float("inf"), sample=count,
                 verdict=f"{len(keys)} coin-hours in {hours} hours, one side assumed"),
        *score_rows(name, total),
    ]  # fmt: skip


def _added(one: Score, two: Score) -> Score:
    return Score(
        told=one.told + two.told,
        right=one.right + two.right,
        there=one.there + two.there,
        found=one.found + two.found,
        delays_s=np.concatenate([one.delays_s, two.delays_s]),
    )


def _hour(times_ms: Rows, users: Rows, usd: Floats) -> Score:
    """Return the score of one coin in one hour, the detector beginning with the hour."""
    begin_ms = times_ms[0] - times_ms[0] % int(HOUR_S * 1000)
    forced = np.zeros(len(times_ms), STEP)
    forced["what"], forced["side"], forced["usd"] = CONFIRMED, -1, usd
    forced["venue_ns"] = START_NS + (times_ms - begin_ms) * NS_PER_MS
    clock = np.zeros(int(HOUR_S / CLOCK_S) + 1, STEP)
    clock["what"] = CLOCK
    clock["venue_ns"] = START_NS + np.arange(len(clock)) * int(CLOCK_S) * NS_PER_S
    steps = np.concatenate([forced, clock])
    steps = steps[np.argsort(steps["venue_ns"], kind="stable")]
    active = activations(seconds_of(steps), run(steps, feed=False)["severity"])
    return score_cascades(crowded(seconds_of(forced), users), active)


def crowded(times_s: Floats, users: Rows) -> Floats:
    """Return (start, end) of the stretches in which ACCOUNTS accounts fell within JOIN_S seconds.

    times_s   ascending
    """
    stretches: list[list[float]] = []
    first = 0
    for at, now in enumerate(times_s.tolist()):
        while times_s[first] < now - JOIN_S:
            first += 1
        if len(set(users[first : at + 1].tolist())) < ACCOUNTS:
            continue
        if stretches and times_s[first] <= stretches[-1][1]:
            stretches[-1][1] = now
        else:
            stretches.append([float(times_s[first]), now])
    return np.array(stretches).reshape(-1, 2)


def from_node(path: Path) -> list[Estimate]:
    """Return what a node's fills say of forced flow: its count, share and size."""
    tape = read_node_fills(path)
    name = path.name.partition(".")[0]
    forced = [one.usd for one in tape.liquidations]
    whole = f"{tape.blocks} blocks, {tape.missing} missing, {tape.lone_legs} unmatched fills"
    share = _share((name, "share of trades that were forced"), len(forced), len(tape.trades), whole)
    size = float(np.median(forced)) if forced else float("nan")
    return [share, estimate((name, "median size", "USD"), size, float("inf"), sample=len(forced))]


def measure(path: Path) -> list[Estimate]:
    """Return the simulated figures, then those of every list of liquidations under a path.

    path   a parquet list, a node's fills (.jsonl or .jsonl.zst), or a folder of them
    Raises TapeError when there is none, or one is broken.
    """
    files = [path] if path.is_file() else sorted(one for one in path.glob("*") if _is_known(one))
    if not files:
        reason = "holds no list of liquidations and no node fills"
        raise TapeError(path, reason if path.exists() else "there is no such file or folder")
    found = [_measured(one) for one in files]
    return [*simulated(), *(row for rows in found for row in rows)]


def _is_known(path: Path) -> bool:
    if path.suffix == ".parquet":
        names = _names(path)
        return all(column in names for column in COLUMNS)
    return _is_node(path)


def _names(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise TapeError(path, f"is not readable parquet: {str(error).splitlines()[0]}") from error


def _is_node(path: Path) -> bool:
    return path.suffixes[-1:] == [".jsonl"] or path.suffixes[-2:] == [".jsonl", ".zst"]


def _measured(path: Path) -> list[Estimate]:
    return from_node(path) if _is_node(path) else recorded(path)
