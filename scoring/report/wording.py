"""The words of the report page in English and Chinese, from wording.json."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

LANGUAGES = ("en", "zh")


@cache
def _wording() -> dict[str, Any]:
    """The `texts`: name -> [English, Chinese]; "groups_zh": what the package calls groups and their values."""
    content: dict[str, Any] = json.loads(
        files("cmexam_baseline.scoring.report").joinpath("wording.json").read_text("utf-8")
    )
    return content


def words_in(language: str) -> SimpleNamespace:
    """Every text of the page in a language: "en" or "zh".

    >>> words_in("en").contents, words_in("zh").contents
    ('Contents', '目录')
    """
    place = LANGUAGES.index(language)
    return SimpleNamespace(**{name: texts[place] for name, texts in _wording()["texts"].items()})


def group_name(name: str, language: str) -> str:
    """What a group, or one of its values, is called.

    >>> group_name("answer size", "zh"), group_name("内科", "zh")
    ('正确选项数', '内科')
    """
    return str(_wording()["groups_zh"].get(name, name)) if language == "zh" else name
