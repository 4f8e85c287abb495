"""The map is complete and true: every column has an owner, every entry point exists."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from server.db import entry_for
from server.models_sql import Base
from server.ownership import OWNERSHIP

COLUMNS = [
    (mapper.class_.__name__, attribute.key) for mapper in Base.registry.mappers for attribute in mapper.column_attrs
]


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_every_column_has_an_owner(model: str, column: str) -> None:
    assert entry_for(model, column)["why"]


@pytest.mark.parametrize("fact", OWNERSHIP)
def test_every_entry_point_exists(fact: str) -> None:
    module, _, name = OWNERSHIP[fact]["entry"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    importlib.import_module(OWNERSHIP[fact]["owner"])


@pytest.mark.parametrize("fact", [fact for fact in OWNERSHIP if "." in fact and fact[0].isupper()])
def test_the_map_names_no_column_that_is_gone(fact: str) -> None:
    model, _, column = fact.partition(".")
    assert column == "*" or (model, column) in COLUMNS


def test_the_map_is_pure_literals_and_imports_nothing_of_ours() -> None:
    source = Path(importlib.import_module("server.ownership").__file__ or "").read_text()
    assert "from server" not in source
    assert "import server" not in source
