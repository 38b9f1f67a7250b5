"""How a long step says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Called as progress(stage, done, total); a stage is a phrase for people, "looking up evidence".
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """The progress of a step that nobody watches."""
