"""An extension of griffe: docstrings of this package as Markdown, with examples as code and parameters as lists."""

from __future__ import annotations

import re
from typing import Any

import griffe

_PARAMETER = re.compile(r"([*\w][\w.*, ]*):\s+(.*)")


class DocstringBlocks(griffe.Extension):
    """Rewrites every docstring before it is rendered."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """Fences for paragraphs that are doctests, lists for paragraphs of `name: text`."""
    return "\n\n".join(map(_block, re.split(r"\n\s*\n", docstring)))


def _block(paragraph: str) -> str:
    lines = paragraph.split("\n")
    if lines[0].lstrip().startswith(">>> "):
        indent = len(lines[0]) - len(lines[0].lstrip())
        return "\n".join(["```pycon", *(line[indent:] for line in lines), "```"])
    if not all(_PARAMETER.fullmatch(line) or line.startswith(" ") for line in lines):
        return paragraph
    items: list[str] = []
    for line in lines:
        found = _PARAMETER.fullmatch(line)
        if found:
            items.append(f"- **{found[1]}**: {found[2]}")
        elif items:
            items[-1] += f" {line.strip()}"
        else:
            return paragraph
    return "\n".join(items)
