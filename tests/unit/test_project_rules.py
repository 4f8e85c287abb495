"""House rules as failing tests: what is tracked, pinned and imported, read from the files themselves."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.machine import ROOT

PACKAGES = ("server", "engine", "simulator", "integrity", "phoneaudio")
MAX_LINES = 499
MAX_REALTIME_TESTS = 6
# Each in two pieces, so that this file does not break its own rule.
REGISTRY_HOSTS = tuple(
    "".join(pieces)
    for pieces in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("registry.yarn", "pkg.com"),
        ("deb.deb", "ian.org"),
        ("archive.ubuntu", ".com"),
        ("proxy.golang", ".org"),
        ("crates", ".io"),
    )
)
MACHINE_PATHS = tuple(
    "".join(pieces)
    for pieces in (
        ("/work", "/main"),
        ("/work", "/shared"),
        ("/work", "/.library"),
        ("/ro", "ot/"),
        ("/tmp", "/lab"),
        ("/opt", "/pypi"),
    )
)
ENVIRONMENT_NAMES = frozenset({"environ", "environb", "getenv", "getenvb"})
ENVIRONMENT_READERS = ("server/config", "server/cli")


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py"]


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def offenders(words: tuple[str, ...]) -> list[str]:
    """Tracked text files that contain one of the words, as `path: word`."""
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{relative(path)}: {word}" for word in words if word in text]
    return found


def test_no_tracked_file_names_a_registry_host() -> None:
    assert offenders(REGISTRY_HOSTS) == []


def test_no_tracked_file_names_a_path_of_this_machine() -> None:
    here = (str(ROOT),) if len(ROOT.parts) > 2 else ()
    assert offenders(MACHINE_PATHS + here) == []


def test_every_python_file_is_under_500_lines() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert lengths, "git lists no Python file"
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize("name", ["lock.txt", "bootstrap.txt", "node.txt", "bench.txt"])
def test_python_locks_are_hashed_and_name_no_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = re.findall(r"^[A-Za-z0-9].*\n(?:[ \t]+.*\n?)*", text, re.MULTILINE)
    assert entries
    assert [
        entry.split()[0] for entry in entries if "--hash=sha256:" not in entry or "==" not in entry.split()[0]
    ] == []
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)


def test_the_npm_lock_pins_by_integrity_and_names_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert packages
    assert "resolved" not in text
    assert "://" not in text
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []


def test_direct_npm_dependencies_are_pinned_exactly() -> None:
    dependencies = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert [name for name, version in dependencies.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_few_tests_run_at_real_pace(request: pytest.FixtureRequest) -> None:
    """Counts what this run collected, which for `make test` is the whole suite."""
    paced = [item.nodeid for item in request.session.items if item.get_closest_marker("realtime")]
    assert len(paced) <= MAX_REALTIME_TESTS, paced


def test_ci_calls_only_make_check_and_make_test() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make check", "make test"]
    assert "set -eu" in lines


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_packages_are_the_ones_that_are_installed_and_checked() -> None:
    """A new top-level package joins pyproject, import-linter and this list, or is found here."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert folders == set(PACKAGES)


def names_used(node: ast.AST) -> set[str]:
    """The attribute that this node reads, or the names that it imports."""
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()


def environment_reads(tree: ast.AST) -> Iterator[int]:
    """Lines that touch os.environ or os.getenv, under any import form."""
    yield from (getattr(node, "lineno", 0) for node in ast.walk(tree) if names_used(node) & ENVIRONMENT_NAMES)


def test_only_the_configuration_reads_the_environment() -> None:
    readers = [
        f"{relative(path)}:{line}"
        for path in files_of("server")
        if not relative(path).startswith(ENVIRONMENT_READERS)
        for line in environment_reads(parse(path))
    ]
    assert readers == []


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['A']",
        "from os import getenv",
        "import os as o\no.getenv('A')",
        "from os import environ as e",
    ],
)
def test_environment_reads_are_seen_in_every_form(source: str) -> None:
    assert list(environment_reads(ast.parse(source)))


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def is_pure(module: str) -> bool:
    """The standard library, or the domain itself (relative imports stay within it)."""
    if module.startswith("."):
        return not module.startswith("..")
    return module.split(".")[0] in sys.stdlib_module_names or f"{module}.".startswith("server.domain.")


def test_the_domain_imports_the_standard_library_and_itself() -> None:
    impure = [
        f"{relative(path)}: {module}"
        for path in files_of("server/domain")
        for module in imported_modules(parse(path))
        if not is_pure(module)
    ]
    assert impure == []


def test_the_ownership_map_is_plain_literals() -> None:
    """The checker reads it as data, so it imports only the words that type it and computes nothing."""
    tree = parse(ROOT / "server" / "ownership.py")
    assert {*imported_modules(tree)} <= {"__future__", "typing"}
    maps = [node for node in tree.body if isinstance(node, ast.AnnAssign) and node.value is not None]
    values = {ast.unparse(node.target): ast.literal_eval(node.value) for node in maps if node.value is not None}
    assert values["OWNERSHIP"]


def test_the_quick_reference_copy_is_tracked() -> None:
    assert ROOT / "docs" / "QUICK_REFERENCE.md" in tracked_files()


OWN_NAMES = frozenset({*PACKAGES, "tests", "bench", "scripts"})


def locked_distributions(lock: str = "lock.txt") -> set[str]:
    text = (ROOT / "requirements" / lock).read_text()
    return {normalized(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def normalized(distribution: str) -> str:
    """One spelling of a distribution's name, as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_imported_package_is_in_the_lock() -> None:
    """What happens to be installed by hand on one machine is missing on the next."""
    locked, carriers = locked_distributions(), packages_distributions()
    benched = {re.sub("-ai$", "", name) for name in locked_distributions("bench.txt")}  # not installed here: by name
    unlocked = set()
    for path in python_files():
        for module in imported_modules(parse(path)):
            top = module.split(".")[0]
            if not top or top in OWN_NAMES or top in sys.stdlib_module_names:
                continue
            if path.parent.name == "bench" and top in benched:
                continue
            if not locked.intersection(map(normalized, carriers.get(top, []))):
                unlocked.add(f"{relative(path)}: {top}")
    assert sorted(unlocked) == []


CALL_REGRESSIONS = range(1, 19)
"""What has gone wrong with calls in systems like this one, by its number in the project's list."""


def regressions_named() -> set[int]:
    """The numbers behind `regression N`, `regressions N, M and K` and the like, in names and in prose."""
    texts = (path.read_text(encoding="utf-8") for path in files_of("tests") if path.name != Path(__file__).name)
    named = re.compile(r"regressions?[ _](\d+(?:(?:, | and |_and_|_)\d+)*)", re.IGNORECASE)
    return {int(number) for text in texts for found in named.findall(text) for number in re.findall(r"\d+", found)}


def test_every_regression_of_calls_is_named_by_a_test() -> None:
    assert sorted(set(CALL_REGRESSIONS) - regressions_named()) == []
