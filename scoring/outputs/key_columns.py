"""The columns that tell the question of every row: question texts, ids, options, and what separates systems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.columns import find_option_columns
from cmexam_baseline.exam.io.options_cell import split_options
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, parse_letters
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.scoring.outputs.column_detection import ColumnChoice, Columns, Recognition
from cmexam_baseline.scoring.outputs.column_evidence import MOST, TEXT_SAMPLE, option_lists
from cmexam_baseline.scoring.outputs.column_names import (
    PROBABILITY,
    first_of_role,
    name_rank,
    named,
    standing_of,
)
from cmexam_baseline.scoring.outputs.joining import (
    ENOUGH_STEMS,
    Join,
    JoinKeys,
    Places,
    Stems,
    join,
    plain_id,
    position_base,
)

# Options are looked for inside the question's text if this share of the rows has them there.
WITH_OPTIONS = 0.5


def locate(
    exam: Exam, flat: Columns, choice: ColumnChoice, places: Places, file: str
) -> tuple[Recognition, Join, dict[int, list[str]]]:
    """The columns that tell the question of every row, the questions, and row -> the options that the model saw.

    Raises `InputError` where the rows do not match the exam.
    """
    model = find_model_column(flat, choice)
    roles = {"id": find_id_column(exam, places, flat, choice, model)}
    question = find_question_column(Stems(exam), flat, choice)
    if choice.id is not None and choice.question is None:
        question = None
    roles |= {"question": question, "model": model, "reference": choice.reference}
    questions, inline = (
        (None, None) if question is None else _options_taken_out(texts_of_column(flat[question]))
    )
    groups = None if model is None else texts_of_column(flat[model])
    ids = None if roles["id"] is None else texts_of_column(flat[roles["id"]])
    keys = JoinKeys(len(next(iter(flat.values()), [])), ids, questions, None, groups)
    try:
        met = join(exam, keys, places)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    singles = option_columns(flat) or _option_columns_by_content(exam, flat, met)
    roles["options"], options = _options_column(exam, flat, choice, met)
    if options is None and singles:
        cells = [texts_of_column(flat[name]) for name in singles]
        options = [[text for text in row if text] for row in zip(*cells, strict=True)]
    if options is None and inline is not None:
        options = [
            texts if _is_permutation(exam, question, texts) else []
            for question, texts in zip(met.question_of.tolist(), inline, strict=True)
        ]
    if options is not None and met.by_order:
        met = join(exam, replace(keys, options=options), places)
    known = Recognition(
        {role: column for role, column in roles.items() if column is not None},
        option_columns=singles if roles["options"] is None else [],
        probabilities=probability_columns(flat),
        by_order=met.by == "row number",
        remarks=list(met.remarks),
    )
    return known, met, _shown_options(exam, met, options)


def _options_column(
    exam: Exam, flat: Columns, choice: ColumnChoice, met: Join
) -> tuple[str | None, list[list[str]] | None]:
    if choice.options is not None:
        return choice.options, option_lists(exam, flat[choice.options], met.question_of)
    for name in sorted(flat, key=lambda name: not named("options", name)):
        if any(isinstance(cell, list | str) for cell in flat[name][:20]):
            options = option_lists(exam, flat[name], met.question_of)
            if options is not None:
                return name, options
    return None, None


def _shown_options(exam: Exam, met: Join, options: Sequence[list[str]] | None) -> dict[int, list[str]]:
    """Row -> the options that the model saw, where they are known and differ from the exam's."""
    if options is None:
        return {}
    return {
        row: options[row]
        for row, question in enumerate(met.question_of.tolist())
        if question >= 0 and len(options[row]) > 1 and options[row] != exam.options(question)
    }


def _is_permutation(exam: Exam, question: int, texts: Sequence[str]) -> bool:
    """Whether option texts found in a prompt are those of the question, whatever their order."""
    return question >= 0 and sorted(normalise_texts(texts)) == sorted(normalise_texts(exam.options(question)))


def _options_taken_out(questions: Sequence[str]) -> tuple[Sequence[str], list[list[str]] | None]:
    """Stems and options of question cells that hold both, as prompts do; the cells where most do not."""
    step = max(1, len(questions) // 50)
    sample = questions[::step]
    if sum(split_options(text) is not None for text in sample) < WITH_OPTIONS * len(sample):
        return questions, None
    parts = [split_options(text) for text in questions]
    stems = [text if part is None else part.stem for text, part in zip(questions, parts, strict=True)]
    return stems, [[] if part is None else part.options for part in parts]


def find_question_column(stems: Stems, columns: Columns, chosen: ColumnChoice) -> str | None:
    """The column whose cells are, or hold, questions of the exam; else one whose name says so."""
    if chosen.question is not None:
        return chosen.question
    best: tuple[float, float, int] | None = None
    found = None
    for name, cells in columns.items():
        sample = _sample(cells)
        texts = [cell for cell in sample if isinstance(cell, str) and len(cell.strip()) > 1]
        if not texts or len(texts) < len(sample) / 2 or len(set(texts)) == 1 < len(texts):
            continue
        inside, whole = stems.shares(texts)
        if inside < ENOUGH_STEMS:
            continue
        # A cell that is the stem tells more than a prompt, and a prompt more than a reply that repeats it.
        quality = (round(whole, 1), -float(name_rank("question", name)), -len("".join(texts)))
        if best is None or quality > best:
            best, found = quality, name
    return found or first_of_role(
        "question", {name: None for name in columns if _may_be_questions(name, columns)}
    )


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
    best: tuple[int, int] | None = None
    found = None
    for name, cells in columns.items():
        is_id = named("id", name)
        sample = [
            cell for cell in _sample(cells) if isinstance(cell, str | int | float) and cell_text(cell).strip()
        ]
        if not sample or isinstance(sample[0], bool) or max(len(cell_text(cell)) for cell in sample) > 200:
            continue
        few = [plain_id(cell_text(cell)) for cell in sample]
        if not is_id and not all(value.isdecimal() for value in few) and not known.intersection(few):
            continue
        quality, n_distinct = _fit_of_ids(cells, groups, known, places)
        unnamed_fits = quality >= 2 and n_distinct >= 0.9 * len(cells)
        if not (unnamed_fits or (is_id and (n_distinct > 1 or len(cells) == 1))):
            continue
        if best is None or (quality, -name_rank("id", name)) > best:
            best, found = (quality, -name_rank("id", name)), name
    return found


def _fit_of_ids(
    cells: Sequence[object], groups: Sequence[str] | None, known: set[str], places: Places
) -> tuple[int, int]:
    """How well cells fit as ids (3: the exam's own, 2: positions, 1: half of them fit, 0), and how many differ."""
    ids = [plain_id(cell_text(cell)) for cell in cells]
    n_known = sum(value in known for value in ids)
    n_distinct = len(set(ids)) if groups is None else len(set(zip(ids, groups, strict=True)))
    if n_known == len(ids):
        return 3, n_distinct
    if position_base(ids, places.n) is not None:
        return 2, n_distinct
    return (2 if n_known >= MOST * len(ids) else 1 if n_known >= ENOUGH_STEMS * len(ids) else 0), n_distinct


def find_model_column(columns: Columns, chosen: ColumnChoice) -> str | None:
    """The column that names the model of every row, where there are several."""
    if chosen.model is not None:
        return chosen.model
    for name in sorted(columns, key=lambda name: name_rank("model", name)):
        if not named("model", name):
            continue
        values = [cell_text(cell).strip() for cell in columns[name]]
        distinct = set(values)
        if (
            "" not in distinct
            and 1 < len(distinct) <= max(2, len(values) / 3)
            and max(map(len, distinct)) <= 200
            and not _are_replies(distinct)
        ):
            return name
    return None


def _are_replies(values: set[str]) -> bool:
    """Whether what may be names of models are answers: sentences, or letters from more than a few options."""
    sentences = sum(bool(re.search(r"[。！？，；：\n]|[.!?]$", value)) for value in values)
    letters = all(parse_letters(value) for value in values)
    return sentences > len(values) / 2 or (letters and len(values) > 3)


def option_columns(columns: Columns) -> list[str]:
    """The columns A, B, … of single options, [] where they hold letters or numbers instead of texts."""
    found = find_option_columns(list(columns))
    texts = [cell_text(cell) for name in found for cell in _sample(columns[name])]
    return found if len(found) > 1 and sum(len(text) > 1 for text in texts) > len(texts) / 4 else []


def _option_columns_by_content(exam: Exam, columns: Columns, met: Join) -> list[str]:
    """Columns such as choice1, choice2, … or doc.A, doc.B, … whose cells together are the options of the row's question."""
    families: dict[str, list[str]] = {}
    for name in columns:
        families.setdefault(re.sub(r"(\d+|[A-Ja-j])$", "", name), []).append(name)
    rows = [row for row, question in enumerate(met.question_of.tolist()) if question >= 0][:TEXT_SAMPLE]
    for members in families.values():
        family = sorted(members, key=lambda name: (len(name), name.upper()))
        shown = [[cell_text(columns[name][row]) for name in family] for row in rows if len(family) > 1]
        fitting = [
            _is_permutation(exam, int(met.question_of[row]), [text for text in texts if text])
            for row, texts in zip(rows, shown, strict=False)
        ]
        if fitting and sum(fitting) >= MOST * len(fitting):
            return family
    return []


def probability_columns(columns: Columns) -> dict[str, str]:
    """Letter -> the column of its probability, {} where there is no run of them from A on."""
    found = {}
    for name in columns:
        match = PROBABILITY.fullmatch(name.strip())
        if match:
            found[match.group(1).upper()] = name
    in_order = {letter: found[letter] for letter in LETTERS if letter in found}
    # One lone "p_C" says nothing; a run from A on does.
    return in_order if len(in_order) > 1 and list(in_order) == list(LETTERS[: len(in_order)]) else {}


def texts_of_column(cells: Sequence[object]) -> Sequence[str]:
    """Cells as texts; of a list of letters all, of other lists the first entry."""
    return [text_of_cell(cell) for cell in cells]


def text_of_cell(cell: object) -> str:
    """A cell as text."""
    if isinstance(cell, list):
        texts = [cell_text(part) for part in cell]
        return "".join(texts) if all(len(text) <= 1 for text in texts) else texts[0]
    return cell_text(cell)


def _sample(cells: Sequence[object]) -> list[object]:
    step = max(1, -(-len(cells) // TEXT_SAMPLE))
    return [cells[place] for place in range(0, len(cells), step)]
