"""The house style, where it can be checked: size, shape, names, words, links and locks.

Each rule walks every file and names every offender, so one run shows the whole bill.
"""

import ast
import gc
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = sorted((REPOSITORY / "src").rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
BENCHES = sorted((REPOSITORY / "bench").rglob("*.py"))
EVERYTHING = SOURCE + TESTS + BENCHES
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
LOCKS = ("requirements.lock", "requirements-dev.lock")

FILE_LINES_MAX = 500
BODY_LINES_MAX = 50
BRANCHES_MAX = 10
POSITIONAL_MAX = 5
POSITIONAL_MAX_KERNEL = 10
CORE_ROOMS = ("core", "estimate", "quote", "risk", "orders", "steps", "state.py", "engine.py")

BANNED_WORDS = frozenset(
    {
        *("util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"),
        *("handler", "handlers", "processor", "processors", "service", "services"),
        *("v2", "new", "old", "enhanced", "smart", "temp"),
    }
)
HISTORY = re.compile(
    r"\b(phase \d|fix(es|ed)? #?\d|formerly|legacy|refactor(ed|ing)?|rewritten|used to be"
    r"|in the old (version|code)|the (old|previous) (version|code|implementation)"
    r"|as of version|backwards?[- ]compat\w*|was (renamed|moved|changed))\b",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
FOREIGN = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w", re.IGNORECASE)
"""Paths of somebody's own machine."""
THIS_FILE = Path(__file__).resolve()

BROAD_EXCEPT_ALLOWED = frozenset({"src/hypermaker/steps/want.py::ask_guest"})
"""`path::function` that may catch Exception: task roots, and the door to code that is not ours."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """A function, the file it stands in, and its dotted name there."""

    path: Path
    name: str
    node: Function

    def __str__(self) -> str:
        return f"{self.path.relative_to(REPOSITORY)}:{self.node.lineno} {self.name}"

    @property
    def is_kernel(self) -> bool:
        """Whether numba compiles it; compiled functions take positional arguments only."""
        return any("kernel" in ast.unparse(mark) for mark in self.node.decorator_list)


@cache
def text_of(path: Path) -> str:
    """Return a file's text, read once."""
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree, parsed once.

    The garbage collector waits meanwhile: a finaliser that formats a traceback parses source, and
    CPython 3.11 takes a parse inside a parse for a broken tree (its issue 106905).
    """
    gc.disable()
    try:
        return ast.parse(text_of(path))
    finally:
        gc.enable()


def scopes(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield (dotted name, node) of every class and function below a node, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield f"{prefix}{child.name}", child
            yield from scopes(child, f"{prefix}{child.name}.")
        else:
            yield from scopes(child, prefix)


def functions(paths: list[Path]) -> Iterator[Place]:
    """Yield every function of the given files, methods and inner functions included."""
    for path in paths:
        for name, node in scopes(tree_of(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield Place(path, name, node)


def body_lines(node: Function) -> int:
    """Return how many lines the body has, its docstring not counted."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def branches(node: ast.AST) -> int:
    """Return how many times a function decides; inner functions count for themselves."""
    kinds = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.IfExp, ast.ExceptHandler, ast.match_case)
    count = 0
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            count += isinstance(child, kinds) + branches(child)
    return count


def positional(node: Function) -> list[ast.arg]:
    """Return the parameters that can be given by position, `self` and `cls` aside.

    Options of a command and fixtures of a test are given by name, whatever their signature says.
    """
    if node.name.startswith("test_"):
        return []
    every = [*node.args.posonlyargs, *node.args.args]
    own = every[1:] if every and every[0].arg in ("self", "cls") else every
    return [arg for arg in own if not (arg.annotation and "typer." in ast.unparse(arg.annotation))]


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every comment and docstring of a file."""
    for token in tokenize.generate_tokens(io.StringIO(text_of(path)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for _, node in [("", tree_of(path)), *scopes(tree_of(path))]:
        assert isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        text = ast.get_docstring(node, clean=False)
        for offset, line in enumerate((text or "").splitlines()):
            yield node.body[0].lineno + offset, line


def names_bound(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of everything a file gives a name to, itself included."""
    yield 1, path.stem
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


def words(name: str) -> set[str]:
    """Return the lower-case words of a snake_case or CamelCase name."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def at(path: Path, line: int, what: str) -> str:
    """Return one offence as an editor can jump to it."""
    return f"{path.relative_to(REPOSITORY)}:{line} {what}"


def report(offenders: list[str]) -> None:
    """Fail with one offence a line."""
    assert not offenders, f"{len(offenders)} offence(s)\n" + "\n".join(offenders)


def test_files_are_short() -> None:
    """A file is one thing that fits in a head."""
    lengths = {path: text_of(path).count("\n") for path in EVERYTHING}
    report([at(p, n, "lines") for p, n in lengths.items() if n > FILE_LINES_MAX])


def test_functions_are_short() -> None:
    """A function fits on a screen."""
    report(
        [
            f"{f} {n} lines"
            for f in functions(EVERYTHING)
            if (n := body_lines(f.node)) > BODY_LINES_MAX
        ]
    )


def test_functions_decide_little() -> None:
    """The parent decides, the leaves compute."""
    found = ((f, branches(f.node)) for f in functions(EVERYTHING))
    report([f"{f} {n} branches" for f, n in found if n > BRANCHES_MAX])


def test_parameter_lists_are_short() -> None:
    """Few things by position; compiled functions know no keyword-only parameters."""
    offenders = []
    for function in functions(EVERYTHING):
        limit = POSITIONAL_MAX_KERNEL if function.is_kernel else POSITIONAL_MAX
        if len(positional(function.node)) > limit:
            offenders.append(f"{function} {len(positional(function.node))} positional parameters")
    report(offenders)


def test_three_parameters_of_one_number_type_are_keyword_only() -> None:
    """Numbers of one type are easily swapped; a name at the call prevents it.

    Two are allowed where their order is a convention (value and decimals, low and high).
    """
    offenders = []
    for function in functions(SOURCE):
        kinds = [ast.unparse(arg.annotation) for arg in positional(function.node) if arg.annotation]
        swappable = [k for k in ("int", "float", "bool", "str") if kinds.count(k) > 2]
        if swappable and not function.is_kernel:
            offenders.append(f"{function} more than two {', '.join(swappable)} by position")
    report(offenders)


def test_public_things_are_documented() -> None:
    """Modules, public classes and public functions say what they are for."""
    offenders = [at(p, 1, "module") for p in EVERYTHING if not ast.get_docstring(tree_of(p))]
    for path in SOURCE:
        for name, node in scopes(tree_of(path)):
            assert isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            hidden = any(part.startswith("_") for part in name.split("."))
            if not hidden and not is_inner(path, name) and not ast.get_docstring(node):
                offenders.append(at(path, node.lineno, name))
    report(offenders)


def is_inner(path: Path, name: str) -> bool:
    """Return whether a dotted name stands inside a function, where nobody outside sees it."""
    outer = name.rpartition(".")[0]
    return any(
        scope == outer and (not isinstance(node, ast.ClassDef) or is_inner(path, outer))
        for scope, node in scopes(tree_of(path))
    )


def test_everything_is_annotated() -> None:
    """Every parameter and every result has a type."""
    offenders = []
    for function in functions(SOURCE + BENCHES):
        args = function.node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        named = [arg for arg in every if arg is not None and arg.arg not in ("self", "cls")]
        bare = [arg.arg for arg in named if arg.annotation is None]
        if bare or function.node.returns is None:
            offenders.append(f"{function} {' '.join(bare) or 'the result'}")
    report(offenders)


def test_names_say_something() -> None:
    """No name is one of the words that fit anything; a test's name is a sentence and may."""
    offenders = []
    for path in EVERYTHING:
        for line, name in names_bound(path):
            if name.startswith("test_"):
                continue
            if found := words(name) & BANNED_WORDS:
                offenders.append(at(path, line, f"{name}: {', '.join(sorted(found))}"))
    report(sorted(set(offenders)))


def test_nothing_is_left_for_later() -> None:
    """No note of unfinished work: it belongs into an issue."""
    found = ((p, n, line) for p in EVERYTHING if p != THIS_FILE for n, line in numbered(p))
    report([at(p, n, line.strip()) for p, n, line in found if UNFINISHED.search(line)])


def test_comments_give_reasons_not_history() -> None:
    """The past is in the version control."""
    found = ((p, n, text) for p in EVERYTHING if p != THIS_FILE for n, text in comments(p))
    report([at(p, n, text.strip()) for p, n, text in found if HISTORY.search(text)])


def test_nothing_names_the_place_it_was_written_at() -> None:
    """No path of a machine in code, pages or locks, and no index in a lock."""
    kept = [REPOSITORY / name for name in (*LOCKS, "hm", "pyproject.toml", "mkdocs.yml")]
    found = (
        (p, n, t) for p in [*EVERYTHING, *PAGES, *kept] if p != THIS_FILE for n, t in numbered(p)
    )
    offenders = [at(p, n, text.strip()) for p, n, text in found if FOREIGN.search(text)]
    locked = ((REPOSITORY / name, n, t) for name in LOCKS for n, t in numbered(REPOSITORY / name))
    report(offenders + [at(p, n, t.strip()) for p, n, t in locked if "://" in t])


def numbered(path: Path) -> list[tuple[int, str]]:
    """Return the (line number, line) pairs of a file."""
    return list(enumerate(text_of(path).splitlines(), 1))


def test_broad_excepts_stand_only_at_task_roots() -> None:
    """What nobody expected must reach whoever owns the task."""
    offenders = []
    for path in SOURCE:
        for name, node in [("", tree_of(path)), *scopes(tree_of(path))]:
            where = f"{path.relative_to(REPOSITORY)}::{name}"
            for clause in own_excepts(node):
                kind = ast.unparse(clause.type) if clause.type else "everything"
                broad = {"everything", "Exception", "BaseException"} & set(re.findall(r"\w+", kind))
                if broad and where not in BROAD_EXCEPT_ALLOWED:
                    offenders.append(at(path, clause.lineno, f"except {kind} in {name}"))
    report(offenders)


def own_excepts(node: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Yield the except clauses of a scope, those of scopes inside it aside."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler):
            yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from own_excepts(child)


def test_the_core_reads_no_clock_and_draws_no_number() -> None:
    """Time is an input; chance is nobody's."""
    clock = re.compile(r"\b(time|datetime|random|np\.random|numpy\.random|os\.urandom)\.\w+")
    rooms = [REPOSITORY / "src" / "hypermaker" / room for room in CORE_ROOMS]
    offenders = []
    for path in SOURCE:
        if any(path == room or room in path.parents for room in rooms):
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Attribute) and clock.fullmatch(ast.unparse(node)):
                    offenders.append(at(path, node.lineno, ast.unparse(node)))
    report(offenders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists."""
    links = re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", text_of(page))
    offenders = []
    for link in (markdown or image for markdown, image in links):
        if not re.match(r"[a-z]+:|#", link) and not (page.parent / link.split("#")[0]).exists():
            offenders.append(f"{page.relative_to(REPOSITORY)}: {link}")
    report(offenders)


def test_the_readme_names_the_two_commands() -> None:
    """A reader needs no more than these."""
    readme = text_of(REPOSITORY / "README.md")
    assert "./hm demo" in readme and "./hm test" in readme


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    """Keep a Changelog: what is not released yet stands on top."""
    headings = re.findall(r"^## (.*)$", text_of(REPOSITORY / "CHANGELOG.md"), re.MULTILINE)
    assert headings and headings[0] == "[Unreleased]"


def pins(lock: str) -> dict[str, tuple[str, ...]]:
    """Return each pinned line of a lock file, marker included, with the hashes under it."""
    found: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n(?=\S)", text_of(REPOSITORY / lock)):
        head, *rest = block.replace("\\\n", "\n").split("\n")
        if "==" in head:
            found[head.strip()] = tuple(line.strip() for line in rest if "--hash=sha256:" in line)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    """Nothing is installed whose bytes were not fixed beforehand."""
    assert len(pins(lock)) > 20
    report([pin for pin, hashes in pins(lock).items() if not hashes])


def test_the_tools_do_not_change_what_the_program_runs_on() -> None:
    """What is tested is what users get: the same versions with the same bytes."""
    run, dev = (
        {pin.partition(" ;")[0]: hashes for pin, hashes in pins(lock).items()} for lock in LOCKS
    )
    report([pin for pin, hashes in run.items() if dev.get(pin) != hashes])
