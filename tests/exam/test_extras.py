"""Extras name what setup.cfg names, and a missing one is a line with the command that installs it."""

from __future__ import annotations

import configparser
import json
import re

import pytest
from source_tree import ROOT

from cmexam_baseline.exam import extras
from cmexam_baseline.exam.errors import InputError

# Where the name of a distribution is not the name of its module.
MODULES = {"scikit-learn": "sklearn", "huggingface-hub": "huggingface_hub"}


@pytest.mark.parametrize("extra", extras.EXTRAS)
def test_extras_are_those_of_setup_cfg(extra: str) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["options.extras_require"][extra].split("\n")
    names = [re.split(r"[^A-Za-z0-9-]", line)[0] for line in lines if line and ";" not in line]
    assert {MODULES.get(name, name) for name in names} == set(extras.EXTRAS[extra])


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "pip install 'cmexam-baseline[report]'"),
        ({"url": "file:///home/me/a%20b", "dir_info": {}}, "pip install '/home/me/a b[report]'"),
        ({"url": "file:///home/me/x", "dir_info": {"editable": True}}, "pip install -e '/home/me/x[report]'"),
        (
            {"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "pip install 'cmexam-baseline[report] @ git+https://example.org/x.git@c0ffee'",
        ),
        (
            {"url": "file:///tmp/x.whl", "archive_info": {}},
            "pip install 'cmexam-baseline[report] @ file:///tmp/x.whl'",
        ),
    ],
)
def test_the_command_follows_how_this_copy_was_installed(
    origin: object, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            return json.dumps(origin) if origin else None

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Distribution())
    assert extras.install_command("report") == expected


def test_a_missing_module_is_named() -> None:
    extras.require("report", "json")
    with pytest.raises(InputError, match=r"^a report needs no_such_module; run pip install .*\[report\]"):
        extras.require("report", "json", "no_such_module", purpose="a report")
