"""`frontdesk simulate`: call a voice server as Twilio would, or keep a stand-in for Twilio running."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from phoneaudio.g711 import pcm16_from_ulaw
from phoneaudio.wav import WavError, wav_bytes
from simulator.account import OutboundRequest
from simulator.answerers import ANSWERERS, RINGS, AnswererError, parse_answerer
from simulator.caller import Manners, Utterance
from simulator.colleagues import DOES, Colleague, ColleagueError, parse_colleague
from simulator.fault_catalogue import CATALOGUE, UnknownFault, chosen
from simulator.faults import Faults
from simulator.places import BadUrl
from simulator.plan import CallPlan, PlanError, parse_line
from simulator.render import describe, summary
from simulator.report import CallReport, Event
from simulator.standin import PortInUse, Standin
from simulator.voice import HibariVoice, ulaw_from_wav

DEFAULT_PORT = 8099


def _default_port() -> int:
    """The port of `TWILIO_API_BASE`, where the server already looks for Twilio; else 8099."""
    try:
        return urlsplit(os.environ.get("TWILIO_API_BASE", "")).port or DEFAULT_PORT
    except ValueError:
        return DEFAULT_PORT


_account = click.option(
    "--account-sid", envvar="TWILIO_ACCOUNT_SID", show_envvar=True, help="Account SID that the server expects (AC…)."
)
_token = click.option(
    "--auth-token",
    envvar="TWILIO_AUTH_TOKEN",
    show_envvar=True,
    help="Auth token that the server checks signatures with.",
)
_voice_url = click.option(
    "--voice-url", default="http://127.0.0.1:8000/webhook/voice", show_default=True,
    help="Where the server's voice webhook really listens.",
)  # fmt: skip
_public_url = click.option(
    "--public-url", help="The server's public URL, as Twilio knows and signs it.  [default: origin of --voice-url]"
)
_faults = click.option(
    "--fault", "fault_names", multiple=True, metavar="NAME",
    help="Something that goes wrong on purpose; give several. 'frontdesk simulate faults' lists them.",
)  # fmt: skip
_seed = click.option("--seed", type=int, default=0, show_default=True, help="Makes faults strike in the same places.")
_colleagues = click.option(
    "--colleague", "colleagues", multiple=True, metavar="NUMBER: DOES[: WORDS]",
    help=f"Somebody whom the server may dial, and what they do: {', '.join(DOES)}. WORDS are said once connected.",
)  # fmt: skip
_speed = click.option(
    "--speed", type=click.FloatRange(min=0.1, max=50), default=1.0, show_default=True,
    help="How much faster than real time; the server's own thinking then counts that much longer.",
)  # fmt: skip


@click.group()
def simulate() -> None:
    """Act as Twilio: call a voice server with a spoken caller, or keep a stand-in for Twilio's API running."""


@simulate.command("faults")
def list_faults() -> None:
    """List the faults that --fault knows."""
    width = max(map(len, CATALOGUE))
    for entry in CATALOGUE.values():
        click.echo(f"{entry.name:<{width}}  {entry.about}{' (outbound calls)' if entry.outbound else ''}")


def _show_faults(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.invoke(list_faults)
        context.exit()


@simulate.command()
@click.option("--to", required=True, help="Number that is called, in E.164 (+15551234567).")
@click.option("--from", "from_", required=True, help="Caller's number.")
@click.option(
    "--say", "says", multiple=True, metavar="LINE",
    help="A line to speak; give several. Each waits until the agent has finished. '@1.5 Sorry, wait' interrupts "
    "the agent's next speech 1.5 s into it; 'keys:12#' presses keys.",
)  # fmt: skip
@click.option(
    "--wav",
    "wavs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A mono 16-bit WAV to speak instead; give several.",
)
@_voice_url
@_public_url
@click.option(
    "--status-url", help="Status callback URL (public).  [default: /webhook/call_status beside the voice webhook]"
)
@_token
@_account
@click.option(
    "--api-port",
    type=int,
    default=_default_port,
    help="Port of the stand-in's REST API.  [default: 8099, or TWILIO_API_BASE's]",
)
@_speed
@click.option(
    "--patience", type=float, default=8.0, show_default=True, help="Seconds of silence before the caller asks 'Hello?'."
)
@click.option(
    "--end-wait",
    type=float,
    default=12.0,
    show_default=True,
    help="Seconds that the caller waits after the last answer before hanging up.",
)
@_faults
@click.option(
    "--faults", is_flag=True, is_eager=True, expose_value=False, callback=_show_faults, help="List the faults."
)
@_seed
@_colleagues
@click.option(
    "--hold-patience", type=float, help="Seconds that the caller waits while being put through.  [default: for ever]"
)
@click.option("--hang-up-after", type=float, help="Hang up so many seconds after the answer, whatever is going on.")
@click.option(
    "--time-limit", type=float, default=600.0, show_default=True, help="Seconds after which Twilio would end the call."
)
@click.option(
    "--noise-db",
    type=click.FloatRange(-90, -10),
    help="Noise under the caller's voice, dB full scale (-60 quiet, -30 a street).",
)
@click.option("--record/--no-record", default=False, help="Record from the answer even if the server asks for nothing.")
@click.option(
    "--wait-recording",
    type=float,
    help="Seconds to wait for the server to fetch the recording.  [default: 30 if the server started one, else 0]",
)
@click.option(
    "--save-wav",
    type=click.Path(path_type=Path),
    help="Write both sides, as heard, to this WAV (left caller, right agent).",
)
@click.option("--transcribe/--no-transcribe", default=True, help="Put what the agent said into words, after the call.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with the whole call, and nothing else.")
@click.option("--json-out", type=click.Path(path_type=Path), help="Write that JSON object to a file as well.")
def call(**options: Any) -> None:
    """Place one call. Exit code 0 only if it went through."""
    plan = _plan(options)
    report = _run(_place(plan, options))
    data = json.dumps(report.as_dict(), ensure_ascii=False)
    if options["json_out"]:
        options["json_out"].write_text(data + "\n")
    click.echo(data if options["as_json"] else summary(report))
    if not report.ok:
        click.echo(f"the call {report.outcome}: {report.reason}", err=True)
        raise SystemExit(1)


def _plan(options: dict[str, Any]) -> CallPlan:
    for name in ("auth_token", "account_sid"):
        if not options[name]:
            option = name.replace("_", "-")
            raise click.UsageError(
                f"--{option} is missing; give it, or set TWILIO_{name.upper()}, to what the server has"
            )
    manners = Manners(
        patience_ms=round(options["patience"] * 1000),
        end_wait_ms=round(options["end_wait"] * 1000),
        hold_ms=None if options["hold_patience"] is None else round(options["hold_patience"] * 1000),
        hang_up_after_ms=None if options["hang_up_after"] is None else round(options["hang_up_after"] * 1000),
    )
    plan = CallPlan(
        to=options["to"],
        from_=options["from_"],
        voice_url=options["voice_url"],
        public_url=options["public_url"],
        status_url=options["status_url"],
        lines=_lines(options["says"], options["wavs"]),
        speed=options["speed"],
        manners=manners,
        noise_db=options["noise_db"],
        record=options["record"],
        transcribe=options["transcribe"],
        wait_recording_s=options["wait_recording"],
        time_limit_s=options["time_limit"],
        colleagues=_read_colleagues(options),
        faults=_read_faults(options),
        voice=HibariVoice(),
    )
    try:
        plan.places()
    except BadUrl as problem:
        raise click.UsageError(str(problem)) from problem
    return plan


def _read_faults(options: dict[str, Any], salt: int = 0) -> Faults:
    try:
        return chosen(options["fault_names"], options["seed"] + salt)
    except UnknownFault as problem:
        raise click.UsageError(str(problem)) from problem


def _read_colleagues(options: dict[str, Any]) -> list[Colleague]:
    try:
        return [parse_colleague(notation) for notation in options["colleagues"]]
    except ColleagueError as problem:
        raise click.UsageError(str(problem)) from problem


def _lines(says: tuple[str, ...], wavs: tuple[Path, ...]) -> list[str | Utterance]:
    if says and wavs:
        raise click.UsageError("give --say or --wav, not both: the order between them would be lost")
    if not says and not wavs:
        raise click.UsageError("give the caller something to say: --say 'words' or --wav FILE")
    try:
        for line in says:
            parse_line(line)
        return [*says, *(Utterance(ulaw_from_wav(path), source=path.name) for path in wavs)]
    except (PlanError, WavError) as problem:
        raise click.UsageError(str(problem)) from problem
    except OSError as problem:
        raise click.UsageError(f"cannot read {problem.filename}: {problem.strerror}") from problem


def _run(work: Coroutine[Any, Any, CallReport]) -> CallReport:
    try:
        return asyncio.run(work)
    except (PortInUse, PlanError, BadUrl) as problem:
        raise click.ClickException(str(problem)) from problem


async def _place(plan: CallPlan, options: dict[str, Any]) -> CallReport:
    standin = await Standin.start(
        account_sid=options["account_sid"], auth_token=options["auth_token"], port=options["api_port"],
        faults=plan.faults,
    )  # fmt: skip
    standin.add_number(plan.to)
    try:
        report = await standin.place_call(plan, None if options["as_json"] else _Printer())
        if options["save_wav"]:
            caller, agent = standin.tapes(report.call.sid)
            options["save_wav"].write_bytes(wav_bytes(8000, pcm16_from_ulaw(caller), pcm16_from_ulaw(agent)))
        return report
    finally:
        await standin.stop()


class _Printer:
    """Prints what happens; a webhook that fails again and again is shown once."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def __call__(self, event: Event) -> None:
        line = describe(event)
        if line is None:
            return
        if event.kind == "webhook":
            key = line.partition(" s  ")[2]
            if key in self._shown:
                return
            self._shown.add(key)
        click.echo(line)


@simulate.command()
@click.option(
    "--port", type=int, default=_default_port, help="Port to listen on.  [default: 8099, or TWILIO_API_BASE's]"
)
@click.option("--host", default="127.0.0.1", show_default=True)
@_token
@_account
@click.option("--number", "numbers", multiple=True, help="A phone number of the account; give several.")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="LINE",
    help="What people called by calls.create(…) say, the first line on answering.  [default: Hello?]",
)
@click.option(
    "--answerer", "answerers", multiple=True, metavar="NUMBER: WHO",
    help=f"Who answers at a number: {', '.join(ANSWERERS + RINGS)}.  [default: a human with the --answer lines]",
)  # fmt: skip
@click.option("--calls-per-second", type=float, help="Refuse outbound calls beyond that with 429.  [default: no limit]")
@_faults
@_seed
@_colleagues
@_voice_url
@_public_url
@_speed
def twilio(**options: Any) -> None:
    """Keep a stand-in for Twilio running until Ctrl-C: its REST API, and people who answer outbound calls."""
    for name in ("auth_token", "account_sid"):
        if not options[name]:
            raise click.UsageError(f"--{name.replace('_', '-')} is missing; give it, or set TWILIO_{name.upper()}")
    try:
        asyncio.run(_stand(options))
    except (PortInUse, BadUrl, PlanError) as problem:
        raise click.ClickException(str(problem)) from problem


async def _stand(options: dict[str, Any]) -> None:
    answerers = _read_answerers(options)
    placed = itertools.count()
    # REST errors are counted for the account, not again for each call.
    of_a_call = options | {"fault_names": [name for name in options["fault_names"] if not name.startswith("rest-")]}

    def callee(request: OutboundRequest) -> CallPlan:
        return CallPlan(
            to=request.params["To"],
            from_=request.params["From"],
            voice_url=options["voice_url"],
            public_url=options["public_url"],
            lines=options["answers"] or ("Hello?",),
            speed=options["speed"],
            manners=Manners(speaks_first=True),
            answerer=answerers.get(request.params["To"], "human"),
            faults=_read_faults(of_a_call, next(placed)),
            voice=HibariVoice(),
        )

    standin = await Standin.start(
        account_sid=options["account_sid"], auth_token=options["auth_token"],
        host=options["host"], port=options["port"], callee=callee, on_event=_Printer(),
        faults=_read_faults(options), colleagues=_read_colleagues(options),
        calls_per_second=options["calls_per_second"],
    )  # fmt: skip
    for number in options["numbers"]:
        standin.add_number(number)
    click.echo(f"Twilio stand-in on {standin.base_url}. Ctrl-C ends it.")
    click.echo(
        f"For Frontdesk: TWILIO_API_BASE={standin.base_url}; in the SDK: client.api.base_url = {standin.base_url!r}"
    )
    await _until_told()
    await standin.stop()


def _read_answerers(options: dict[str, Any]) -> dict[str, str]:
    try:
        return dict(parse_answerer(notation) for notation in options["answerers"])
    except AnswererError as problem:
        raise click.UsageError(str(problem)) from problem


async def _until_told() -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, told.set)
    await told.wait()
