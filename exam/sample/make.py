"""Makes the sample exam from its facts: `python -m cmexam_baseline.exam.sample.make [FOLDER]`."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.sample import SAMPLE_FILES, SAMPLE_FOLDER
from cmexam_baseline.exam.sample.dealing import COPIES, deal
from cmexam_baseline.exam.sample.draft import Choice, Draft
from cmexam_baseline.exam.sample.explanation import LETTERS, explain
from cmexam_baseline.exam.sample.facts import ITEMS, TABLES
from cmexam_baseline.exam.sample.labels import ANNOTATION_COLUMNS
from cmexam_baseline.exam.sample.plan import draft_all, redraw

SEED = 2306
COLUMNS = ("Question", "Options", "Answer", "Explanation")


@dataclass(frozen=True)
class Row:
    """A finished question: its draft, its options in their order, and what is written beside them."""

    draft: Draft
    choices: tuple[Choice, ...]
    explanation: str

    @property
    def options(self) -> str:
        """The options in CMExam's form, one a line."""
        return "\n".join(
            f"{letter} {choice.text}" for letter, choice in zip(LETTERS, self.choices, strict=False)
        )

    @property
    def answer(self) -> str:
        """The letters of the options to be chosen."""
        return "".join(letter for letter, choice in zip(LETTERS, self.choices, strict=False) if choice.chosen)


def make_rows(seed: int = SEED) -> dict[str, list[Row]]:
    """The rows of every split; the same seed gives the same rows."""
    rng = Random(seed)
    drafts = draft_all(TABLES, ITEMS, seed)
    dealt = deal(drafts, lambda draft, draws: redraw(draft, TABLES, draws), rng)
    train = _rows(dealt["train"], rng)
    by_draft = {id(row.draft): row for row in train}
    splits = {"train": train}
    for split in ("val", "test"):
        copies = [by_draft[id(draft)] for draft in dealt[split][: COPIES[split]]]
        fresh = _rows(dealt[split][COPIES[split] :], rng)
        splits[split] = rng.sample(copies + fresh, len(dealt[split]))
    return splits


def csv_text(rows: Sequence[Row], annotated: bool) -> str:
    """`rows` in CMExam's published form, with its five annotation columns if `annotated`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS + tuple(ANNOTATION_COLUMNS) if annotated else COLUMNS)
    for row in rows:
        cells = [row.draft.stem, row.options, row.answer, row.explanation]
        writer.writerow(cells + [*row.draft.labels, str(row.draft.difficulty)] if annotated else cells)
    return text.getvalue()


def _rows(drafts: Sequence[Draft], rng: Random) -> list[Row]:
    """`drafts` with their options in an order that makes every letter right equally often."""
    counts: Counter[int] = Counter()
    orders: dict[int, tuple[Choice, ...]] = {}
    # Where the place of the right option is fixed it is counted first, so that the others even it out.
    for place in sorted(rng.sample(range(len(drafts)), len(drafts)), key=lambda i: _is_free(drafts[i])):
        order = _order(drafts[place], counts, rng)
        orders[place] = order
        chosen = [at for at, choice in enumerate(order) if choice.chosen]
        counts.update(chosen if len(chosen) == 1 else [])
    return [Row(draft, orders[i], explain(draft, orders[i], rng)) for i, draft in enumerate(drafts)]


def _order(draft: Draft, counts: Counter[int], rng: Random) -> tuple[Choice, ...]:
    movable = [choice for choice in draft.choices if choice.text != draft.last]
    fixed = [choice for choice in draft.choices if choice.text == draft.last]
    rng.shuffle(movable)
    if _is_free(draft):
        right = next(choice for choice in movable if choice.chosen)
        movable.remove(right)
        places = rng.sample(range(len(movable) + 1), len(movable) + 1)
        movable.insert(min(places, key=lambda place: counts[place]), right)
    return (*movable, *fixed)


def _is_free(draft: Draft) -> bool:
    """Whether one option is right and may stand at more than one place."""
    chosen = [choice for choice in draft.choices if choice.chosen]
    return len(chosen) == 1 and chosen[0].text != draft.last


def write_sample(folder: Path) -> Iterator[Path]:
    """Write the three files of the sample exam into `folder`, made if need be, and yield their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in make_rows().items():
        path = folder / SAMPLE_FILES[split]
        write_atomically(path, csv_text(rows, annotated=split == "test"))
        yield path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_FOLDER
    for written in write_sample(target):
        print(written)
