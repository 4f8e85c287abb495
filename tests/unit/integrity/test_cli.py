"""The command: its exit status is its contract with `make check`, pre-commit hooks and CI."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from integrity.cli import audit
from integrity.rules import RULES
from tests.support.ownership_sample import TEXT

BAD = 'call.status = "completed"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "server"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "ownership.py").write_text(TEXT)
    (package / "routes_twilio.py").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(audit, arguments, input=stdin)


def test_a_clean_project_ends_with_0(project: Path) -> None:
    result = _run()
    assert (result.exit_code, result.output.strip()) == (0, f"3 files, {TEXT.count(chr(10)) + 1} lines: clean")


def test_a_finding_ends_with_1_and_says_where_who_and_what_to_do(project: Path) -> None:
    (project / "server" / "media_ws_ai.py").write_text(BAD)
    result = _run("server")
    assert result.exit_code == 1
    assert "server/media_ws_ai.py:1:1: column-outside-owner: `CallLog.status` is written here" in result.output
    assert "server.routes_twilio.update_call_status" in result.output
    assert result.output.strip().endswith("1 finding")


def test_stdin_is_a_fragment_that_owns_nothing(project: Path) -> None:
    result = _run("-", stdin=BAD)
    assert result.exit_code == 1
    assert result.output.startswith("<stdin>:1:1: column-outside-owner")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.py",), "gone.py does not exist"),
        (("--format", "xml"), "'xml' is not one of"),
        (("--ownership", "gone.py"), "ownership map cannot be read"),
        (("-", "server"), "stands alone"),
    ],
)
def test_wrong_use_ends_with_2_and_the_reason(project: Path, arguments: tuple[str, ...], said: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_broken_map_ends_with_2(project: Path) -> None:
    (project / "server" / "ownership.py").write_text("OWNERSHIP = make()")
    result = _run()
    assert result.exit_code == 2
    assert "literals only" in result.output


@pytest.mark.parametrize("content", [b"def broken(:\n", b"\xff\xfe", b"x = '\0'"])
def test_a_file_that_cannot_be_parsed_does_not_pass_for_clean(project: Path, content: bytes) -> None:
    (project / "server" / "broken.py").write_bytes(content)
    result = _run()
    assert result.exit_code == 1
    assert "server/broken.py:1:1: unreadable" in result.output


def test_json_and_sarif_carry_the_same_finding(project: Path) -> None:
    (project / "server" / "media_ws_ai.py").write_text(BAD)
    plain = json.loads(_run("--format", "json").output)
    assert [(f["path"], f["line"], f["rule"]) for f in plain["findings"]] == [
        ("server/media_ws_ai.py", 1, "column-outside-owner")
    ]
    assert plain["files"] == 4
    sarif = json.loads(_run("--format", "sarif").output)
    (result,) = sarif["runs"][0]["results"]
    assert result["ruleId"] == "column-outside-owner"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "server/media_ws_ai.py"},
        "region": {"startLine": 1, "startColumn": 1},
    }
    assert {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]} == {rule.id for rule in RULES}


def test_github_gets_one_workflow_command_per_finding(project: Path) -> None:
    (project / "server" / "media_ws_ai.py").write_text(BAD)
    first = _run("--format", "github").output.splitlines()[0]
    assert first.startswith(
        "::error file=server/media_ws_ai.py,line=1,col=1,title=column-outside-owner::`CallLog.status`"
    )


def test_the_rules_are_listed(project: Path) -> None:
    result = _run("--list-rules")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == [rule.id for rule in RULES]


def test_a_loose_file_far_from_any_project_is_judged_by_frontdesks_own_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "piece.py").write_text(BAD)
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text(BAD)
    result = _run("piece.py", "shop")
    assert [line for line in result.output.splitlines() if "column-outside-owner" in line and "shop" not in line]
    assert "shop/__init__.py" not in result.output
