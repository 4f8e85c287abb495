"""What a response may still say, and what it has said."""

from __future__ import annotations

import pytest

from engine.realtime.tokens import Budget, OutOfTokens, text_tokens, usage


def test_a_text_is_cut_between_words_where_the_tokens_end() -> None:
    budget = Budget(5)
    assert budget.fit("Hello") == "Hello"
    assert budget.fit(" there my friend") == " there my"
    assert budget.fit(" and more") == ""


def test_spoken_time_counts_twenty_tokens_a_second() -> None:
    budget = Budget(20)
    for _ in range(6):
        budget.take_audio(160)
    with pytest.raises(OutOfTokens):
        budget.take_audio(160)


def test_without_a_limit_nothing_is_cut() -> None:
    budget = Budget("inf")
    budget.take_audio(3_600_000)
    assert budget.fit("x" * 100_000) == "x" * 100_000


def test_the_sums_of_a_usage_add_up() -> None:
    counted = usage(heard_ms=1500, read="Be kind.", spoken_ms=2000, written=["Hello there.", "{}"])
    assert counted["input_token_details"]["audio_tokens"] == 15
    assert counted["output_tokens"] == 40 + text_tokens("Hello there.") + 1
    assert counted["total_tokens"] == counted["input_tokens"] + counted["output_tokens"]
