"""The options that the model saw: in a column of lists, a column each, or inside its prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.columns import find_option_columns
from cmexam_baseline.exam.io.options_cell import any_options, option_lists_in, options_of_cells, split_options
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.normalise import fold_texts, normalise_texts
from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice, Columns
from cmexam_baseline.scoring.outputs.column_evidence import MOST, TEXT_SAMPLE, seen_rows
from cmexam_baseline.scoring.outputs.column_names import is_called
from cmexam_baseline.scoring.outputs.joining import Join, same_options

# Prompts hold options if this share of the rows does.
WITH_OPTIONS = 0.5
# Letters and field names around an option in a cell of options take no more characters than this.
_MARKUP = 24
# In text without blanks and full-width forms; what follows the letter belongs to it or to the option.
_LETTER = re.compile(r"[A-J](?=(\W{0,6}))|[a-j1-9](?=(\W{1,6}))")


@dataclass(frozen=True)
class ShownOptions:
    """Options as the model saw them.

    rows:     n lists of option texts, [] where the exam's order is assumed; None where the file shows no options
    column:   the column of lists
    columns:  columns of an option each
    rejected: column -> why it holds no options, although it is called so
    remarks:  single lines on what was assumed
    """

    rows: list[list[str]] | None = None
    column: str | None = None
    columns: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def find_options(
    exam: Exam,
    flat: Columns,
    choice: ColumnChoice,
    met: Join,
    prompts: tuple[str, Sequence[str]] | None,
    replies: Collection[str] = (),
) -> ShownOptions:
    """Look for the options of every row, whose question is known. `prompts` are the name and the texts of a column.

    `replies` are columns whose texts are a model's.

    Options inside a prompt outrank columns: it is what the model read.
    """
    others = {name: cells for name, cells in flat.items() if name not in replies or name == choice.options}
    column, rows = _options_column(exam, others, choice, met)
    columns, foreign, remarks = _option_columns(exam, flat, met)
    if rows is None and not columns:
        remarks += _foreign_lists(exam, flat, met)
    if rows is None and columns:
        cells = [list(map(cell_text, flat[name])) for name in columns]
        asked = [exam.options(question) if question >= 0 else [] for question in met.question_of.tolist()]
        rows = list(map(_options_of_row, zip(*cells, strict=True), asked))
    if prompts is not None:
        name, texts = prompts
        inside, n_other = _options_inside(exam, texts, met.question_of)
        if n_other:
            remarks.append(
                f"warning: the options in {n_other:,} of {len(texts):,} cells of {name} are not those of the exam, in any "
                "order; their letters are read in the exam's order"
            )
        given = rows or [[]] * len(inside)
        n_moved = sum(map(_are_moved, inside, given))
        if n_moved:
            remarks.append(
                f"warning: {n_moved:,} cells of {name} have their options in another order than {column or columns[0]}; "
                f"that of {name} counts"
            )
        if any(inside):
            rows = [one or other for one, other in zip(inside, given, strict=True)]
    return ShownOptions(rows, column, columns, dict.fromkeys(foreign, "not the exam's options"), remarks)


def _are_moved(texts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists hold the same options in different orders."""
    if len(texts) != len(others) or texts == others:
        return False
    one, other = normalise_texts(texts), normalise_texts(others)
    return one != other and sorted(one) == sorted(other)


def _options_inside(
    exam: Exam, texts: Sequence[str], question_of: NDArray[np.int64]
) -> tuple[list[list[str]], int]:
    """The options inside each prompt, [] where there are none, and the number of prompts whose options do not fit."""
    found: list[list[str]] = []
    others: list[bool] = []
    for text, question in zip(texts, question_of.tolist(), strict=True):
        options = exam.options(question) if question >= 0 else []
        lists = option_lists_in(text) if options else []
        fitting = [each.options for each in lists if same_options(each.options, options)]
        # A stem may itself name what the options are.
        around = text.replace(exam.questions[question], "\n", 1) if options and not fitting else ""
        found.append(
            fitting[-1]
            if fitting
            else lettered_options(around, options) or _unlettered_options(around, options)
        )
        others.append(bool(lists) and not found[-1] and not option_lists_in(exam.questions[question]))
    # Where most prompts show their options, the others do, too.
    most = sum(map(bool, found)) >= WITH_OPTIONS * len(found)
    pairs = zip(found, others, question_of.tolist(), strict=True)
    n_other = sum(question >= 0 and not each and (most or other) for each, other, question in pairs)
    return found, n_other


def lettered_options(text: str, options: Sequence[str]) -> list[str]:
    """The options in the order of the letters before them in a text, [] unless each has one; more may follow them.

    >>> lettered_options("甲？A. 肺动脉 B. 肺[/INST]", ["肺", "肺动脉"])
    ['肺动脉', '肺']
    """
    text, *wanted = fold_texts([text, *options])
    by_length = sorted(filter(None, wanted), key=len, reverse=True)
    complete: list[str] = []
    run: list[str] = []
    for mark in _LETTER.finditer(text):
        ends = range(mark.end(), mark.end() + len(mark[1] or mark[2] or "") + 1)
        starts = (each for end in ends for each in by_length if text.startswith(each, end))
        option = next(starts, None)
        place = "ABCDEFGHIJ123456789".index(mark[0].upper()) % 10
        if option is None or place not in (0, len(run)):
            continue
        run = [option] if place == 0 else [*run, option]
        if len(run) == len(options) == len(set(run)):
            complete = run
    return [options[wanted.index(option)] for option in complete]


def _options_column(
    exam: Exam, flat: Columns, choice: ColumnChoice, met: Join
) -> tuple[str | None, list[list[str]] | None]:
    """The column that holds the options of every row, and these; None where there is none."""
    for name in (
        [choice.options] if choice.options else sorted(flat, key=lambda one: not is_called("options", one))
    ):
        if choice.options or any(isinstance(cell, list | str) for cell in flat[name][:20]):
            options = option_lists(exam, flat[name], met.question_of)
            if options is not None:
                return name, options
    return choice.options, None


def _unlettered_options(text: str, options: Sequence[str]) -> list[str]:
    """The options in the order in which they last occur close together in a text, [] where one of them does not."""
    text, *wanted = fold_texts([text, *options])
    found = []
    for place in sorted(range(len(wanted)), key=lambda place: -len(wanted[place])):
        option = wanted[place]
        start = text.rfind(option) if option else -1
        if start < 0:
            return []
        text = text[:start] + "\0" * len(option) + text[start + len(option) :]
        found.append((start, place))
    between = max(found, default=(0, 0))[0] - min(found, default=(0, 0))[0] - sum(map(len, wanted))
    return [options[place] for _, place in sorted(found)] if between <= _MARKUP * len(options) else []


def _foreign_lists(exam: Exam, flat: Columns, met: Join) -> list[str]:
    """A remark on each column that is called options and holds lists of texts, none of which were found to be the exam's."""
    seen = seen_rows(exam, met.question_of, {}, most=TEXT_SAMPLE)
    remarks = []
    for name in (name for name in flat if is_called("options", name)):
        lists = [any_options(flat[name][row]) for row in seen.rows]
        texts = [each for each in lists if len(each) > 1 and max(map(len, each)) > 1]
        if texts and len(texts) >= WITH_OPTIONS * len(lists):
            remarks.append(_foreign(name, texts, len(texts)))
    return remarks


def option_lists(
    exam: Exam, cells: Sequence[object], question_of: NDArray[np.int64]
) -> list[list[str]] | None:
    """The options of every row, if a column holds those of its question in any order; else None."""
    seen = seen_rows(exam, question_of, {}, most=TEXT_SAMPLE)
    shown = [(any_options(cells[row]), seen.options(place)) for place, row in enumerate(seen.rows)]
    filled = [pair for pair in shown if pair[0]]
    if filled and sum(same_options(*pair) for pair in filled) >= len(filled) / 2:
        return [any_options(cell) for cell in cells]
    found = [_in_order(cells[row], seen.options(place)) for place, row in enumerate(seen.rows)]
    if not found or sum(map(bool, found)) < MOST * len(found):
        return None
    pairs = zip(cells, question_of.tolist(), strict=True)
    return [[] if question < 0 else _in_order(cell, exam.options(question)) for cell, question in pairs]


def _in_order(cell: object, options: Sequence[str]) -> list[str]:
    """The options in the order in which a cell of any form holds them; [] where it holds more than options."""
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


def stems_of_prompts(prompts: Sequence[str]) -> Sequence[str]:
    """Stems of question cells that hold their options, too; cells with several lists of options are kept whole."""
    sample = prompts[:: max(1, len(prompts) // 50)]
    if sum(split_options(text) is not None for text in sample) < WITH_OPTIONS * len(sample):
        return prompts
    lists = map(option_lists_in, prompts)
    return [each[0].stem if len(each) == 1 else text for text, each in zip(prompts, lists, strict=True)]


def _option_columns(exam: Exam, columns: Columns, met: Join) -> tuple[list[str], list[str], list[str]]:
    """The columns of an option each, by name or content; those that are only called so; and remarks on the latter."""
    found = find_option_columns(list(columns))
    seen = seen_rows(exam, met.question_of, {}, most=TEXT_SAMPLE)
    texts = [[cell_text(columns[name][row]) for name in found] for row in seen.rows]
    longer = sum(len(text) > 1 for row in texts for text in row)
    if len(found) < 2 or longer <= len(found) * len(texts) / 4:  # letters or flags
        return _option_columns_by_content(exam, columns, met), [], []
    n_fitting = sum(
        same_options(_options_of_row(row, seen.options(place)), seen.options(place))
        for place, row in enumerate(texts)
    )
    if n_fitting >= WITH_OPTIONS * len(texts):
        return found, [], []
    remark = _foreign(", ".join(found), texts, len(texts) - n_fitting)
    return _option_columns_by_content(exam, columns, met), found, [remark]


def _options_of_row(cells: Sequence[str], options: Sequence[str]) -> list[str]:
    """The options in cells of one each, without their letters, also where nothing but a blank follows these."""
    texts = options_of_cells(cells)
    pairs = zip(LETTERS, texts, strict=False)
    bare = [text[1:].lstrip() if text.startswith(letter) else text for letter, text in pairs]
    return bare if same_options(bare, options) and not same_options(texts, options) else texts


def _foreign(name: str, texts: Sequence[Sequence[str]], n_other: int) -> str:
    shown = next((text for row in texts for text in row if len(text) > 1), "")[:20]
    return (
        f"warning: {name} with other texts than the exam's options in {n_other} of {len(texts)} rows (first: {shown!r}); "
        "letters are read in the exam's order"
    )


def _option_columns_by_content(exam: Exam, columns: Columns, met: Join) -> list[str]:
    """Columns such as choice1, choice2, … or doc.A, doc.B, … whose cells together are the options of the row's question."""
    families: dict[str, list[str]] = {}
    for name in columns:
        families.setdefault(re.sub(r"(\d+|[A-Ja-j])$|(?<=\.)\d+(?=\.)", "#", name), []).append(name)
    seen = seen_rows(exam, met.question_of, {}, most=TEXT_SAMPLE)
    for members in families.values():
        family = sorted(members, key=lambda name: (len(name), name.upper()))
        fitting = [
            same_options(
                filter(None, (cell_text(columns[name][row]) for name in family)), seen.options(place)
            )
            for place, row in enumerate(seen.rows if len(family) > 1 else ())
        ]
        if fitting and sum(fitting) >= MOST * len(fitting):
            return family
    return []
