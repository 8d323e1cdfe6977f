"""A strategy by name: the quoting rule, the hash of its source, and the engine with it inside.

Our own rules go by their names, a user's rule by its file, as `mine.py` or `mine.py:function`. A
user's rule is one file, so that one hash tells whether a replay runs the same rule; whatever it
does, the gate, the quantiser and the differ stand behind it (`engine.build`).
"""

import ast
import hashlib
import re
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from numba.core.caching import NullCache

from hypermaker import engine
from hypermaker.engine import Step
from hypermaker.errors import ConfigError
from hypermaker.quote.rules import RULES, Rule, load_rule
from hypermaker.state import EngineConfig

DEFAULT = "glft"
IMPORTS = ("hypermaker", "numpy", "numba")
"""What a user's rule may import besides the standard library."""
NAME_DIGITS = 16
LINE_CHARS_MAX = 300


class Strategy(msgspec.Struct, frozen=True):
    """A quoting rule and where it came from.

    name     one of ours, or the absolute path of its file with `:function`
    sha256   of the file; empty for our own, which the kernels' own hash covers
    """

    name: str
    sha256: str
    rule: Rule


def load_strategy(name: str) -> Strategy:
    """Return the strategy of this name, or the one in this file.

    Raises ConfigError when there is none, and when the file is not all of it: a kernel in another
    file could change without anybody noticing.
    """
    if name in RULES:
        return Strategy(name, "", RULES[name])
    file, _, function = name.partition(":")
    path = Path(file).expanduser().absolute()
    source = path.read_bytes() if path.is_file() and path.suffix == ".py" else b""
    _check_imports(source, name)
    full = f"{path}:{function or 'rule'}"
    try:
        rule = load_rule(full if source else name)
    except (ArithmeticError, LookupError, OSError, RuntimeError, AssertionError) as error:
        raise ConfigError("strategy", name, f"a file that imports ({error!r})") from error
    _take_in(rule)
    return Strategy(full, hashlib.sha256(source).hexdigest(), rule)


def step_of(config: EngineConfig) -> Step:
    """Return the engine's entry point with the strategy of a configuration inside.

    Raises ConfigError when the strategy cannot be loaded, and when its file has changed since.
    """
    if config.strategy == DEFAULT:
        return engine.step
    strategy = load_strategy(config.strategy)
    if strategy.sha256 != config.strategy_sha256:
        raise ConfigError("strategy", config.strategy, "a file that has not changed meanwhile")
    return _built(strategy.name, strategy.sha256)


@lru_cache(maxsize=8)
def _built(name: str, sha256: str) -> Step:
    """Return the specialised engine; the same one for the same source, so it compiles once."""
    if not sha256:
        return engine.build(RULES[name], name, is_guest=False)
    function = hashlib.sha256(f"{sha256} {name.rpartition(':')[2]}".encode())
    own = function.hexdigest()[:NAME_DIGITS]
    return engine.build(load_strategy(name).rule, own, is_guest=True)


def _check_imports(source: bytes, name: str) -> None:
    """Refuse a file that is not Python, or that needs others."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ConfigError("strategy", name, f"Python source ({error})") from error
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        for module in modules:
            top = module.partition(".")[0]
            if top not in IMPORTS and top not in sys.stdlib_module_names:
                valid = f"one file that imports only {', '.join(IMPORTS)} and standard modules"
                raise ConfigError(f"strategy {name}, import", module, valid)


def _take_in(rule: Any) -> None:
    """Make a file's kernels check every index, and let numba find them by their module's name.

    Their own machine code is not cached: it is inside the engine's, which goes by the hash.
    """
    plain = getattr(rule, "py_func", None)
    if plain is None:
        return
    module = ModuleType(plain.__module__)
    module.__dict__.update(plain.__globals__)
    sys.modules[plain.__module__] = module
    for made in plain.__globals__.values():
        code = getattr(getattr(made, "py_func", None), "__code__", None)
        if code is not None and code.co_filename == plain.__code__.co_filename:
            made.targetoptions["boundscheck"] = True
            made._cache = NullCache()


def compiler_says(error: Exception) -> str:
    """Return what is wrong with a rule in one line: the compiler's reason and the line it names.

    >>> compiler_says(Exception("Failed in nopython\\nNo such f\\n\\nFile 'm.py', line 7:"))
    'No such f (m.py, line 7)'
    """
    if isinstance(error, KeyError):
        return f"no record has a field {error}"
    text = re.sub(r"Record\(.*\)", "a record", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(("Failed", "File", "During", "<"))]
    found = re.search(r"([^\s'\"]+\.py)['\"]?,? \(?(?:line )?(\d+)", text)
    place = f" ({Path(found[1]).name}, line {found[2]})" if found else ""
    return (reasons[0] if reasons else type(error).__name__)[:LINE_CHARS_MAX] + place
