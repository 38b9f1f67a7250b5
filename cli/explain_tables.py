"""The reasons for an answer, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from cmexam_baseline.cli.console import new_table, sanitize
from cmexam_baseline.exam import Question
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.features.attribution import Evidence, OptionAttribution
from cmexam_baseline.features.corpus_index import Passage

_LONGEST = 60


def as_dict(
    question: Question, answer: str, found: Sequence[OptionAttribution], alone: str = ""
) -> dict[str, Any]:
    """The question, its predicted and true answer, and the reasons by letter; as `show`."""
    return {
        "id": question.id,
        "question": question.question,
        "answer": question.answer,
        "predicted": answer,
        **({"predicted_by_lightgbm": alone} if alone else {}),
        "options": {
            letter: {"text": text, **asdict(reasons)}
            for letter, text, reasons in zip(LETTERS, question.options, found, strict=False)
        },
    }


def show(
    console: Console, question: Question, answer: str, found: Sequence[OptionAttribution], alone: str = ""
) -> None:
    """A table of the options, one of the deciding features and one of the evidence.

    alone: the answer of LightGBM where these explain it alone, and the model's is that of more
    """
    known = f", right is {question.answer}" if question.answer else ""
    console.print(f"[bold]{sanitize(question.id)}[/bold] {sanitize(question.question)}")
    console.print(f"predicted {answer}{known}")
    if alone:
        console.print(f"explained below: LightGBM, which alone answers {alone}; not the encoder's part")
    options = list(zip(LETTERS, question.options, found, strict=False))
    scores = new_table(("", "option", "probability"), ("", "option"), "Options")
    features = new_table(("", "feature", "value", "logit"), ("", "feature"), "Features that decided")
    left = ("", "from", "what it says")
    evidence = new_table((*left, "like stem", "like option"), left, "Evidence")
    for letter, text, reasons in options:
        style = "bold" if letter in answer else None
        scores.add_row(letter, sanitize(text), f"{reasons.score:.3f}", style=style)
        features.add_row(letter, "start", "", f"{reasons.start:+.2f}", style="dim")
        for one in reasons.features:
            features.add_row("", one.feature, f"{one.value:.3g}", f"{one.contribution:+.2f}")
        evidence.add_section()
        pieces: list[Evidence | Passage] = [*reasons.questions, *reasons.sentences, *reasons.passages]
        for number, piece in enumerate(pieces):
            evidence.add_row("" if number else letter, *_cells(piece))
        if not pieces:
            evidence.add_row(letter, "–", "no evidence for this option", "", "")
    for table in (scores, features, evidence):
        console.print(table)


def _cells(piece: Evidence | Passage) -> tuple[str, str, str, str]:
    if isinstance(piece, Passage):
        where, text = "\n".join(filter(None, [Path(piece.source).name, piece.heading])), piece.text
    else:
        where, text = piece.id, piece.text if len(piece.text) <= _LONGEST else f"{piece.text[:_LONGEST]}…"
        text += f"\n{piece.verdict}: {piece.option}" if piece.verdict else ""
    return sanitize(where), sanitize(text), f"{piece.like_stem:.2f}", f"{piece.like_option:.2f}"
