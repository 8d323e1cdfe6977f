"""`hypermaker exchange` as a process: ready in one JSON line, gone on a signal, clear if wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
WALLET = "0x" + "Ab" * 20
STOP_S_MAX = 20.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hypermaker", "exchange", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_when_told(number: signal.Signals) -> None:
    child = subprocess.Popen(
        command("--json", "--asset", "SOL", "--fund", f"{WALLET}=1000", "--seed", "7"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert child.stdout is not None
    ready = json.loads(child.stdout.readline())
    assert ready["url"] == f"http://127.0.0.1:{ready['port']}" and ready["seed"] == 7
    assert ready["ws_url"] == f"ws://127.0.0.1:{ready['port']}/ws" and ready["assets"] == ["SOL"]
    taken = subprocess.run(
        command("--port", str(ready["port"])), capture_output=True, env=environment(), text=True
    )
    assert taken.returncode == 2 and str(ready["port"]) in taken.stderr
    child.send_signal(number)
    _, said = child.communicate(timeout=STOP_S_MAX)
    assert child.returncode == 0 and said == ""


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fund", "0x12=5"), "ADDRESS=USD"),
        (("--fund", f"{WALLET}=-1"), "ADDRESS=USD"),
        (("--preset", "wild"), "one of calm"),
        (("--asset", "btc"), "one of BTC"),
        (("--tape", "/nowhere/at/all"), "no such file or folder"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = subprocess.run(
        command(*arguments), capture_output=True, env=environment(), text=True, timeout=60
    )
    assert done.returncode == 2 and says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
