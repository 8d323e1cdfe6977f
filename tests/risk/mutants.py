"""Mutants: a room's module with one line changed, run as plain Python.

A test that still passes on the mutant does not test that line. The change must match exactly
once, so that a mutant cannot silently become the original when the source moves on.
"""

import inspect
from types import ModuleType


def mutant(module: ModuleType, original: str, changed: str) -> ModuleType:
    """Return the module with one piece of source replaced, its kernels not compiled."""
    source = inspect.getsource(module)
    assert source.count(original) == 1, f"{source.count(original)} matches of {original!r}"
    source = source.replace(original, changed).replace("@kernel\n", "")
    made = ModuleType(module.__name__ + "_mutant")
    exec(compile(source, f"<mutant of {module.__name__}>", "exec"), made.__dict__)
    return made
