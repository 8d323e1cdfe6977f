"""Build and sign one action of 1, 10 and 20 orders: ours beside the official SDK.

Every variant runs in a process of its own (the SDK picks its curve when it is imported) and rounds
alternate, so that a busy machine slows all alike; a figure is the median over rounds of the p50 (or
p99) of one round. Ours includes the JSON body, the SDK's stops before it. Before anything is timed
the SDK must make the same signature as ours.

usage: python -m bench.sign [--quick] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.row import Row

REPOSITORY = Path(__file__).resolve().parent.parent
KEY = b"\1" * 32
COUNTS = (1, 10, 20)
NONCE = 1_700_000_000_000
BACKENDS = {
    "sdk_coincurve": "eth_keys.backends.CoinCurveECCBackend",
    "sdk_native": "eth_keys.backends.NativeECCBackend",
}
VARIANTS = ("ours", "ours_plain", *BACKENDS)
GOALS_US = {1: 55.0, 20: 90.0}
GOAL_RATIO = {"sdk_coincurve": 6.0, "sdk_native": 40.0}
Figures = dict[str, tuple[float, float]]
"""Case name to (p50, p99) in us of one round."""


def percentiles_us(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Return p50 and p99 of one call, in us, after a warm-up."""
    for _ in range(max(3, calls // 20)):
        call()
    spent = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        call()
        spent.append(time.perf_counter_ns() - start)
    spent.sort()
    return spent[calls // 2] / 1e3, spent[int(calls * 0.99)] / 1e3


def cloid(at: int) -> str:
    """Return the client order id of the order at this place in the batch."""
    return f"0x{at + 1:032x}"


def measure_ours(calls: int, *, plain: bool) -> Figures:
    """Return our figures; `plain` pretends that coincurve is not installed."""
    from hypermaker.hyperliquid import curve, encode, signing
    from hypermaker.hyperliquid.assets import Asset

    if plain:
        curve.IMPLEMENTATION = "plain"
    asset, signer = Asset("BTC", 0, 5, 40), signing.Signer(KEY, mainnet=True)

    def build(count: int) -> bytes:
        orders = [
            encode.order(
                asset,
                1 - 2 * (at % 2),
                price_ticks=1_050_000 + 10 * at,
                size_lots=1470,
                cloid=cloid(at),
            )
            for at in range(count)
        ]
        return encode.signed_request(signer, encode.place_action(orders), NONCE)

    check_same(build(3))
    return {f"sign {n}": percentiles_us(partial(build, n), calls) for n in COUNTS}


def sdk_orders(count: int) -> list[dict[str, object]]:
    """Return the same orders as the SDK takes them."""
    from hyperliquid.utils.types import Cloid

    return [
        {
            "coin": "BTC",
            "is_buy": at % 2 == 0,
            "sz": 0.0147,
            "limit_px": 105_000.0 + at,
            "reduce_only": False,
            "order_type": {"limit": {"tif": "Alo"}},
            "cloid": Cloid.from_str(cloid(at)),
        }
        for at in range(count)
    ]


def check_same(body: bytes) -> None:
    """Assert that the SDK signs the same three orders with the same bytes."""
    import eth_account
    from hyperliquid.utils import signing as sdk

    wires = [sdk.order_request_to_order_wire(order, 0) for order in sdk_orders(3)]
    action = sdk.order_wires_to_order_action(wires)
    wallet = eth_account.Account.from_key(KEY)
    made = json.loads(body)
    signature = sdk.sign_l1_action(wallet, action, None, NONCE, None, True)
    assert made["action"] == action and made["signature"] == signature


def measure_sdk(calls: int) -> Figures:
    """Return the SDK's figures with the curve the environment names; nothing is sent."""
    import eth_account
    from hyperliquid.exchange import Exchange
    from hyperliquid.utils.constants import MAINNET_API_URL

    meta = {"universe": [{"name": "BTC", "szDecimals": 5}]}
    spot: dict[str, list[object]] = {"tokens": [], "universe": []}
    wallet = eth_account.Account.from_key(KEY)
    exchange = Exchange(wallet, MAINNET_API_URL, meta, spot_meta=spot)
    exchange._post_action = lambda action, signature, nonce: None
    return {
        f"sign {n}": percentiles_us(partial(exchange.bulk_orders, sdk_orders(n)), calls)
        for n in COUNTS
    }


def measure(variant: str, quick: bool) -> Figures:
    """Return the figures of one variant in this process."""
    slow = variant in ("sdk_native", "ours_plain")
    calls = (40 if quick else 150) if slow else (300 if quick else 1500)
    if variant.startswith("ours"):
        return measure_ours(calls, plain=variant == "ours_plain")
    return measure_sdk(calls)


def measure_apart(variant: str, quick: bool) -> Figures:
    """Return the figures of one variant, measured in a process of its own."""
    paths = [str(REPOSITORY / "src"), str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    if variant in BACKENDS:
        environment["ECC_BACKEND_CLASS"] = BACKENDS[variant]
    command = [sys.executable, "-m", "bench.sign", "--variant", variant, *["--quick"] * quick]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{variant}: {done.stderr.strip().splitlines()[-1]}")
    return {case: (p50, p99) for case, (p50, p99) in json.loads(done.stdout).items()}


def run(quick: bool) -> list[Row]:
    """Return what one action of 1, 10 and 20 orders costs, ours and the SDK's, in us."""
    rounds: dict[str, list[Figures]] = {variant: [] for variant in VARIANTS}
    for _ in range(2 if quick else 5):
        for variant in VARIANTS:
            rounds[variant].append(measure_apart(variant, quick))

    def median(variant: str, count: int, which: int) -> float:
        return statistics.median(round_[f"sign {count}"][which] for round_ in rounds[variant])

    rows = []
    for count in COUNTS:
        name, ours = f"sign {count} orders", median("ours", count, 0)
        for variant, against in (("sdk_coincurve", "coincurve"), ("sdk_native", "its own curve")):
            theirs = median(variant, count, 0)
            goal = theirs / GOAL_RATIO[variant] if count == 1 else GOALS_US.get(count)
            said = f"official SDK, {against}"
            rows.append(Row(f"{name}, p50", ours, "us", theirs, said, goal))
        tail, theirs = median("ours", count, 1), median("sdk_coincurve", count, 1)
        rows.append(Row(f"{name}, p99", tail, "us", theirs, "official SDK, coincurve"))
        plain, native = median("ours_plain", count, 0), median("sdk_native", count, 0)
        said = "official SDK, its own curve"
        rows.append(Row(f"{name}, no coincurve, p50", plain, "us", native, said))
    return rows


def main() -> None:
    """Print the rows as text or JSON, or, for a child process, one variant's figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.variant:
        print(json.dumps(measure(chosen.variant, chosen.quick)))
        return
    rows = run(chosen.quick)
    if chosen.json:
        print(json.dumps([row._asdict() | {"ratio": row.ratio} for row in rows]))
        return
    for row in rows:
        print(
            f"{row.name:36} {row.ours:9.1f} us   {row.against:28} {row.baseline:9.1f} us"
            f"   ratio {row.ratio:6.1f}"
        )


if __name__ == "__main__":
    main()
