"""The command `frontdesk audit`, also `python -m integrity`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from integrity.audit import check_text, default_owner_map, run
from integrity.discovery import NothingToCheck, find_root, project_packages
from integrity.findings import Report
from integrity.formats import FORMATS
from integrity.owner_map import OwnerMap, OwnerMapError, load_owner_map
from integrity.rules import RULES

_STDIN = Path("-")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--ownership", type=click.Path(path_type=Path), help="File with the map [default: server/ownership.py].")
@click.option("--list-rules", is_flag=True, help="Show every rule and stop.")
def audit(paths: tuple[Path, ...], form: str, ownership: Path | None, list_rules: bool) -> None:
    """Check who writes what: the rules of docs/audit-rules.md on PATH… (default: the project's packages; `-` is stdin).

    Reads source and never imports it. Exit status: 0 clean, 1 findings, 2 a wrong path, option or ownership map.
    """
    if list_rules:
        click.echo(rule_list())
        return
    try:
        report = _report(paths, ownership)
    except (NothingToCheck, OwnerMapError) as problem:
        raise click.UsageError(str(problem)) from problem
    click.echo(FORMATS[form](report))
    sys.exit(1 if report.findings else 0)


def rule_list() -> str:
    """Every rule's id and title, one per line."""
    width = max(len(rule.id) for rule in RULES)
    return "\n".join(f"{rule.id:<{width}}  {rule.title}" for rule in RULES)


def _report(paths: tuple[Path, ...], ownership: Path | None) -> Report:
    here = Path.cwd()
    root = find_root(here)
    owners = load_owner_map(ownership) if ownership is not None else default_owner_map(root)
    if _STDIN in paths:
        return _check_stdin(paths, owners)
    return run(paths or project_packages(root), root, owners)


def _check_stdin(paths: tuple[Path, ...], owners: OwnerMap) -> Report:
    if len(paths) > 1:
        raise click.UsageError("`-` reads one text from stdin and stands alone")
    text = sys.stdin.read()
    return Report(tuple(check_text(text, "<stdin>", None, owners)), 1, text.count("\n"))
