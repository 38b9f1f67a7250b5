"""The columns that tell the question of every row and the options that the model saw, and what is found by them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import takewhile

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice, Columns
from cmexam_baseline.scoring.outputs.column_evidence import (
    MOST,
    TEXT_SAMPLE,
    letters_mask,
)
from cmexam_baseline.scoring.outputs.column_names import (
    first_of_role,
    is_called,
    leaf_key,
    name_rank,
    owner_of,
    standing_of,
)
from cmexam_baseline.scoring.outputs.joining import (
    ENOUGH_STEMS,
    Join,
    JoinKeys,
    Places,
    Stems,
    join,
)
from cmexam_baseline.scoring.outputs.recognition import Recognition
from cmexam_baseline.scoring.outputs.row_ids import count_up, numbers_of, plain_id, position_base
from cmexam_baseline.scoring.outputs.shown_options import find_options, stems_of_prompts

# Columns of a letter each, compared in lower case.
_PROBABILITY = re.compile(
    r"(?P<kind>(?:log[ _\-]?)?(?:probability|prob|p|概率)|log[ _\-]?likelihood|ll|lp)[ _\-.]?(?P<letter>[a-j])"
)
# Names of numbers that tell samples apart where they count up.
_COUNTS = re.compile(
    r"sampl|ind(e|ic)|idx|^(id|no|i|j|n|k)$|num|count|gen|choice|candidate|request|repl|rep$|try|copy|pass|round|order|序|次"
)
# Names of prompts, also where they tell the model that got them.
_PROMPTS = re.compile(
    r"^(text|content)$|prompt|input|question|query|request|(?<!sy)stem|instruction|message|题|问|指令"
)


def locate(
    exam: Exam, stems: Stems, flat: Columns, choice: ColumnChoice, places: Places, file: str
) -> tuple[Recognition, Join, dict[int, list[str]]]:
    """The columns that tell the question of every row, the questions, and row -> the options that the model saw.

    Options are only told where they are not the exam's, in its order. Raises `InputError` where the rows do not match
    the exam.
    """
    model = find_model_column(flat, choice)
    roles = {"id": find_id_column(exam, places, flat, choice, model)}
    by_id = choice.id is not None and choice.question is None
    question = None if by_id else find_question_column(stems, flat, choice)
    # A column of the model's that repeats the questions remains the model's, and tells the rows where no ids do.
    models = question is not None and choice.question is None and repeats_questions(question)
    roles |= {"question": None if models else question, "model": model, "reference": choice.reference}
    apart = [texts_of_column(flat[name]) for name in (model, first_of_role("sample", flat)) if name]
    groups = list(map("\0".join, zip(*apart, strict=True))) if apart else None
    ids = None if roles["id"] is None else texts_of_column(flat[roles["id"]])
    if models and ids is not None and set(map(plain_id, ids)) <= set(map(plain_id, exam.ids)):
        question = None
    questions = None if question is None else stems_of_prompts(texts_of_column(flat[question]))
    keys = JoinKeys(len(next(iter(flat.values()), [])), ids, questions, None, groups, roles["id"])
    try:
        met = join(exam, keys, places, stems)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    if met.by == "position" and choice.id is None and ids is not None:
        _refuse_other_positions(flat, roles["id"] or "", ids, places, file)
    prompt = find_question_column(stems, flat, choice) if by_id else roles["question"]
    prompt = None if prompt and by_id and repeats_questions(prompt) else prompt
    prompts = None if prompt is None else (prompt, texts_of_column(flat[prompt]))
    # A reply may restate all options, each with a verdict.
    replies = {name for name in flat if repeats_questions(name) and not isinstance(flat[name][0], list)}
    seen = find_options(exam, flat, choice, met, prompts, replies)
    roles["options"] = seen.column
    if seen.rows is not None and met.by_order:
        met = join(exam, replace(keys, options=seen.rows), places, stems)
    known = Recognition(
        {role: column for role, column in roles.items() if column is not None},
        option_columns=seen.columns,
        probabilities=probability_columns(flat),
        by_order=met.by in ("row number", "position"),
        left_aside=seen.rejected,
        remarks=[*met.remarks, *seen.remarks],
    )
    shown = {
        row: texts
        for row, (question, texts) in enumerate(zip(met.question_of.tolist(), seen.rows or (), strict=False))
        if question >= 0 and len(texts) > 1 and texts != exam.options(question)
    }
    return known, met, shown


def _refuse_other_positions(
    columns: Columns, id_column: str, ids: Sequence[str], places: Places, file: str
) -> None:
    """Raise `InputError` where another column numbers all rows of the exam, too, and in another order."""
    numbers = numbers_of(list(map(plain_id, ids))) or []
    first = min(numbers, default=0)
    order = [number - first for number in numbers]
    counted = list(range(places.n))  # by pandas, which says nothing beside a shuffled column of ids
    if sorted(order) != counted:
        return
    for name, cells in columns.items():
        others = list(takewhile(str.isdecimal, map(plain_id, map(cell_text, cells))))
        if name == id_column or not others or len(others) < len(cells):
            continue
        base = position_base(list(map(int, others)), places.n)
        other = [int(number) - (base or 0) for number in others]
        if base is not None and other not in (order, counted) and sorted(other) == counted:
            raise InputError(
                f"{file}: {id_column} and {name} both number the exam's rows, in different orders; choose with "
                f"`id_column={id_column!r}` or `id_column={name!r}`"
            )


def find_question_column(stems: Stems, columns: Columns, chosen: ColumnChoice) -> str | None:
    """The column whose cells are, or hold, questions of the exam; else one whose name says so."""
    if chosen.question is not None:
        return chosen.question
    found: dict[str, tuple[float, bool, int, int]] = {}
    for name, cells in columns.items():
        sample = _sample(cells)
        texts = [cell for cell in sample if isinstance(cell, str) and len(cell.strip()) > 1]
        if not texts or len(texts) < len(sample) / 2 or len(set(texts)) == 1 < len(texts):
            continue
        inside, whole = stems.shares(texts)
        if inside >= ENOUGH_STEMS:
            # A cell that is the stem tells more than a prompt, and a prompt more than a reply that repeats it.
            rank = -name_rank("question", name)
            found[name] = (round(whole, 1), not repeats_questions(name), rank, -len("".join(texts)))
    if found:
        return max(found, key=found.__getitem__)
    return first_of_role("question", [name for name in columns if _may_be_questions(name, columns)])


def repeats_questions(name: str) -> bool:
    """Whether a column that holds questions is, by its name, the model's, which repeats them before it answers.

    >>> [repeats_questions(name) for name in ("explanation", "gpt-4", "content", "gpt-4_prompt")]
    [True, True, False, False]
    """
    if _PROMPTS.search(leaf_key(name)):
        return False
    return bool(owner_of(name)) or any(is_called(role, name) for role in ("answer", "raw", "explanation"))


def _may_be_questions(name: str, columns: Columns) -> bool:
    texts = [cell for cell in _sample(columns[name]) if isinstance(cell, str)]
    distinct = len(set(texts)) >= len(texts) / 2 and sum(map(len, texts)) > 8 * len(texts)
    return bool(texts) and distinct and standing_of(name) != 3


def find_id_column(
    exam: Exam, places: Places, columns: Columns, chosen: ColumnChoice, model: str | None
) -> str | None:
    """The column of ids that fits the exam best: its ids, else positions, else one that is called an id."""
    if chosen.id is not None:
        return chosen.id
    known = {plain_id(name) for name in exam.ids}
    groups = None if model is None else texts_of_column(columns[model])
    found: dict[str, tuple[int, int]] = {}
    for name, cells in columns.items():
        if name == model:
            continue
        is_id = is_called("id", name)
        sample = [cell for cell in _sample(cells) if isinstance(cell, str | int | float)]
        few = [plain_id(text) for text in map(cell_text, sample) if text.strip()]
        if not few or isinstance(sample[0], bool) or max(map(len, few)) > 200:
            continue
        if not is_id and not all(value.isdecimal() for value in few) and not known.intersection(few):
            continue
        quality, n_distinct = _fit_of_ids(cells, groups, known, places)
        unnamed_fits = quality >= 2 and n_distinct >= 0.9 * len(cells)
        if unnamed_fits or (is_id and (n_distinct > 1 or len(cells) == 1)):
            found[name] = (quality, -name_rank("id", name))
    return max(found, key=found.__getitem__, default=None)


def _fit_of_ids(
    cells: Sequence[object], groups: Sequence[str] | None, known: set[str], places: Places
) -> tuple[int, int]:
    """How well cells fit as ids (3: the exam's own, 2: positions, 1: half of them fit, 0), and how many differ."""
    ids = [plain_id(cell_text(cell)) for cell in cells]
    n_known = sum(value in known for value in ids)
    n_distinct = len(set(ids)) if groups is None else len(set(zip(ids, groups, strict=True)))
    if n_known == len(ids):
        return 3, n_distinct
    numbers = numbers_of(ids) if all(map(str.isdecimal, ids)) else None
    if numbers is not None and position_base(numbers, places.n) is not None:
        return 2, n_distinct
    return (2 if n_known >= MOST * len(ids) else 1 if n_known >= ENOUGH_STEMS * len(ids) else 0), n_distinct


def find_model_column(columns: Columns, chosen: ColumnChoice) -> str | None:
    """The column that names the model of every row, where there are several."""
    if chosen.model is not None:
        return chosen.model
    called = [name for name in columns if is_called("model", name)]
    for name in sorted(called, key=lambda name: name_rank("model", name)):
        values = {cell_text(cell).strip() for cell in columns[name]}
        few = "" not in values and 1 < len(values) <= max(2, len(columns[name]) / 3)
        # They may be answers instead: sentences, or letters from more than a few options.
        sentences = sum(bool(re.search(r"[。！？，；：\n]|[.!?]$", value)) for value in values)
        are_replies = sentences > len(values) / 2 or (len(values) > 3 and all(map(letters_mask, values)))
        if few and max(map(len, values)) <= 200 and not are_replies:
            return name
    return None


def find_condition_column(columns: Columns, answered: Sequence[Hashable]) -> str | None:
    """The column whose values tell the replies to each question apart, such as a language or a version of the prompt.

    Every value occurs equally often with each of what was `answered`, a key for each row. Numbers of samples are no
    conditions: the replies differ by chance alone.
    """
    n_asked = len(set(answered))
    if not 1 < n_asked < len(answered):
        return None
    for name, cells in columns.items():
        values = list(map(cell_text, cells))
        n_values = len(set(values))
        if is_called("sample", name) or not 1 < n_values <= len(answered) / n_asked:
            continue
        counts = Counter(zip(answered, values, strict=True))
        if (
            len(counts) == n_asked * n_values
            and len(set(counts.values())) == 1
            and not (
                _COUNTS.search(leaf_key(name))
                and count_up(sorted(set(values), key=lambda text: (len(text), text)))
            )
        ):
            return name
    return None


def probability_columns(columns: Columns) -> dict[str, str]:
    """Letter -> the column of its probability or the logarithm of it, {} where there is no run of them from A on."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        match = _PROBABILITY.fullmatch(name.strip().lower())
        if match:
            found.setdefault(match["kind"], {})[match["letter"].upper()] = name
    # One lone "p_C" says nothing; a run from A on does.
    runs = [by for by in found.values() if len(by) > 1 and sorted(by) == list(LETTERS[: len(by)])]
    return dict(sorted(max(runs, key=len, default={}).items()))


def texts_of_column(cells: Sequence[object]) -> Sequence[str]:
    """Cells as texts; of a list of letters all, of other lists the first entry."""
    return list(map(_text_of_cell, cells))


def optional_texts(columns: Columns, name: str | None) -> Sequence[str | None] | None:
    """The same of a column that there may be, None where there is no cell."""
    if name is None:
        return None
    return [None if cell is None else _text_of_cell(cell) for cell in columns[name]]


def _text_of_cell(cell: object) -> str:
    if isinstance(cell, list):
        texts = [cell_text(part) for part in cell]
        return "".join(texts) if all(len(text) <= 1 for text in texts) else texts[0]
    return cell if isinstance(cell, str) else cell_text(cell)


def _sample(cells: Sequence[object]) -> list[object]:
    return list(cells[:: max(1, -(-len(cells) // TEXT_SAMPLE))])
