"""The language model's settings, and the start of an engine that has them."""

from __future__ import annotations

import pytest

from engine.main import UNUSABLE_SETTINGS, run
from engine.settings import EngineSettingsError, LanguageModel, engine_settings

BASE, MODEL = "ENGINE_LLM_BASE_URL", "ENGINE_LLM_MODEL"
OLLAMA = "http://127.0.0.1:11434"


def model(**environ: str) -> LanguageModel | None:
    return engine_settings({f"ENGINE_LLM_{name}": value for name, value in environ.items()}).language_model


def test_without_them_there_is_no_language_model() -> None:
    assert model() is None
    assert model(BASE_URL="", MODEL=" ") is None
    assert engine_settings({}, "key").api_key == "key"


def test_all_of_them() -> None:
    made = model(BASE_URL=OLLAMA, MODEL="qwen3:8b", API_KEY="secret", TIMEOUT_S="2.5")
    assert made == LanguageModel(f"{OLLAMA}/v1", "qwen3:8b", "secret", 2.5)
    assert "secret" not in repr(made)
    assert model(BASE_URL=OLLAMA, MODEL="m") == LanguageModel(f"{OLLAMA}/v1", "m", None, 8.0)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        (OLLAMA, f"{OLLAMA}/v1"),
        (f"{OLLAMA}/", f"{OLLAMA}/v1"),
        (f"{OLLAMA}/v1", f"{OLLAMA}/v1"),
        (f"{OLLAMA}/v1/chat/completions", f"{OLLAMA}/v1"),
        ("https://desk.example.com/llm/v1/", "https://desk.example.com/llm/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_the_address_may_end_where_people_end_it(given: str, base: str) -> None:
    made = model(BASE_URL=given, MODEL="m")
    assert made is not None and made.base_url == base


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"BASE_URL": OLLAMA}, "ENGINE_LLM_MODEL is missing beside ENGINE_LLM_BASE_URL: set it too"),
        ({"MODEL": "m"}, "ENGINE_LLM_BASE_URL is missing beside ENGINE_LLM_MODEL"),
        ({"API_KEY": "k"}, "ENGINE_LLM_BASE_URL is missing beside ENGINE_LLM_API_KEY"),
        ({"BASE_URL": "127.0.0.1:11434", "MODEL": "m"}, r"ENGINE_LLM_BASE_URL is no http\(s\) address"),
        ({"BASE_URL": "ftp://host", "MODEL": "m"}, r"no http\(s\) address"),
        ({"BASE_URL": "http://", "MODEL": "m"}, r"no http\(s\) address"),
        ({"BASE_URL": "http://host:port", "MODEL": "m"}, r"no http\(s\) address"),
        ({"BASE_URL": OLLAMA, "MODEL": "m", "TIMEOUT_S": "soon"}, "ENGINE_LLM_TIMEOUT_S is 'soon': give seconds"),
        ({"BASE_URL": OLLAMA, "MODEL": "m", "TIMEOUT_S": "0"}, "ENGINE_LLM_TIMEOUT_S is '0'"),
        ({"BASE_URL": OLLAMA, "MODEL": "m", "TIMEOUT_S": "nan"}, "ENGINE_LLM_TIMEOUT_S is 'nan'"),
    ],
)
def test_what_is_half_given_or_unusable_is_named(environ: dict[str, str], complaint: str) -> None:
    with pytest.raises(EngineSettingsError, match=complaint):
        model(**environ)


def test_the_engine_does_not_start_with_half_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    monkeypatch.setenv(BASE, OLLAMA)
    with pytest.raises(SystemExit) as ended:
        run("127.0.0.1", free_port, None)
    assert ended.value.code == UNUSABLE_SETTINGS == 2
    assert f"engine: {MODEL} is missing" in capsys.readouterr().err


def test_the_number_of_sessions_is_measured_unless_it_is_set() -> None:
    assert engine_settings({}).max_sessions is None
    assert engine_settings({"ENGINE_MAX_SESSIONS": " 12 "}).max_sessions == 12


@pytest.mark.parametrize("given", ["0", "-1", "many", "10001", "1.5"])
def test_an_unusable_number_of_sessions_is_named(given: str) -> None:
    with pytest.raises(EngineSettingsError, match=r"ENGINE_MAX_SESSIONS is .*give a number from 1 to 10000"):
        engine_settings({"ENGINE_MAX_SESSIONS": given})
