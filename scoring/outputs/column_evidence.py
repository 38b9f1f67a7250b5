"""What the content of a column shows, seen on rows whose question is known, and what its name says.

Content decides first; names decide where content leaves it open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, parse_letters
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.scoring.extraction import extract_all
from cmexam_baseline.scoring.outputs.answer_sets import index_mask
from cmexam_baseline.scoring.outputs.joining import map_back, same_options

# Rows that are looked at: letters cost nothing, texts are read by all rules.
SAMPLE, TEXT_SAMPLE = 300, 40
# A column is one of letters, numbers or texts if this share of its filled cells is.
MOST = 0.8
# Fewer rows than this say nothing about whether a column is the exam's.
FEW_ROWS = 10
# A column that agrees with the exam's answers this often is the exam's: no model is that good.
GOLD_AGREEMENT = 0.98
# The kind of `Evidence` of the exam's explanations that were cut or edited.
REPEATED = "explanation with small edits"
# The exam's answers are there for every question; a model may have left some out.
MOSTLY_FILLED = 0.9
# A column whose commonest value takes this share is constant.
CONSTANT = 0.95

# Of texts as long as this, one is part of the other where this percentage of the characters agrees.
_FEW_CHARACTERS, _NEARLY = 10, 90

_CIRCLED = re.compile("[①-⑩]")
_LETTER_OF_CIRCLED = {ord("①") + place: letter for place, letter in enumerate(LETTERS)}


@dataclass(frozen=True)
class Seen:
    """Rows to look at: their numbers and questions (0-based), and row -> the options as the model saw them."""

    exam: Exam
    rows: list[int]
    questions: list[int]
    shown: Mapping[int, list[str]]

    def options(self, place: int) -> list[str]:
        """The exam's options of the question of a place in `rows`."""
        return self.exam.options(self.questions[place])


def seen_rows(
    exam: Exam, question_of: NDArray[np.int64], shown: Mapping[int, list[str]], most: int = SAMPLE
) -> Seen:
    """Rows with a question, spread over the file."""
    matched = np.flatnonzero(question_of >= 0)
    rows = matched[:: _odd_step(len(matched), most)]
    return Seen(exam, rows.tolist(), question_of[rows].tolist(), shown)


def _odd_step(n: int, most: int) -> int:
    """The step at which n rows give at most `most`; an odd one meets every model where two or four take turns."""
    return max(1, -(-n // most)) | 1


@dataclass(frozen=True)
class Evidence:
    """What a column holds.

    kind:      "letters", "numbers", "text", "samples" (a list of replies a cell), "scores" (of options), "options",
               "question", "explanation" (the exam's own), `REPEATED`, "annotation" (the exam's own),
               "verdict", "constant", "empty"
    answers:   place in `Seen.rows` -> bit mask in the exam's order of options, 0 = none; numbers count from 0
    agreement: share of these places, as far as they are filled, whose answer is the exam's
    n:         number of filled places
    read:      share of the filled cells that hold an answer
    filled:    share of `Seen.rows` that are filled
    explained: whether most cells contain the exam's own explanation
    base:      0 or 1 where numbers agree with the exam's answers when counted from there
    fitting_base: 0 or 1 where more of the numbers are options when counted from there
    """

    kind: str
    answers: Mapping[int, int] = field(default_factory=dict)
    agreement: float = 0.0
    n: int = 0
    read: float = 0.0
    base: int | None = None
    fitting_base: int | None = None
    explained: bool = False
    filled: float = 1.0

    @property
    def is_gold(self) -> bool:
        """Whether the column is the exam's answers by its content."""
        # With the exam's explanation behind it, an answer that was misread is the exam's all the same.
        enough = MOST if self.explained else GOLD_AGREEMENT
        return self.n >= FEW_ROWS and self.agreement >= enough and self.filled >= MOSTLY_FILLED

    @property
    def is_unread(self) -> bool:
        """Whether the column holds texts in none of which an answer is read."""
        return self.kind in ("text", "samples") and self.n >= FEW_ROWS and not self.read

    def same_share(self, other: Evidence) -> float:
        """The share of the rows with the same answer, of those that were read in both."""
        both = self.answers.keys() & other.answers.keys()
        return sum(self.answers[place] == other.answers[place] for place in both) / len(both) if both else 0.0


def evidence_of(cells: Sequence[object], seen: Seen, read: bool = True) -> Evidence:
    """Look at one column.

    Without `read` answers are only read out of texts that contain the exam's explanations: it takes the extraction's
    rules, which are slow to import.
    """
    values = [cells[row] for row in seen.rows]
    filled = [place for place, value in enumerate(values) if value not in (None, "", []) and value == value]
    if not filled:
        return Evidence("empty")
    first = values[filled[0]]
    if isinstance(first, tuple):
        scores = {place: value for place, value in enumerate(values) if isinstance(value, tuple)}
        n_fitting = sum(len(value) == len(seen.options(place)) for place, value in scores.items())
        best = {place: best_option(value) for place, value in scores.items()}
        masks = {place: 0 if one is None else 1 << one for place, one in best.items()}
        found = _judged("scores", masks, seen) if n_fitting >= MOST * len(scores) else Evidence("other")
    elif isinstance(first, list):
        found = _of_lists(values, seen)
    else:
        found = _of_single_values(values, filled, seen, read)
    return replace(found, filled=len(filled) / len(values))


def _of_single_values(values: Sequence[object], filled: Sequence[int], seen: Seen, read: bool) -> Evidence:
    texts = [cell_text(value).strip() for value in values]

    def most(holds: Callable[[int], object]) -> bool:
        return sum(map(bool, map(holds, filled))) >= MOST * len(filled)

    own = _exams_own(texts, filled, seen)
    if own:
        return Evidence(own)
    if not read and _repeat_explanations(texts, filled, seen):
        return Evidence(REPEATED)
    masks = {place: letters_mask(texts[place], seen.options(place)) for place in filled}
    commonest = Counter(texts[place] for place in filled).most_common(1)[0][1]
    is_constant = commonest >= CONSTANT * len(filled) and len(filled) > 1
    if most(lambda place: masks[place] and not masks[place] >> len(seen.options(place))):
        found = _judged("letters", masks, seen)
        return replace(found, kind="constant") if is_constant else found
    if is_constant:
        return Evidence("constant")
    n_options = {place: len(seen.options(place)) for place in filled}
    if most(lambda place: any(index_mask(texts[place], n_options[place], base) for base in (0, 1))):
        return _of_numbers(texts, filled, seen)
    if isinstance(values[filled[0]], bool) or most(lambda place: texts[place].lower() in _VERDICTS):
        return Evidence("verdict")
    return _of_replies(texts, filled, seen, read)


_VERDICTS = {
    *("true", "false", "correct", "incorrect", "yes", "no", "right", "wrong"),
    *("正确", "错误", "对", "错", "c", "i"),
}


def _exams_own(texts: Sequence[str], filled: Sequence[int], seen: Seen) -> str:
    """Whether texts are the exam's own question, explanation or annotation, "" where they are neither."""
    few = filled[:TEXT_SAMPLE]
    own_columns = [("question", seen.exam.questions), ("explanation", seen.exam.explanations)]
    own_columns += [("annotation", cells) for cells in seen.exam.annotations.values() if len(set(cells)) > 1]
    for kind, values in own_columns:
        own = {place: values[seen.questions[place]].strip() for place in few}
        held = [place for place in few if own[place]]
        same = sum(texts[place] == own[place] for place in held)
        if held and len(held) >= len(few) / 2 and same >= 0.9 * len(held):
            return kind
    return ""


def _repeat_explanations(texts: Sequence[str], filled: Sequence[int], seen: Seen) -> bool:
    """Whether most texts are the exam's explanations, cut, with words around them, or in slightly other characters."""
    from rapidfuzz import fuzz  # slow to import
    from rapidfuzz.distance import LCSseq

    few = filled[:TEXT_SAMPLE]
    own = normalise_texts([seen.exam.explanations[seen.questions[place]] for place in few])
    pairs = zip(own, normalise_texts([texts[place] for place in few]), strict=True)
    # A few characters may well be the same.
    long = [(one, text) for one, text in pairs if len(one) >= _FEW_CHARACTERS]
    same = [
        fuzz.partial_ratio(one, text) >= _NEARLY
        or 2 * len(text) >= len(one) >= len(text)
        and 100 * LCSseq.similarity(one, text) >= _NEARLY * len(text)
        for one, text in long
        if len(text) >= min(len(one) / 2, 1.5 * _FEW_CHARACTERS)
    ]
    return len(long) >= len(few) / 2 and sum(same) >= MOST * len(long)


def best_option(scores: Sequence[float]) -> int | None:
    """The place of the highest score, None where there is no number."""
    known = [score for score in scores if score == score]
    return list(scores).index(max(known)) if known else None


def _of_lists(values: Sequence[object], seen: Seen) -> Evidence:
    lists = [list(map(cell_text, value if isinstance(value, list) else [value])) for value in values]
    n_same = sum(same_options(texts, seen.options(place)) for place, texts in enumerate(lists))
    if n_same >= MOST * len(lists):
        return Evidence("options")
    if are_letter_sets(lists):
        masks = {place: letters_mask("".join(texts)) for place, texts in enumerate(lists)}
        n_all = sum(mask == (1 << len(seen.options(place))) - 1 for place, mask in masks.items())
        return Evidence("options") if n_all >= MOST * len(lists) else _judged("letters", masks, seen)
    firsts = [texts[0] if texts else "" for texts in lists]
    found = _of_replies(firsts, [place for place, text in enumerate(firsts) if text], seen)
    return replace(found, kind="samples")


def are_letter_sets(lists: Iterable[Sequence[object]]) -> bool:
    """Whether lists are the letters of one answer each, not several replies: in order and without repetition."""
    texts = [[cell_text(item).strip() for item in items] for items in lists]
    short = all(len(text) <= 1 for each in texts for text in each)
    ordered = all(each == sorted(set(each)) for each in texts)
    return short and ordered and any(each != [""] and each for each in texts)


def _of_numbers(texts: Sequence[str], filled: Sequence[int], seen: Seen) -> Evidence:
    by_base = [
        _judged(
            "numbers",
            {place: index_mask(texts[place], len(seen.options(place)), base) for place in filled},
            seen,
        )
        for base in (0, 1)
    ]
    base = int(by_base[1].agreement > by_base[0].agreement)
    fitting = next((base for base in (0, 1) if by_base[base].read > by_base[1 - base].read), None)
    return replace(by_base[base], base=base if by_base[base].is_gold else None, fitting_base=fitting)


def _of_replies(texts: Sequence[str], filled: Sequence[int], seen: Seen, read: bool = True) -> Evidence:
    places = filled[:: _odd_step(len(filled), TEXT_SAMPLE)]
    explanations = {place: seen.exam.explanations[seen.questions[place]].strip() for place in places}
    own = [explanations[place] in texts[place] for place in places if explanations[place]]
    explained = bool(own) and sum(own) >= len(own) / 2
    if not read and not explained:
        return Evidence("text")
    shown = [seen.shown.get(seen.rows[place]) or seen.options(place) for place in places]
    found = extract_all([texts[place] for place in places], shown)
    masks = {place: each.mask for place, each in zip(places, found, strict=True)}
    return replace(_judged("text", masks, seen), explained=explained)


def _judged(kind: str, masks: Mapping[int, int], seen: Seen) -> Evidence:
    """Compare answers with the exam's, in the exam's order of options and as they are."""
    answers = dict(masks)
    for place, mask in masks.items():
        shown = seen.shown.get(seen.rows[place])
        if mask and shown is not None:
            answers[place] = map_back(mask, shown, seen.options(place))
    gold = {place: int(seen.exam.answers[seen.questions[place]]) for place in masks}
    n_same = max(sum(each[place] == gold[place] for place in masks) for each in (answers, masks))
    n = len(masks)
    return Evidence(kind, answers, n_same / max(n, 1), n, sum(map(bool, masks.values())) / max(n, 1))


def letters_mask(text: str, options: Sequence[str] = ()) -> int:
    """The bit mask of an answer cell, 0 where it holds more than letters.

    ① to ⑩ count as A to J unless the question's options hold such signs themselves.

    >>> letters_mask("A、C"), letters_mask("②"), letters_mask("②", ["①②", "①③"])
    (5, 2, 0)
    """
    if len(text) > 20:
        return 0
    if _CIRCLED.search(text) and not any(map(_CIRCLED.search, options)):
        text = text.translate(_LETTER_OF_CIRCLED)
    return parse_letters(text) or 0
