"""Shared fixtures: where recorded data lies, when it is there at all."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the engine once, before workers start and before any test's time limit runs."""
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and not session.config.option.collectonly:
        from hypermaker.shell.warmup import warm_up

        warm_up()


def shared_folder() -> Path:
    """Return the folder of recorded data, wire bytes and reference texts beside the repository."""
    return Path(os.environ.get("HYPERMAKER_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; skips the test, with the reason, on a machine that has none."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(f"no recorded data: {folder} does not exist (set HYPERMAKER_SHARED)")
    return folder
