"""The acceptance cases of the quantitative reference, read from the document itself."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def cases(shared: Path) -> dict[str, dict[str, Any]]:
    """Every acceptance case by its id; skips when the reference is not there."""
    document = shared / "reference" / "quant-models.md"
    if not document.is_file():
        pytest.skip(f"no reference: {document} does not exist")
    lines = document.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith('{"id"')]
    assert len(found) == 36
    return {case["id"]: case for case in found}
