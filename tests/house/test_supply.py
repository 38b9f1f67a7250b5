"""What is installed is pinned, by version and by hash, and the lists agree."""

from __future__ import annotations

import configparser
import re

from house import ROOT

PINNED = re.compile(r"^([a-z0-9.-]+)==([^\s;\\]+)", re.MULTILINE)


def pinned(file: str) -> dict[str, set[str]]:
    """Name -> versions, one or one a Python."""
    found: dict[str, set[str]] = {}
    for name, version in PINNED.findall((ROOT / file).read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def required(section: str, option: str) -> set[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    names = (re.split(r"[^A-Za-z0-9.-]", line.strip())[0] for line in setup[section][option].splitlines())
    return {name for name in names if name and not name.startswith("cmexam")}


def test_everything_that_is_required_is_pinned() -> None:
    extras = ("distributed", "encoders", "onnx", "report", "test")
    names = required("options", "install_requires").union(
        *(required("options.extras_require", extra) for extra in extras)
    )
    assert names - pinned("constraints.txt").keys() == set()


def test_the_hashed_versions_are_the_pinned_ones() -> None:
    versions, hashed = pinned("constraints.txt"), pinned("constraints-hashes.txt")
    assert {name: versions.get(name) for name in hashed} == hashed
    needed = required("options", "install_requires") | required("options.extras_require", "report")
    assert needed - hashed.keys() == set()


def test_every_pin_has_a_hash() -> None:
    text = (ROOT / "constraints-hashes.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]
