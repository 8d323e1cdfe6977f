"""`./hm`: sets itself up anywhere, once, whole or not at all, and says in one line what is missing.

The wrapper is run for real in a small repository of its own whose lock files are empty, so that a
set-up takes seconds and no network; most tests give it a stand-in `uv` that makes an environment
without pip, in a moment. What is asserted is what a person would see.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = ("sh", "dirname", "readlink", "cksum", "cat", "tr", "mkdir", "rm", "ls", "tail")
MAKING = "hm: making the environment"
PROGRAM = 'import sys\nprint("ran", *sys.argv[1:])\n'

pytestmark = pytest.mark.system


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A repository with the wrapper, empty locks and a program that prints its arguments."""
    root = tmp_path / "a house"
    package = root / "src" / "hypermaker"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(PROGRAM)
    shutil.copy2(REPOSITORY / "hm", root / "hm")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (root / lock).write_text("")
    return root


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with the few programs the wrapper needs and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def quick(tools: Path) -> dict[str, str]:
    """The variables of a machine with Python and a `uv` that has nothing to fetch.

    With HOLD set it never finishes: it waits on that named pipe, to which nobody writes.
    """
    uv = tools / "uv"
    uv.write_text(
        "#!/bin/sh\nfor last; do :; done\ncase $1 in\n"
        f'venv) exec "{sys.executable}" -m venv --without-pip "$last" ;;\n'
        'pip) if [ -n "${HOLD-}" ]; then exec cat "$HOLD"; fi ;;\nesac\n'
    )
    uv.chmod(0o755)
    return with_python(tools)


def environment(tools: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a machine that has only these tools."""
    home = {"HOME": str(tools.parent), "PATH": str(tools), "PIP_NO_INDEX": "1"}
    return home | dict(extra or {})


def with_python(tools: Path) -> dict[str, str]:
    """Return the variables of a machine that also has the Python these tests run on."""
    return environment(tools, {"HYPERMAKER_PYTHON": sys.executable})


def run(
    command: Path, *arguments: str, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the wrapper to its end."""
    return subprocess.run(
        [command, *arguments],
        env=env,
        cwd=cwd or command.parent,
        capture_output=True,
        text=True,
        timeout=100,
    )


def start(command: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start the wrapper as the leader of a process group, as a shell with job control does."""
    return subprocess.Popen(
        [command, "demo"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_set_up_happens_once_and_arguments_pass_through(house: Path, tools: Path) -> None:
    """The second start is silent; spaces in arguments and in the path survive."""
    env = with_python(tools)
    first = run(house / "hm", "demo", "two words", "--json", env=env)
    assert (first.returncode, first.stdout) == (0, "ran demo two words --json\n")
    assert first.stderr.startswith(MAKING) and first.stderr.count("\n") == 1
    second = run(house / "hm", "demo", env=env)
    assert (second.returncode, second.stdout, second.stderr) == (0, "ran demo\n", "")


def test_it_works_from_any_folder_through_links_and_after_a_move(
    house: Path, quick: dict[str, str]
) -> None:
    """A file named like a module in the user's folder is not imported; a moved house stands."""
    elsewhere = house.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "hypermaker.py").write_text("raise SystemExit('shadowed')\n")
    (elsewhere / "link").symlink_to(Path("..") / house.name / "hm")
    (elsewhere / "link to link").symlink_to("link")
    linked = run(elsewhere / "link to link", "x", env=quick, cwd=elsewhere)
    assert (linked.returncode, linked.stdout) == (0, "ran x\n")
    moved = house.rename(house.parent / "another: house")
    again = run(moved / "hm", "x", env=quick, cwd=elsewhere)
    assert (again.returncode, again.stdout, again.stderr) == (0, "ran x\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_set_up_is_started_over(
    house: Path, quick: dict[str, str], number: signal.Signals
) -> None:
    """What was left half-made is never run in, and its lock holds nobody up."""
    pipe = house / "pipe"
    os.mkfifo(pipe)
    started = start(house / "hm", quick | {"HOLD": str(pipe)})
    assert started.stderr is not None and MAKING in started.stderr.readline()
    os.killpg(started.pid, number)
    started.communicate(timeout=100)
    assert not list(house.glob(".hm/*/ready"))
    again = run(house / "hm", "demo", env=quick)
    assert (again.returncode, again.stdout) == (0, "ran demo\n")
    assert again.stderr.startswith(MAKING) and again.stderr.count("\n") == 1


def test_two_first_starts_at_once_make_one_environment(house: Path, quick: dict[str, str]) -> None:
    """One makes it, the other waits and says so, both run."""
    both = [start(house / "hm", quick), start(house / "hm", quick)]
    told = [started.communicate(timeout=100) for started in both]
    assert [started.returncode for started in both] == [0, 0]
    assert [out for out, _ in told] == ["ran demo\n", "ran demo\n"]
    assert sum(MAKING in err for _, err in told) == 1
    assert len(list(house.glob(".hm/run-*/ready"))) == 1


def test_a_changed_lock_makes_another_environment_beside_the_first(
    house: Path, quick: dict[str, str]
) -> None:
    """A running session keeps its own; the one before the last is forgotten."""
    for state in ("", "# one\n", "# two\n"):
        (house / "requirements.lock").write_text(state)
        done = run(house / "hm", "demo", env=quick)
        assert done.returncode == 0 and MAKING in done.stderr
    assert len(list(house.glob(".hm/run-*"))) == 2


def test_user_commands_run_in_the_tools_environment_when_there_is_one(
    house: Path, quick: dict[str, str]
) -> None:
    """Whoever has run the tests fetches nothing more."""
    assert MAKING in run(house / "hm", "docs", env=quick).stderr
    done = run(house / "hm", "demo", env=quick)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran demo\n", "")
    assert not list(house.glob(".hm/run-*"))


def test_a_machine_without_python_is_told_what_to_install(house: Path, tools: Path) -> None:
    """One line, exit status 2."""
    done = run(house / "hm", "demo", env=environment(tools))
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "apt install python3" in done.stderr


def test_a_machine_with_an_old_python_is_told_which_it_needs(house: Path, tools: Path) -> None:
    """One line with what was found; the stand-in answers as Python 3.9 would."""
    outdated = tools / "python3"
    outdated.write_text(
        '#!/bin/sh\ncase "$2" in *realpath*) exit 1 ;; *) echo "; python3 here is 3.9" ;; esac\n'
    )
    outdated.chmod(0o755)
    done = run(house / "hm", "demo", env=environment(tools))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Python 3.11" in done.stderr and "3.9" in done.stderr


def test_a_chosen_python_that_is_none_is_named(house: Path, tools: Path) -> None:
    """The variable is at fault, so the line names it."""
    env = environment(tools, {"HYPERMAKER_PYTHON": "/nowhere/python"})
    done = run(house / "hm", "demo", env=env)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "HYPERMAKER_PYTHON=/nowhere/python" in done.stderr


def test_a_bare_debian_is_told_the_name_of_the_package(house: Path, tools: Path) -> None:
    """Debian's python3 comes without ensurepip; PYTHONHOME-free stand-in: a module that fails."""
    bare = tools.parent / "bare"
    bare.mkdir()
    (bare / "python").write_text(
        f'#!/bin/sh\ncase "$*" in *realpath*) echo "$0" ;; *ensurepip*) exit 1 ;; '
        f'*) exec "{sys.executable}" "$@" ;; esac\n'
    )
    (bare / "python").chmod(0o755)
    env = environment(tools, {"HYPERMAKER_PYTHON": str(bare / "python")})
    done = run(house / "hm", "demo", env=env)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert "python3-venv" in done.stderr and wanted in done.stderr


def test_packages_that_cannot_be_fetched_are_one_clear_line(house: Path, tools: Path) -> None:
    """The last line says what to do; nothing half-made counts as ready."""
    (house / "requirements.lock").write_text(f"nosuch==1 --hash=sha256:{'0' * 64}\n")
    done = run(house / "hm", "demo", env=with_python(tools))
    assert done.returncode == 2
    assert "could not install the packages of requirements.lock" in done.stderr.splitlines()[-1]
    assert not list(house.glob(".hm/*/ready"))
