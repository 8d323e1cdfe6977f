"""`hypermaker version`: what runs here, for a bug report."""

from typing import Annotated

import typer


def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the versions of hypermaker and of what makes its machine code."""
    import json
    import platform

    import llvmlite
    import numba
    import numpy

    from hypermaker import __version__
    from hypermaker.core.kernel import cache_key

    facts = {
        "hypermaker": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "machine": platform.machine(),
        "kernels": cache_key(),
    }
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<11} {value}")
