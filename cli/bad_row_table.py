"""What commands print of the rows that were read: those left out, those that joined the training questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cmexam_baseline.baselines.extra_training import JoinedExam
from cmexam_baseline.cli.console import sanitize
from cmexam_baseline.exam import BadRow
from cmexam_baseline.exam.bad_rows import count_left_out
from cmexam_baseline.exam.splits import Split

SHOWN_BAD_ROWS = 10


def say_bad_rows(console: Console, splits: Mapping[str, Split]) -> None:
    """Print a table of the rows that were left out or look wrong, and how many there are of each."""
    rows = [row for split in splits.values() for row in split.bad_rows]
    if not rows:
        return
    left_out = count_left_out(rows)
    kept = len({(row.file, row.row) for row in rows}) - left_out
    console.print(f"{left_out} rows left out, {kept} kept with a remark:")
    # What is left out matters more than what is only remarked on.
    rows.sort(key=lambda row: not row.left_out)
    console.print(bad_row_table(rows[:SHOWN_BAD_ROWS]))
    if len(rows) > SHOWN_BAD_ROWS:
        console.print(f"… and {len(rows) - SHOWN_BAD_ROWS} more; `cmexam-baseline data check` lists all")


def bad_row_table(rows: Sequence[BadRow]) -> Table:
    """File, row, reason and an excerpt of every row that is given."""
    table = Table(box=None, header_style="bold")
    for name in ("file", "row", "left out", "reason", "excerpt"):
        table.add_column(name, justify="right" if name == "row" else "left")
    for row in rows:
        table.add_row(
            sanitize(Path(row.file).name),
            str(row.row),
            "yes" if row.left_out else "",
            sanitize(row.reason),
            sanitize(row.excerpt),
        )
    return table


def say_extra(console: Console, joined: JoinedExam | None) -> None:
    """A line per exam that joined the training questions: how many of its questions did, how many did not, and why."""
    reasons = {
        "excluded_val": "overlap with val",
        "excluded_test": "overlap with test",
        "excluded_train": "occur in train",
        "excluded_other": "occur in an earlier file",
    }
    for source, counts in joined.counts().items() if joined is not None else ():
        out = [f"{counts[name]:,} {why}" for name, why in reasons.items() if counts.get(name)]
        left = f"; left out: {', '.join(out)}" if out else ""
        console.print(f"{sanitize(source)}: {counts['joined']:,} questions join the training questions{left}")
