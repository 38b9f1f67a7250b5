"""What `train --extra-train` prints of the questions that joined the training split."""

from __future__ import annotations

from rich.console import Console

from cmexam_baseline.baselines.extra_training import JoinedExam
from cmexam_baseline.cli.console import sanitize


def say_extra(console: Console, joined: JoinedExam) -> None:
    """A line for each source: how many of its questions joined and how many stayed out, and why."""
    reasons = {
        "excluded_val": "overlap with val",
        "excluded_test": "overlap with test",
        "excluded_train": "stand in train",
        "excluded_other": "stand in an earlier file",
    }
    for source, counts in joined.counts().items():
        out = [f"{counts[name]:,} {why}" for name, why in reasons.items() if counts.get(name)]
        left = f"; left out: {', '.join(out)}" if out else ""
        console.print(f"{sanitize(source)}: {counts['joined']:,} questions join the training questions{left}")
