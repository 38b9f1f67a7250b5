"""What `score` and `compare` say of the files they read, and what was read out of every reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cmexam_baseline.cli.console import sanitize
from cmexam_baseline.scoring.extraction import RULES
from cmexam_baseline.scoring.report_data import remarks_of

if TYPE_CHECKING:
    from cmexam_baseline.scoring import AlignedOutput, Report

EXAMPLES = 3
SHOWN_EXTRACTION = 60


def say_what_was_read(notes: Console, scored: Report) -> None:
    """Which columns were taken for what, how the rows met the exam, and what was left out."""
    if scored.source.n_left_out:
        notes.print(
            sanitize(f"{scored.source.path}: {scored.source.n_left_out} rows left out of the exam"),
            style="dim",
        )
    shown: set[str] = set()
    for system in scored.systems:
        aligned = system.aligned
        found = aligned.output.recognition
        # The systems of a wide file share their columns and their rows.
        lines = [found.describe(), f"  {_join(aligned, scored)}"]
        lines += [f"  left aside: {found.describe_left_aside()}"] if found.left_aside else []
        lines += [f"  {remark}" for remark in remarks_of(system)]
        for line in lines:
            line = line if line.startswith(" ") else f"{aligned.output.file}: {line}"
            if f"{aligned.output.file}\0{line}" not in shown:
                shown.add(f"{aligned.output.file}\0{line}")
                notes.print(sanitize(line), style="dim")
        rules = aligned.rule_counts() if aligned.has_answers else {}
        if set(rules) - {"letters", ""}:
            counted = ", ".join(f"{rule or 'no answer'} {count}" for rule, count in rules.items())
            notes.print(sanitize(f"  {system.name} read by: {counted}"), style="dim")


def show_extractions(output: Console, scored: Report) -> None:
    """What was read out of every reply, by which rule, from which words, and what was overruled."""
    if scored.exam is None:
        return
    rules: set[str] = set()
    for system in scored.systems:
        table = Table(title=sanitize(system.name), title_justify="left")
        for heading in ("id", "letters", "rule", "span", "read from", "overruled"):
            table.add_column(heading)
        replies = system.aligned.output.replies or []
        for question in system.aligned.matched.tolist():
            found = system.aligned.extractions[question]
            if found is None:
                continue
            reply = replies[int(system.aligned.row_of[question])]
            words = reply[slice(*found.span)] if found.span else ""
            span = "–".join(map(str, found.span)) if found.span else ""
            id_ = scored.exam.ids[question]
            overruled = "; ".join(
                f"{other.letters or 'no answer'} by {other.rule} {other.span[0]}–{other.span[1]}"
                for other in found.overruled
            )
            read_from = words[:SHOWN_EXTRACTION]
            cells = (id_, found.letters or "–", found.rule or "–", span, read_from, overruled)
            rules.add(found.rule)
            table.add_row(*map(sanitize, cells))
        output.print(table)
    for rule in RULES.values():
        if rule.name in rules:
            output.print(sanitize(f"{rule.name}: {rule.description}"), soft_wrap=True)


def _join(aligned: AlignedOutput, scored: Report) -> str:
    file_rows = aligned.output.rows
    duplicates, extra = (
        [f"row {file_rows[row]}" for row in rows] for rows in (aligned.duplicates, aligned.extra)
    )
    missing, by_order, unmapped = (
        [] if scored.exam is None else [scored.exam.ids[row] for row in rows]
        for rows in (aligned.missing.tolist(), aligned.output.join.by_order, aligned.unmapped)
    )
    parts = [
        _counted(missing, "questions without a row"),
        _counted(duplicates, "duplicate rows that do not count"),
        _counted(extra, "rows of no question"),
        _counted(by_order, "questions told apart by order alone"),
        _counted(
            [f"row {row}: {problem}" for row, problem in aligned.output.damaged.items()],
            "damaged rows left out",
        ),
        _counted(unmapped, "answers that fit no option of the exam"),
    ]
    return "; ".join(
        [f"matched by {aligned.output.join.by}: {len(aligned.matched)} questions", *filter(None, parts)]
    )


def _counted(names: Sequence[str], what: str) -> str:
    if not names:
        return ""
    more = ", …" if len(names) > EXAMPLES else ""
    return f"{len(names)} {what} ({', '.join(names[:EXAMPLES])}{more})"
