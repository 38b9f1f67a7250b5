"""How a long step says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Called as progress(stage, done, total); a stage is a phrase for people, "looking up evidence".
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """The progress of a step that nobody watches."""


class DetailedStage(str):
    """The name of a stage, with what there is to say of it at the moment in `detail`.

    >>> stage = DetailedStage("training", "loss 1.482, 41.0 questions/s")
    >>> stage == "training", stage.detail
    (True, 'loss 1.482, 41.0 questions/s')
    """

    detail: str

    def __new__(cls, name: str, detail: str) -> DetailedStage:
        stage = super().__new__(cls, name)
        stage.detail = detail
        return stage


def detail_of(stage: str) -> str:
    """What there is to say of a stage, if anything.

    >>> detail_of("tokenising"), detail_of(DetailedStage("training", "loss 1.482"))
    ('', 'loss 1.482')
    """
    return stage.detail if isinstance(stage, DetailedStage) else ""
