"""What the content of a column shows, seen on rows whose question is known."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.options_cell import parse_options
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, letters_to_mask, mask_to_letters, parse_letters
from cmexam_baseline.exam.normalise import normalise_text
from cmexam_baseline.scoring.extraction import extract_all
from cmexam_baseline.scoring.outputs.flatten import printed_value
from cmexam_baseline.scoring.outputs.option_order import map_back

# Rows that are looked at: letters cost nothing, texts are read by all rules.
SAMPLE, TEXT_SAMPLE = 300, 40
# A column is one of letters, numbers or texts if this share of its filled cells is.
MOST = 0.8
# Fewer rows than this say nothing about whether a column is the exam's.
FEW_ROWS = 10
# A column that agrees with the exam's answers this often is the exam's: no model is that good.
GOLD_AGREEMENT = 0.98
# The exam's answers are there for every question; a model may have left some out.
MOSTLY_FILLED = 0.9
# A column whose commonest value takes this share is constant.
CONSTANT = 0.95
# Texts of which fewer hold an answer are no replies, unless their name says so.
READABLE = 0.3
# Letters and field names around an option in a cell of options take no more characters than this.
_MARKUP = 24


@dataclass(frozen=True)
class Seen:
    """Rows to look at: their numbers, questions (0-based) and, where known, the options as the model saw them."""

    rows: list[int]
    questions: list[int]
    shown: dict[int, list[str]]

    def options(self, exam: Exam, row: int, question: int) -> list[str]:
        """The options of a row's question in the order in which the model saw them."""
        return self.shown.get(row) or exam.options(question)


@dataclass(frozen=True)
class Evidence:
    """What a column holds.

    kind:      "letters", "numbers", "text", "samples" (a list of replies a cell), "scores" (of options), "options",
               "question", "explanation" (the exam's own), "annotation" (the exam's own), "verdict", "constant", "empty"
    answers:   place in `Seen.rows` -> bit mask in the exam's order of options, 0 = none; numbers count from 0
    agreement: share of these places, as far as they are filled, whose answer is the exam's
    n:         number of filled places
    read:      share of the filled cells that hold an answer
    filled:    share of `Seen.rows` that are filled
    explained: whether most cells contain the exam's own explanation
    base:      0 or 1 where numbers agree with the exam's answers when counted from there
    """

    kind: str
    answers: Mapping[int, int] = field(default_factory=dict)
    agreement: float = 0.0
    n: int = 0
    read: float = 0.0
    base: int | None = None
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
        return self.kind == "text" and self.n >= FEW_ROWS and not self.read


def same_share(first: Evidence, second: Evidence) -> float:
    """The share of the rows with the same answer, of those that were read in both."""
    both = first.answers.keys() & second.answers.keys()
    return sum(first.answers[place] == second.answers[place] for place in both) / len(both) if both else 0.0


def seen_rows(question_of: NDArray[np.int64], shown: Mapping[int, list[str]], most: int = SAMPLE) -> Seen:
    """Rows with a question, spread over the file."""
    matched = np.flatnonzero(question_of >= 0)
    rows = matched[:: max(1, -(-len(matched) // most))].tolist()
    return Seen(rows, question_of[rows].tolist(), {row: shown[row] for row in rows if row in shown})


def evidence_of(exam: Exam, cells: Sequence[object], seen: Seen) -> Evidence:
    """Look at one column.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> exam = sample_exam("val")[:20]
    >>> seen = seen_rows(np.arange(20), {})
    >>> evidence_of(exam, exam.letters(), seen).is_gold, evidence_of(exam, ["A1"] * 20, seen).kind
    (True, 'constant')
    """
    values = [cells[row] for row in seen.rows]
    filled = [place for place, value in enumerate(values) if value not in (None, "", []) and value == value]
    if not filled:
        return Evidence("empty")
    return replace(_of_filled(exam, values, filled, seen), filled=len(filled) / len(values))


def _of_filled(exam: Exam, values: Sequence[object], filled: Sequence[int], seen: Seen) -> Evidence:
    first = values[filled[0]]
    if isinstance(first, tuple):
        return _of_scores(exam, values, seen)
    if isinstance(first, list):
        return _of_lists(exam, values, seen)
    texts = [cell_text(value).strip() for value in values]
    own = _exams_own(exam, texts, filled, seen)
    if own:
        return Evidence(own)
    commonest = Counter(texts[place] for place in filled).most_common(1)[0][1]
    is_constant = commonest >= CONSTANT * len(filled) and len(filled) > 1
    if (
        _share(filled, lambda place: _letters_fit(texts[place], len(exam.options(seen.questions[place]))))
        >= MOST
    ):
        found = _judged("letters", exam, {place: _letters(texts[place]) for place in filled}, seen)
        return replace(found, kind="constant") if is_constant else found
    if is_constant:
        return Evidence("constant")
    if _share(filled, lambda place: texts[place].isdecimal() and len(texts[place]) == 1) >= MOST:
        return _of_numbers(exam, texts, seen, filled)
    if isinstance(first, bool) or _share(filled, lambda place: texts[place].lower() in _VERDICTS) >= MOST:
        return Evidence("verdict")
    return _of_texts(exam, texts, seen, filled)


_VERDICTS = {
    "true",
    "false",
    "correct",
    "incorrect",
    "yes",
    "no",
    "right",
    "wrong",
    "正确",
    "错误",
    "对",
    "错",
    "c",
    "i",
}


def is_verdict_on(values: Sequence[object], answer: Evidence, exam: Exam, seen: Seen) -> bool:
    """Whether a column of few values tells for every row no more than whether `answer` is right."""
    by_value: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for place, question in enumerate(seen.questions):
        text = cell_text(values[seen.rows[place]]).strip()
        if place in answer.answers:
            by_value[answer.answers[place] == int(exam.answers[question])][text] += 1
    right, wrong = (by_value[key].most_common(1) for key in (True, False))
    if len(answer.answers) < FEW_ROWS or not right or not wrong or right[0][0] == wrong[0][0]:
        return False
    return right[0][1] + wrong[0][1] >= GOLD_AGREEMENT * len(answer.answers)


def option_lists(
    exam: Exam, cells: Sequence[object], question_of: NDArray[np.int64]
) -> list[list[str]] | None:
    """The options of every row, if a column holds those of its question in any order; else None.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> exam = sample_exam("val")[:2]
    >>> option_lists(exam, [exam.options(row)[::-1] for row in range(2)], np.arange(2))[0] == exam.options(0)[::-1]
    True
    """
    seen = seen_rows(question_of, {}, most=TEXT_SAMPLE)
    filled = agreeing = 0
    for row, question in zip(seen.rows, seen.questions, strict=True):
        texts = option_texts(cells[row])
        filled += bool(texts)
        agreeing += bool(texts) and _same_options(texts, exam.options(question))
    if filled and agreeing >= filled / 2:
        return [option_texts(cell) for cell in cells]
    found = [_in_order(cells[row], exam.options(q)) for row, q in zip(seen.rows, seen.questions, strict=True)]
    if not found or sum(map(bool, found)) < MOST * len(found):
        return None
    pairs = zip(cells, question_of.tolist(), strict=True)
    return [[] if question < 0 else _in_order(cell, exam.options(question)) for cell, question in pairs]


def _in_order(cell: object, options: Sequence[str]) -> list[str]:
    """The options in the order in which a cell of any form holds them; [] where it holds more than options.

    >>> _in_order("<b>二</b><br>一一", ["一一", "二"])
    ['二', '一一']
    """
    rest = cell if isinstance(cell, str) else str(cell)
    found = []
    for option in sorted(options, key=len, reverse=True):
        start = rest.find(option)
        if start < 0 or option.isascii() and len(option) < 3:
            return []
        rest = rest[:start] + "\0" * len(option) + rest[start + len(option) :]
        found.append((start, option))
    words = re.findall(r"[^\W_]", rest)
    foreign = any(not word.isascii() and unicodedata.category(word) != "No" for word in words)
    return [] if foreign or len(words) > _MARKUP * len(options) else [option for _, option in sorted(found)]


def option_texts(cell: object) -> list[str]:
    """The option texts of a cell, [] where it holds none."""
    if isinstance(cell, list):
        return parse_options(cell) if all(isinstance(item, str) for item in cell) else []
    if not isinstance(cell, str):
        return []
    literal = _literal(cell.strip())
    if literal is not None:
        return literal
    parsed = parse_options(cell)
    if parsed:
        return parsed
    parts = [part.strip() for part in re.split(r"\s*[|｜]\s*", cell.strip()) if part.strip()]
    if len(parts) > 1:
        return parse_options("\n".join(parts)) or parts
    lines = [line.strip() for line in cell.splitlines() if line.strip()]
    return lines if len(lines) > 1 else []


def _literal(text: str) -> list[str] | None:
    """The texts of a list, or of an object keyed by letters, written into a cell as JSON or as Python prints it."""
    value = printed_value(text)
    if isinstance(value, dict):
        keys = [str(key).strip().upper() for key in value]
        value = list(value.values()) if keys == list(LETTERS[: len(keys)]) else None
    if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
        return None
    texts = [cell_text(item) for item in value]
    return parse_options(texts) or texts


def _same_options(shown: Sequence[str], options: Sequence[str]) -> bool:
    return {normalise_text(text) for text in shown} == {normalise_text(text) for text in options}


def _exams_own(exam: Exam, texts: Sequence[str], filled: Sequence[int], seen: Seen) -> str:
    """Whether texts are the exam's own question, explanation or annotation, "" where they are neither."""
    few = filled[:TEXT_SAMPLE]
    pairs = {
        "question": exam.questions,
        "explanation": exam.explanations,
        **{f"annotation {name}": values for name, values in exam.annotations.items()},
    }
    for name, values in pairs.items():
        long_enough = name == "question" or name == "explanation" or len(set(values)) > 1
        own = [place for place in few if values[seen.questions[place]].strip()]
        same = sum(texts[place] == values[seen.questions[place]].strip() for place in own)
        if long_enough and own and len(own) >= len(few) / 2 and same >= 0.9 * len(own):
            return name.split()[0]
    return ""


def _of_scores(exam: Exam, values: Sequence[object], seen: Seen) -> Evidence:
    scores = {place: value for place, value in enumerate(values) if isinstance(value, tuple)}
    fitting = [
        place for place, value in scores.items() if len(value) == len(exam.options(seen.questions[place]))
    ]
    if len(fitting) < MOST * len(scores):
        return Evidence("other")
    best = {place: best_option(value) for place, value in scores.items()}
    return _judged(
        "scores", exam, {place: 0 if one is None else 1 << one for place, one in best.items()}, seen
    )


def best_option(scores: Sequence[float]) -> int | None:
    """The place of the highest score, None where there is no number.

    >>> best_option((-3.0, -0.5, -2.0))
    1
    """
    known = [score for score in scores if score == score]
    return list(scores).index(max(known)) if known else None


def _of_lists(exam: Exam, values: Sequence[object], seen: Seen) -> Evidence:
    lists = [value if isinstance(value, list) else [value] for value in values]
    n_same = sum(
        _same_options(list(map(cell_text, texts)), exam.options(question))
        for texts, question in zip(lists, seen.questions, strict=True)
    )
    if n_same >= MOST * len(lists):
        return Evidence("options")
    if are_letter_sets(lists):
        masks = {place: _letters("".join(map(cell_text, texts))) for place, texts in enumerate(lists)}
        return _judged("letters", exam, masks, seen)
    firsts = [cell_text(texts[0]) if texts else "" for texts in lists]
    found = _of_texts(exam, firsts, seen, [place for place, text in enumerate(firsts) if text])
    return replace(found, kind="samples")


def are_letter_sets(lists: Iterable[Sequence[object]]) -> bool:
    """Whether lists are the letters of one answer each, not several replies: in order and without repetition.

    >>> are_letter_sets([["A"], ["A", "C"]]), are_letter_sets([["A", "A", "C"], ["B", "A", "B"]])
    (True, False)
    """
    texts = [[cell_text(item).strip() for item in items] for items in lists]
    short = all(len(text) <= 1 for each in texts for text in each)
    ordered = all(each == sorted(set(each)) for each in texts)
    return short and ordered and any(each != [""] and each for each in texts)


def _of_numbers(exam: Exam, texts: Sequence[str], seen: Seen, filled: Sequence[int]) -> Evidence:
    found = []
    for base in (0, 1):
        masks = {
            place: 1 << int(texts[place]) - base if _is_at_least(texts[place], base) else 0
            for place in filled
        }
        found.append(_judged("numbers", exam, masks, seen))
    best = max(found, key=lambda each: each.agreement)
    return replace(best, base=found.index(best) if best.is_gold else None)


def _is_at_least(text: str, base: int) -> bool:
    return text.isdecimal() and len(text) < 3 and int(text) >= base


def _of_texts(exam: Exam, texts: Sequence[str], seen: Seen, filled: Sequence[int]) -> Evidence:
    places = filled[:: max(1, -(-len(filled) // TEXT_SAMPLE))]
    options = [seen.options(exam, seen.rows[place], seen.questions[place]) for place in places]
    read = extract_all([texts[place] for place in places], options)
    masks = {place: found.mask for place, found in zip(places, read, strict=True)}
    own = [place for place in places if exam.explanations[seen.questions[place]].strip()]
    n_own = sum(exam.explanations[seen.questions[place]].strip() in texts[place] for place in own)
    return replace(_judged("text", exam, masks, seen), explained=bool(own) and n_own >= len(own) / 2)


def _judged(kind: str, exam: Exam, masks: Mapping[int, int], seen: Seen) -> Evidence:
    """Compare answers with the exam's, in the exam's order of options and as they are."""
    answers = dict(masks)
    for place, mask in masks.items():
        row = seen.rows[place]
        if mask and row in seen.shown:
            answers[place] = mapped_mask(mask, seen.shown[row], exam.options(seen.questions[place]))
    gold = {place: int(exam.answers[seen.questions[place]]) for place in masks}
    n = len(masks)
    if not n:
        return Evidence(kind)
    agreement = max(sum(each[place] == gold[place] for place in masks) / n for each in (answers, masks))
    return Evidence(kind, answers, agreement, n, sum(map(bool, masks.values())) / n)


def mapped_mask(mask: int, shown: Sequence[str], options: Sequence[str]) -> int:
    """A bit mask over the options as shown as one over the exam's; 0 where it cannot be mapped."""
    letters = map_back(mask_to_letters(mask), shown, options).letters
    return letters_to_mask(letters) if letters else 0


def _letters_fit(text: str, n_options: int) -> bool:
    mask = _letters(text)
    return bool(mask) and not mask >> n_options


def _letters(text: str) -> int:
    return (parse_letters(text) or 0) if len(text) <= 20 else 0


def _share(places: Sequence[int], holds: Callable[[int], bool]) -> float:
    return sum(holds(place) for place in places) / len(places)
