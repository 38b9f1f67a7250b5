"""Hypothesis strategies for exams and predictions, with the texts that files trip over."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, Predictions, Question
from cmexam_baseline.metrics.ragged import offsets_of

ANNOTATIONS = ["Disease Group", "Clinical Department", "Difficulty level"]

# Separators, quotes, line ends, option marks, formulas, escapes, wide and rare characters.
_TRICKY = st.sampled_from(
    list(",;\t\"'\\=+-@.:、：．（）()[]{}<>&|%#\n\r \u3000\u2003\u2028\ufeff")
    + ["\r\n", "\\n", "\nA ", "\nB ", "\nC. ", "A", "B", "Ｂ", "_x0041_"]
    + ["℃", "Ⅱ", "é", "e\u0301", "𠀀", "한"]
)
_PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffe\uffff"), max_size=6)
_CHINESE = st.text(st.sampled_from("下列关于维生素缺乏的叙述正确是治疗首选ABCDE012"), min_size=1, max_size=12)


def texts(min_size: int = 0) -> st.SearchStrategy[str]:
    """Texts of up to six pieces; with `min_size`, at least one character that is no blank."""
    joined = st.lists(st.one_of(_CHINESE, _TRICKY, _PLAIN), max_size=6).map("".join)
    # Semicolons after all options of a question separate them and are not read back.
    joined = joined.map(lambda text: f"{text}0" if text.rstrip().endswith((";", "；")) else text)
    return joined.filter(str.strip) if min_size else joined


def plain_texts() -> st.SearchStrategy[str]:
    """Option texts without line breaks and backslashes, as all published ones are."""
    return texts(min_size=1).map(lambda text: text.translate(dict.fromkeys(map(ord, "\n\r\\"), "、")))


@st.composite
def questions(draw: st.DrawFn, option_texts: st.SearchStrategy[str], names: list[str]) -> Question:
    """One answered question with two to eight options."""
    options = draw(st.lists(option_texts, min_size=2, max_size=8))
    letters = draw(st.lists(st.sampled_from("ABCDEFGH"[: len(options)]), min_size=1, unique=True))
    return Question(
        id="",
        question=draw(texts(min_size=1)),
        options=tuple(options),
        answer="".join(sorted(letters)),
        explanation=draw(texts()),
        annotations={name: draw(texts()) for name in names},
    )


@st.composite
def exams(
    draw: st.DrawFn, option_texts: st.SearchStrategy[str] | None = None, numbered: bool = False
) -> Exam:
    """Exams of one to five questions, named as rows of a file are or at random."""
    names = draw(st.lists(st.sampled_from(ANNOTATIONS), unique=True))
    options = plain_texts() if option_texts is None else option_texts
    rows = draw(st.lists(questions(options, names), min_size=1, max_size=5))
    ids = [f"val-{number}" for number in range(1, len(rows) + 1)]
    if not numbered and draw(st.booleans()):
        ids = draw(st.lists(texts(min_size=1), min_size=len(rows), max_size=len(rows), unique=True))
    named = [Question(name, *list(vars(row).values())[1:]) for name, row in zip(ids, rows, strict=True)]
    return Exam.from_questions(named)


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    """Predictions with and without probabilities and explanations, also unanswered ones."""
    n = draw(st.integers(1, 5))
    counts = draw(st.lists(st.integers(2, 8), min_size=n, max_size=n))
    ids = draw(st.lists(texts(min_size=1), min_size=n, max_size=n, unique=True))
    answers = [draw(st.integers(0, (1 << count) - 1)) for count in counts]
    with_scores, with_explanations = draw(st.booleans()), draw(st.booleans())
    probability = st.floats(0, 1, allow_nan=False)
    scores = draw(st.lists(probability, min_size=sum(counts), max_size=sum(counts))) if with_scores else None
    return Predictions(
        ids=ids,
        answers=np.array(answers, dtype=np.uint8),
        option_scores=None if scores is None else np.array(scores, dtype=np.float64),
        option_offsets=offsets_of(counts) if with_scores else None,
        explanations=[draw(texts()) for _ in range(n)] if with_explanations else None,
    )
