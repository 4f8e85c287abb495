"""`frontdesk simulate` at the terminal, and one call that is really spoken and really transcribed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from phoneaudio.g711 import pcm16_from_ulaw
from phoneaudio.wav import read_wav, wav_bytes
from simulator.cli import simulate
from simulator.fault_catalogue import CATALOGUE
from simulator.standin import Standin
from simulator.voice import HibariVoice

IDENTITY = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "rehearsal-token", "TWILIO_API_BASE": ""}


async def run(*arguments: str, **environment: str) -> Result:
    """The command in a thread of its own, since the fake server lives in this one."""
    runner = CliRunner(env=IDENTITY | environment)
    numbers = ["--to", "+15550001111", "--from", "+15552223333", "--api-port", "0", "--no-transcribe", "--speed", "10"]
    return await asyncio.to_thread(runner.invoke, simulate, ["call", *numbers, *arguments])


@pytest.fixture
def line_wav(tmp_path: Path, tones: Any) -> Path:
    path = tmp_path / "line.wav"
    path.write_bytes(wav_bytes(8000, pcm16_from_ulaw(tones(500, 700))))
    return path


async def test_a_call_as_json_and_as_files(server: Any, line_wav: Path, tmp_path: Path) -> None:
    wav, out = tmp_path / "both.wav", tmp_path / "call.json"
    files = ["--save-wav", str(wav), "--json-out", str(out)]
    result = await run("--voice-url", server.voice_url, *["--wav", str(line_wav)] * 2, "--json", *files)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report == json.loads(out.read_text())
    assert report["outcome"] == "completed" and report["call"]["from"] == "+15552223333"
    assert {"frames", "events", "marks", "clears", "latencies", "said", "rest_calls", "webhooks"} <= set(report)
    assert [said["source"] for said in report["said"]["caller"]] == ["line.wav", "line.wav"]
    assert len(read_wav(wav).channels) == 2


async def test_a_call_in_words(server: Any, line_wav: Path) -> None:
    result = await run("--voice-url", server.voice_url, *["--wav", str(line_wav)] * 2)
    assert result.exit_code == 0, result.output
    for words in ("ringing", "answered", "agent speaks", "answer 2 began", "call completed", "marks: 3 by playback"):
        assert words in result.stdout


async def test_a_refused_call_is_no_success(server: Any, line_wav: Path) -> None:
    server.answers["/webhook/voice"] = "<Response><Say>Not in service</Say></Response>"
    result = await run("--voice-url", server.voice_url, "--wav", str(line_wav))
    assert result.exit_code == 1 and "Not in service" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--say", "hi"], {"TWILIO_AUTH_TOKEN": ""}, "--auth-token is missing"),
        (["--say", "hi"], {"TWILIO_ACCOUNT_SID": ""}, "--account-sid is missing"),
        ([], {}, "--say 'words' or --wav FILE"),
        (["--say", "hi", "--wav", "a.wav"], {}, "not both"),
        (["--wav", "nowhere.wav"], {}, "cannot read nowhere.wav"),
        (["--say", "@x hi"], {}, "@SECONDS words"),
        (["--say", "hi", "--voice-url", "localhost:8000"], {}, "not an absolute"),
        (["--say", "hi", "--fault", "status-doubled"], {}, "did you mean status-duplicated"),
        (["--say", "hi", "--colleague", "+1555"], {}, "NUMBER: DOES"),
    ],
)
async def test_bad_input_says_what_to_do(arguments: list[str], environment: dict[str, str], words: str) -> None:
    result = await run(*arguments, **environment)
    assert result.exit_code == 2 and words in result.stderr


@pytest.mark.parametrize("arguments", [["faults"], ["call", "--faults"]])
def test_the_faults_are_listed(arguments: list[str]) -> None:
    result = CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 0, result.output
    listed = [line.split()[0] for line in result.stdout.splitlines()]
    assert listed == list(CATALOGUE)
    assert "The callee is busy. (outbound calls)" in result.stdout


async def test_faults_are_told_and_reported(server: Any, line_wav: Path) -> None:
    faults = ["--fault", "status-duplicated", "--fault", "media-odd-sizes", "--seed", "3"]
    result = await run("--voice-url", server.voice_url, *["--wav", str(line_wav)] * 2, *faults)
    assert result.exit_code == 0, result.output
    assert "fault: status-duplicated" in result.stdout and "status-duplicated (struck 4x)" in result.stdout
    assert len([hook for hook in server.hooks if hook.path == "/webhook/call_status"]) == 8


async def test_a_transfer_in_words(server: Any, line_wav: Path) -> None:
    server.answers["/webhook/voice"] = "<Response><Dial timeout='5'>+15550009999</Dial></Response>"
    colleague = ["--colleague", "+15550009999: busy", "--hold-patience", "20"]
    result = await run("--voice-url", server.voice_url, "--wav", str(line_wav), *colleague)
    assert result.exit_code == 1
    assert "+15550009999: ringing" in result.stdout and "+15550009999: busy, 0 s" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--answerer", "+1555: robot"], "NUMBER: WHO"),
        (["--colleague", "+1555: sleeps"], "NUMBER: DOES"),
        (["--fault", "earthquake"], "no fault 'earthquake'"),
    ],
)
def test_a_stand_in_checks_its_people_and_faults_first(arguments: list[str], words: str) -> None:
    result = CliRunner(env=IDENTITY).invoke(simulate, ["twilio", "--port", "0", *arguments])
    assert result.exit_code == 2 and words in result.stderr


async def test_a_server_that_is_down_is_named(line_wav: Path) -> None:
    result = await run("--voice-url", "http://127.0.0.1:9/webhook/voice", "--wav", str(line_wav))
    assert result.exit_code == 1 and "is the server running there?" in result.stderr
    assert result.stdout.count("status webhook") == 1


@pytest.mark.speech
async def test_a_spoken_call_is_understood(server: Any, standin: Standin, make_plan: Any) -> None:
    greeting = await asyncio.to_thread(HibariVoice().speak, "Good morning. How can I help you today?")
    answer = await asyncio.to_thread(HibariVoice().speak, "We are open from eight to four on Saturday.")
    heard: list[bytes] = []

    async def agent(session: Any) -> None:
        await session.say(greeting, "greeting")
        await session.hear_turn(400)
        await session.say(answer, "answer")
        while (mark := await session.wait("mark")) is not None and mark["mark"]["name"] != "answer":
            heard.append(b"")
        await session.socket.close()

    server.agent = agent
    plan = make_plan(lines=["What time do you open on Saturday?"], speed=5.0, noise_db=-55, transcribe=True)
    report = await standin.place_call(plan)
    assert report.ok, report.reason
    agent_said = " ".join(said.text or "" for said in report.said["agent"]).lower()
    assert "how can i help you" in agent_said and "saturday" in agent_said
    assert [said.text for said in report.said["caller"]] == ["What time do you open on Saturday?"]
    assert report.latencies[0].to_played_ms is not None
