"""What one model answered to every question of an exam, in the exam's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import pieces
from cmexam_baseline.exam.letters import letters_to_masks
from cmexam_baseline.scoring.extractions import Extractions
from cmexam_baseline.scoring.outputs import SystemOutput
from cmexam_baseline.scoring.outputs.joining import Join, join
from cmexam_baseline.scoring.outputs.option_order import map_back
from cmexam_baseline.scoring.parallel import Workers

# No model repeats so many of the exam's explanations word for word.
THE_EXAMS_OWN = 0.9


@dataclass(frozen=True, eq=False)
class AlignedOutput:
    """One system's outputs beside the n questions of an exam.

    answers:       uint16 (n,) bit masks, 0 = missing, unread or no answer
    extractions:   how each answer was read, None where the file has no row for the question
    explanations:  n texts, None where there is none; or None where the system explains nothing
    option_scores: float64, a probability an option, flat by the exam's offsets, NaN where unknown; or None
    unmapped:      questions (0-based) whose letters could not be brought into the exam's order of options
    """

    name: str
    output: SystemOutput
    join: Join
    answers: NDArray[np.uint16]
    extractions: Extractions
    explanations: Sequence[str | None] | None
    option_scores: NDArray[np.float64] | None
    unmapped: list[int]

    def rule_counts(self) -> dict[str, int]:
        """How many answers each extraction rule read, the most used first; texts without an answer are ""."""
        return dict(Counter(self.extractions.rules()).most_common())

    @property
    def has_answers(self) -> bool:
        """Whether the file holds answers at all; one with explanations alone does not."""
        return self.output.replies is not None


class TextsByRow(Sequence[str | None]):
    """Texts of a file in the exam's order, looked up when they are asked for; None for no text or row.

    `part` selects from each text what counts.

    >>> TextsByRow(["甲", "乙", ""], np.array([1, -1, 2]))[:]
    ['乙', None, None]
    """

    def __init__(
        self, texts: Sequence[str | None], row_of: NDArray[np.int64], part: Callable[[str], str] | None = None
    ) -> None:
        self._texts, self._row_of, self._part = texts, row_of, part

    def __len__(self) -> int:
        return len(self._row_of)

    @overload
    def __getitem__(self, key: int) -> str | None: ...
    @overload
    def __getitem__(self, key: slice) -> list[str | None]: ...
    def __getitem__(self, key: int | slice) -> str | None | list[str | None]:
        if isinstance(key, slice):
            return [self._of_row(row) for row in self._row_of[key].tolist()]
        return self._of_row(int(self._row_of[key]))

    def _of_row(self, row: int) -> str | None:
        text = self._texts[row] if row >= 0 else None
        if not text:
            return None
        return self._part(text) if self._part else text


def script_explanation(reply: str) -> str:
    """What CMExam's evaluate_lora_result.py scores of a reply: the part behind a half-width 解释:, or else all of it.

    >>> script_explanation("B\\n解释: 缺乏维生素A"), script_explanation("B")
    ('缺乏维生素A', 'B')
    """
    return reply.split("解释:")[1].strip() if "解释:" in reply else reply


def align(exam: Exam, output: SystemOutput, workers: Workers | None = None) -> AlignedOutput:
    """Meet the exam, read the answers out of the replies, and bring all in the exam's order.

    Letters that were given to options in another order are mapped back by the options' texts. `workers` read
    the replies; None = this process. Raises `InputError` where the rows do not meet the exam.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from cmexam_baseline.scoring.outputs import read_outputs
    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> exam, file = sample_exam("val")[:2], Path(tempfile.mkdtemp()) / "qwen.csv"
    >>> _ = file.write_text("id,response\\nval-2,答案：B\\nval-1,选A\\n", "utf-8")
    >>> (output,) = read_outputs(file)
    >>> align(exam, output).answers.tolist()
    [1, 2]
    """
    met = join(exam, output.keys)
    output = _without_gold_explanations(exam, output, met)
    shown = _shown_options(exam, output, met)
    extractions = _read_replies(exam, output, met, shown, workers or Workers())
    answers, unmapped = _in_exam_order(exam, extractions, shown)
    return AlignedOutput(
        name=output.name,
        output=output,
        join=met,
        answers=answers,
        extractions=extractions,
        explanations=_explanations(output, met, extractions),
        option_scores=_option_scores(exam, output, met, shown),
        unmapped=unmapped,
    )


def _without_gold_explanations(exam: Exam, output: SystemOutput, met: Join) -> SystemOutput:
    """The output without explanations that are the exam's own, where the file may have taken them along."""
    if not output.recognition.explanation_may_be_gold or output.explanations is None:
        return output
    given = same = 0
    for question in met.matched.tolist():
        predicted = (output.explanations[int(met.row_of[question])] or "").strip()
        given += bool(predicted)
        same += bool(predicted) and predicted == exam.explanations[question].strip()
    if not given or same < THE_EXAMS_OWN * given:
        return output
    roles = {role: name for role, name in output.recognition.roles.items() if role != "explanation"}
    return replace(output, explanations=None, recognition=replace(output.recognition, roles=roles))


def _shown_options(exam: Exam, output: SystemOutput, met: Join) -> dict[int, list[str]]:
    """Question -> the options that the model saw, where the file says so and they differ from the exam's."""
    if output.keys.options is None:
        return {}
    shown = {}
    for question in met.matched.tolist():
        options = list(output.keys.options[int(met.row_of[question])])
        if len(options) > 1 and options != exam.options(question):
            shown[question] = options
    return shown


def _read_replies(
    exam: Exam, output: SystemOutput, met: Join, shown: dict[int, list[str]], workers: Workers
) -> Extractions:
    extractions = Extractions()
    for piece in pieces(len(exam)):
        rows = enumerate(met.row_of[piece].tolist(), piece.start)
        matched = [(question, row) for question, row in rows if row >= 0 and output.replies is not None]
        texts = [output.replies[row] for _, row in matched] if output.replies is not None else []
        options = [shown.get(question) or exam.options(question) for question, _ in matched]
        stems = [exam.questions[question] for question, _ in matched]
        read = workers.extract_all(texts, options, stems)
        found = dict(zip((question for question, _ in matched), read, strict=True))
        extractions.extend(map(found.get, range(piece.start, piece.stop)))
    return extractions


def _in_exam_order(
    exam: Exam, extractions: Extractions, shown: dict[int, list[str]]
) -> tuple[NDArray[np.uint16], list[int]]:
    answers = np.array(extractions.masks(), dtype=np.uint16)
    unmapped = []
    for question, options in shown.items():
        found = extractions[question]
        if found is None or found.letters is None:
            continue
        mapped = map_back(found.letters, options, exam.options(question)).letters
        if mapped is None:
            unmapped.append(question)
        answers[question] = letters_to_masks([mapped])[0]
    return answers, unmapped


def _explanations(output: SystemOutput, met: Join, extractions: Extractions) -> Sequence[str | None] | None:
    texts = output.explanations if output.explanations is not None else output.raw
    if texts is not None:
        return TextsByRow(texts, met.row_of)
    found = extractions.explanations()
    return TextsByRow(found, np.arange(len(found))) if any(found) else None


def _option_scores(
    exam: Exam, output: SystemOutput, met: Join, shown: dict[int, list[str]]
) -> NDArray[np.float64] | None:
    if output.probabilities is None:
        return None
    width = output.probabilities.shape[1]
    scores = np.full(len(exam.option_texts), np.nan)
    bounds = exam.option_offsets.tolist()
    for question in met.matched.tolist():
        # Probabilities of options in another order could not be told apart from the exam's own.
        if question in shown:
            continue
        row = output.probabilities[met.row_of[question]]
        count = bounds[question + 1] - bounds[question]
        if count > width or np.isfinite(row[count:]).any():
            raise InputError(
                f"{output.file}: probabilities for other options than the {count} of question "
                f"{exam.ids[question]!r}; give one a letter from probability_A on"
            )
        scores[bounds[question] : bounds[question + 1]] = row[:count]
    return scores if np.isfinite(scores).any() else None
