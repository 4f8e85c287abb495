"""`docs/audit-rules.md`, written from the rules themselves: `python -m integrity.document > docs/audit-rules.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from integrity.rules import RULES
from integrity.rules.base import Example, Rule

_HEAD = """\
# The rules of `frontdesk audit`

<!-- Written by `python -m integrity.document`; edit the rules in integrity/rules/ instead. -->

`frontdesk audit [PATH…]` reads Python source, never imports it, and reports what breaks the ownership of data. Who owns
what comes from the map in the project's `server/ownership.py`, read as literals; a loose file of a project without one
is judged by Frontdesk's. Without PATH it checks the project's packages; `-` reads stdin.

- `--format text|json|sarif|github` chooses the output, `--ownership FILE` another map, `--list-rules` shows the rules.
- Exit status: 0 clean, 1 findings, 2 a wrong path, option or map.
- A file in no package, and stdin, is a *fragment*: it has no module name and owns nothing.
- A finding that is right as it stands is allowed by a comment with a reason, on its line or alone on the line above:
  `# audit: allow[rule-id] reason`. A comment without a reason, of an unknown rule, or with nothing to allow is itself a
  finding (`bad-suppression`). A file that cannot be parsed is one too (`unreadable`).

The examples below are tests: each bad one is reported by its rule, no good one by any rule.
"""


def rules_document() -> str:
    """The whole document."""
    table = [f"| [`{rule.id}`](#{rule.id}) | {rule.title} |" for rule in RULES]
    parts = [_HEAD, "\n".join(["| rule | reports |", "|---|---|", *table]), *map(_section, RULES)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _section(rule: Rule) -> str:
    notes = "\n".join(line.strip() for line in (type(rule).__doc__ or "").strip().splitlines())
    parts = [f"## {rule.id}", f"**{rule.title}.** {rule.why}", notes, f"**Instead:** {rule.remedy}"]
    parts += ["Bad:", *_blocks(rule.bad), "Good:", *_blocks(rule.good)]
    return "\n\n".join(part for part in parts if part)


def _blocks(examples: tuple[Example, ...]) -> Iterator[str]:
    for example in examples:
        where = f"# in {example.module}\n" if example.module else ""
        yield f"```python\n{where}{example.code}\n```"


if __name__ == "__main__":
    click.echo(rules_document(), nl=False)
