"""What a bridge costs: `make bench-bridge`, or `python bench/bridge.py [--json]`.

Puts the same fake model and the same phones before Frontdesk's server with everything on (sessions, turns stored,
metrics), a bare relay on picows, a plain FastAPI + websockets + json bridge, and Pipecat; one after another in one run,
the bridge on one core and the load on another. Prints what a call costs at the same number of calls, then how many
calls a core carries before the 99th percentile of the added latency passes 20 ms, and the ratios that we hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.machine import free_port

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
PIPECAT_PYTHON = ROOT / ".cache" / "bench-venv" / "bin" / "python"
BRIDGE_CORE, LOAD_CORE = 1, 0
LIMIT_MS = 20.0
NUMBER = "+441632960199"
ACCOUNT, TOKEN = "AC" + "0" * 32, "bench-token"
NAMES = ("frontdesk", "relay", "plain", "pipecat")


def main() -> None:
    """Measure; exits 1 when a ratio is not held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="calls at which all bridges are compared")
    parser.add_argument("--seconds", type=float, default=20, help="how long each measurement lasts")
    parser.add_argument("--only", choices=NAMES, action="append", help="measure this bridge alone; give several")
    parser.add_argument("--steps", type=int, nargs="*", default=[300, 450, 550, 700, 850], help="calls of the ramp")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    names = [name for name in NAMES if name in (options.only or NAMES)]
    say = (lambda line: None) if options.json else print
    same = {name: one for name in names if (one := tried(name, options.calls, options.seconds, say))}
    ramps = {name: ramp(name, options.steps, options.seconds, say) for name in names if name in ("frontdesk", "relay")}
    result = {"calls": options.calls, "same": same, "ramps": ramps, "ratios": ratios(same, ramps)}
    print(json.dumps(result, indent=1) if options.json else table(result))
    sys.exit(0 if all(one["held"] for one in result["ratios"].values()) else 1)


def tried(name: str, calls: int, seconds: float, say: Any) -> dict[str, Any] | None:
    """One measurement, or None where the bridge can't run here."""
    if name == "pipecat" and not PIPECAT_PYTHON.exists():
        say("pipecat: not installed; `make bench-bridge` sets it up")
        return None
    result = measure(name, calls, seconds)
    say(f"{name:10s} {describe(result)}")
    return result


def ramp(name: str, steps: list[int], seconds: float, say: Any) -> list[dict[str, Any]]:
    """More and more calls, until the added latency passes the limit."""
    results: list[dict[str, Any]] = []
    for calls in steps:
        results.append(measure(name, calls, seconds))
        say(f"{name:10s} {describe(results[-1])}")
        if not within(results[-1]):
            break
    return results


def within(one: dict[str, Any]) -> bool:
    """Whether a measurement stayed within the limit and lost no call."""
    return bool(one["added_ms"] and one["added_ms"]["p99"] <= LIMIT_MS and not one["lost_calls"])


def describe(one: dict[str, Any]) -> str:
    """A measurement in a line."""
    added, clear = one["added_ms"] or {"p50": -1, "p99": -1}, one["clear_ms"] or {"p50": -1, "p99": -1}
    return (
        f"{one['calls']:4d} calls: {one['cpu_ms_per_call_second']:6.2f} ms CPU per call-second, "
        f"{one['kb_per_call']:5.0f} KB per call, added p50 {added['p50']:6.2f} p99 {added['p99']:6.2f} ms, "
        f"clear p99 {clear['p99']:6.2f} ms, core {100 * one['core_used']:3.0f} %, load's core "
        f"{100 * one['load_core_used']:3.0f} % (its lag p99 {one['load_lag_ms']['p99']:.1f} ms)"
    )


def ratios(same: dict[str, Any], ramps: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What we hold ourselves to, as far as it was measured."""
    found: dict[str, dict[str, Any]] = {}
    ours = same.get("frontdesk")
    for other, most in (("relay", 1.5), ("plain", 0.5), ("pipecat", 0.15)):
        if ours and other in same:
            value = ours["cpu_ms_per_call_second"] / same[other]["cpu_ms_per_call_second"]
            found[f"CPU, frontdesk / {other}"] = {"value": round(value, 3), "limit": most, "held": value <= most}
    if carried := ramps.get("frontdesk"):
        best = max((one["calls"] for one in carried if within(one)), default=0)
        found["calls per core"] = {"value": best, "limit": 550, "held": best >= 550}
        memory = max(one["kb_per_call"] for one in carried)
        found["KB per call"] = {"value": round(memory), "limit": 150, "held": memory <= 150}
    if ours and ours["clear_ms"]:
        value = ours["clear_ms"]["p99"]
        found["speech_started to clear, p99 ms"] = {"value": value, "limit": 5, "held": value <= 5}
    return found


def table(result: dict[str, Any]) -> str:
    """The ratios, for a person."""
    lines = ["", f"{'what':34s} {'measured':>9s} {'limit':>7s}"]
    lines += [
        f"{name:34s} {one['value']:9} {one['limit']:7} {'' if one['held'] else '  NOT HELD'}"
        for name, one in result["ratios"].items()
    ]
    return "\n".join(lines)


# -- the bridges ---------------------------------------------------------------------------------------------------


def measure(name: str, calls: int, seconds: float) -> dict[str, Any]:
    """Start a bridge, put the load on it, and give what the load measured."""
    model_port, bridge_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, running(name, bridge_port, model_port, Path(folder)) as pid:
        plan: dict[str, Any] = {"model_port": model_port, "bridge_port": bridge_port, "bridge_pid": pid}
        plan |= {"calls": calls, "seconds": seconds}
        if name == "frontdesk":
            plan |= {"frontdesk": True, "account_sid": ACCOUNT, "auth_token": TOKEN, "to": NUMBER}
            plan |= {"path": "/ws/twilio-media"}
        if name == "pipecat":
            plan |= {"path": "/ws/pcm"}
        load = [sys.executable, str(BENCH / "bridge_load.py"), json.dumps(plan)]
        done = subprocess.run(pinned(LOAD_CORE, load), capture_output=True, text=True, timeout=seconds + 400)
        if done.returncode:
            raise SystemExit(f"the load on {name} failed:\n{done.stderr[-3000:]}")
        return {"bridge": name, **json.loads(done.stdout.splitlines()[-1])}


@contextlib.contextmanager
def running(name: str, port: int, model_port: int, folder: Path) -> Iterator[int]:
    """A bridge's process, on a core of its own."""
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    if name == "frontdesk":
        environ |= frontdesk_environ(port, model_port, folder)
        prepare(environ)
        command = [str(Path(sys.executable).parent / "frontdesk"), "web", "--port", str(port)]
    else:
        python = str(PIPECAT_PYTHON) if name == "pipecat" else sys.executable
        command = [python, str(BENCH / f"bridge_{name}.py"), str(port), str(model_port)]
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(pinned(BRIDGE_CORE, command), env=environ, stdout=log, stderr=log)
        try:
            wait_listening(port, process, folder / "log")
            yield process.pid
        finally:
            process.kill()
            process.wait(10)


def frontdesk_environ(port: int, model_port: int, folder: Path) -> dict[str, str]:
    """The server as in production, with the fake model for a provider."""
    return {
        "FRONTDESK_HOME": str(folder / "home"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "OPENAI_API_KEY": "bench",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_BASE": f"http://127.0.0.1:{model_port}",
        "MAX_CALLS": "2000",
        "DEBUG": "1",
    }


def prepare(environ: dict[str, str]) -> None:
    """One business that records nothing, so that no provider is asked for anything."""
    frontdesk = str(Path(sys.executable).parent / "frontdesk")
    add = ["business", "add", "--name", "Bench", "--phone", NUMBER, "--no-recording", "--max-calls", "2000"]
    for command in (["db", "upgrade"], add):
        subprocess.run([frontdesk, *command], env=environ, check=True, capture_output=True)


def pinned(core: int, command: list[str]) -> list[str]:
    """The command on one core, where the machine has two."""
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 else command


def wait_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the bridge answers on its port."""
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"the bridge ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except (OSError, ValueError):
            time.sleep(0.1)
        except Exception:  # noqa: BLE001 - picows answers a plain request with a bad-request line: it listens
            return
    raise SystemExit(f"the bridge did not listen within 30 s:\n{log.read_text()[-3000:]}")


if __name__ == "__main__":
    main()
