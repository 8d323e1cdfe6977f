"""The demo as a person runs it: a process, a child that is the exchange, real sockets, signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hypermaker.shell.warmup import warm_up

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]  # a cold start compiles first
WAIT_S_MAX = 100


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The children find the engine compiled."""
    warm_up()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command whose sessions go to the test's folder."""
    own = {"HYPERMAKER_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    return {k: v for k, v in os.environ.items() if k != "HYPERMAKER_KEY"} | own


def hypermaker(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "hypermaker", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S_MAX,
        check=False,
    )


def assert_books_agree(told: dict[str, Any]) -> None:
    """What "done when" of the first issue asks of the one JSON object."""
    assert told["open_orders_at_exit"] == 0
    assert told["position_engine"] == told["position_exchange"]
    assert told["max_abs_position"] <= told["position_limit"]
    assert abs(told["identity_gap_usd"]) < 0.01
    assert set(told["pnl_usd"]) == {
        "total",
        "spread",
        "adverse",
        "inventory",
        "fees",
        "funding",
    }


def test_the_demo_trades_and_its_books_agree(environment: dict[str, str]) -> None:
    """One JSON object on stdout, nothing else; and the journal of that very run replays."""
    done = hypermaker("demo", "--seconds", "8", "--json", "--seed", "2", environment=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert_books_agree(told)
    assert told["orders_placed"] > 0
    assert told["fills"] > 0
    assert told["volume_usd"] > 0
    again = hypermaker("replay", told["session"], "--verify", environment=environment)
    assert again.returncode == 0, again.stdout


def test_ctrl_c_takes_every_order_back(environment: dict[str, str]) -> None:
    """F70: and a second one does not skip the cancels; the exchange child ends with us."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypermaker", "demo", "--json", "--asset", "ETH"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        journal = wait_for_orders(Path(environment["HYPERMAKER_HOME"]))
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S_MAX)
    finally:
        process.kill()
    assert process.returncode == 0, err
    told = json.loads(out)
    assert_books_agree(told)
    assert told["orders_placed"] > 0
    assert told["session"] == str(journal)


def wait_for_orders(home: Path) -> Path:
    """Return the journal once it holds an order's nonce."""
    import time

    from hypermaker.errors import TapeError
    from hypermaker.tape.format import read_journal

    give_up = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < give_up:
        for path in home.glob("sessions/*/journal.hmj"):
            try:
                if read_journal(path).nonces:
                    return path
            except TapeError:
                pass
        time.sleep(0.1)
    raise AssertionError("no order was ever sent")


def test_bad_input_is_one_line_and_status_2(environment: dict[str, str], tmp_path: Path) -> None:
    """Wrong asset with near matches, broken tape, port in use: said once, through the child too."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "BTC_bbo.parquet").write_bytes(b"PAR1 but not really")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            "BTC": ["demo", "--asset", "BTCC", "--seconds", "1"],
            "broken": ["demo", "--tape", str(tmp_path / "broken"), "--seconds", "1"],
            port: ["exchange", "--port", port],
        }
        for word, arguments in cases.items():
            done = hypermaker(*arguments, environment=environment)
            assert done.returncode == 2, done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert word in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds children in /proc")
def test_the_exchange_ends_when_its_parent_is_killed(environment: dict[str, str]) -> None:
    """F61: `kill -9` of the demo leaves no exchange behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypermaker", "demo", "--json"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_orders(Path(environment["HYPERMAKER_HOME"]))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
    finally:
        process.kill()
        process.wait()
    gone_in_time(children)


def gone_in_time(pids: list[str]) -> None:
    """Return once none of these processes is alive; fail when one stays."""
    import time

    give_up = time.monotonic() + WAIT_S_MAX
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < give_up, f"still there: {pids}"
        time.sleep(0.05)


def is_alive(pid: str) -> bool:
    """Return whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_manual_kill_ends_with_its_own_status(environment: dict[str, str]) -> None:
    """SIGUSR1 fires the latch: exit 4, and the one JSON object says so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypermaker", "demo", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_orders(Path(environment["HYPERMAKER_HOME"]))
        process.send_signal(signal.SIGUSR1)
        out, err = process.communicate(timeout=WAIT_S_MAX)
    finally:
        process.kill()
    assert process.returncode == 4, err
    told = json.loads(out)
    assert_books_agree(told)
    assert told["killed"] == "manual"
    assert "KILLED by manual" in err
