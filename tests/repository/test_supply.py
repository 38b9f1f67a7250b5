"""What is installed is pinned, by version and by hash, and the lists agree."""

from __future__ import annotations

import configparser
import re

import pytest
from packaging.requirements import Requirement
from source_tree import ROOT

PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def pinned(file: str, python: str) -> dict[str, str]:
    """Name -> version, as a Python of this version reads the file."""
    place = {"python_version": python, "python_full_version": f"{python}.1"}
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if re.match(r"[a-z0-9]", line):
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate(place):
                assert requirement.name not in found, f"{requirement.name} is pinned twice for {python}"
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def required(section: str, option: str) -> set[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    names = (re.split(r"[^A-Za-z0-9.-]", line.strip())[0] for line in setup[section][option].splitlines())
    return {name for name in names if name and not name.startswith("cmexam")}


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_is_required_is_pinned(python: str) -> None:
    extras = ("distributed", "docs", "encoders", "onnx", "report", "test")
    names = required("options", "install_requires").union(
        *(required("options.extras_require", extra) for extra in extras)
    )
    assert names - pinned("constraints.txt", python).keys() <= ({"tomli"} if python != "3.10" else set())


@pytest.mark.parametrize("python", PYTHONS)
def test_the_hashed_versions_are_the_pinned_ones(python: str) -> None:
    versions, hashed = pinned("constraints.txt", python), pinned("constraints-hashes.txt", python)
    assert {name: versions.get(name) for name in hashed} == hashed
    needed = required("options", "install_requires") | required("options.extras_require", "report")
    assert needed - hashed.keys() == set()


def test_every_pin_has_a_hash() -> None:
    text = (ROOT / "constraints-hashes.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]
