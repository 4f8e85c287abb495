"""Findings as text, JSON, SARIF 2.1.0 or GitHub workflow commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from integrity.findings import Finding, Report
from integrity.rules import RULES

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(report: Report) -> str:
    """One line per finding with its remedy below, and a closing line with the count."""
    return "\n".join([*_text_lines(report), _closing(report)])


def as_json(report: Report) -> str:
    """One object: `findings`, `files`, `lines`."""
    data = {"findings": [f.as_dict() for f in report.findings], "files": report.files, "lines": report.lines}
    return json.dumps(data, indent=2, ensure_ascii=False)


def as_sarif(report: Report) -> str:
    """A SARIF 2.1.0 log with one run, as code-scanning services read it."""
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.remedy},
        }
        for rule in RULES
    ]
    tool = {"driver": {"name": "frontdesk-audit", "rules": rules}}
    run = {"tool": tool, "results": [_sarif_result(f) for f in report.findings]}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def as_github(report: Report) -> str:
    """Workflow commands: GitHub shows each as an annotation in the diff."""
    return "\n".join([*map(_github_line, report.findings), _closing(report)])


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}


def _text_lines(report: Report) -> Iterator[str]:
    for f in report.findings:
        yield f"{f.path}:{f.line}:{f.column}: {f.rule}: {f.message}"
        yield f"    {f.remedy}"


def _closing(report: Report) -> str:
    read = f"{_count(report.files, 'file')}, {_count(report.lines, 'line')}"
    return f"{read}: {_count(len(report.findings), 'finding')}" if report.findings else f"{read}: clean"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sarif_result(f: Finding) -> dict[str, object]:
    region = {"startLine": f.line, "startColumn": f.column}
    location = {"physicalLocation": {"artifactLocation": {"uri": f.path.replace("\\", "/")}, "region": region}}
    message = {"text": f"{f.message}. {f.remedy}"}
    return {"ruleId": f.rule, "level": "error", "message": message, "locations": [location]}


def _github_line(f: Finding) -> str:
    place = f"file={_property(f.path)},line={f.line},col={f.column},title={_property(f.rule)}"
    return f"::error {place}::{_data(f'{f.message}. {f.remedy}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
