from pathlib import Path

import pytest

from integrity.discovery import NothingToCheck, find_root, module_of, project_packages, python_files


def _project(root: Path) -> Path:
    for name in ("shop/__init__.py", "shop/till/__init__.py", "shop/till/coins.py", "tests/__init__.py", "tool.py"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    (root / "pyproject.toml").write_text("")
    return root


def test_a_module_is_named_by_its_packages_and_a_loose_file_is_a_fragment(tmp_path: Path) -> None:
    root = _project(tmp_path)
    assert module_of(root / "shop/till/coins.py") == "shop.till.coins"
    assert module_of(root / "shop/till/__init__.py") == "shop.till"
    assert module_of(root / "tool.py") is None


def test_the_default_is_the_projects_packages_without_its_tests(tmp_path: Path) -> None:
    root = _project(tmp_path)
    assert find_root(root / "shop" / "till") == root.resolve()
    assert project_packages(root) == [root / "shop"]


def test_files_come_once_in_order_and_hidden_and_built_ones_never(tmp_path: Path) -> None:
    root = _project(tmp_path)
    for hidden in (".venv", "node_modules", "shop/__pycache__"):
        (root / hidden).mkdir()
        (root / hidden / "no.py").write_text("")
    found = [str(f.relative_to(root)) for f in python_files([root / "shop", root / "shop/till/coins.py"])]
    assert found == ["shop/__init__.py", "shop/till/__init__.py", "shop/till/coins.py"]


def test_a_path_with_nothing_to_check_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingToCheck, match="gone does not exist"):
        list(python_files([tmp_path / "gone"]))
    with pytest.raises(NothingToCheck, match="holds no Python files"):
        list(python_files([tmp_path]))
    with pytest.raises(NothingToCheck, match="has no Python packages"):
        project_packages(tmp_path)
