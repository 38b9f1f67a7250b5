"""The options cell: "A xxx\\nB yyy" to texts and back."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER = r"(?P<letter>[A-ZＡ-Ｚ])"
_ANY_CASE = r"(?P<letter>[A-Za-zＡ-Ｚａ-ｚ])"
_REST = r"\s*(?P<text>.*?)\s*"
_MARK = r"[.．。、,，:：;；)）]"

# The ways to mark an option, the published one first. Between two that find as many options the first wins.
_STYLES = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"(?P<letter>[A-Z])(?: (?P<text>.*))?",
        rf"\s*{_ANY_CASE}\s*{_MARK}{_REST}",
        rf"\s*[(（\[【]\s*{_ANY_CASE}\s*[)）\]】]\s*{_MARK}?{_REST}",
        rf"\s*{_LETTER}(?:\s+(?P<text>.*?))?\s*",
        rf"\s*[(（\[【]?\s*{_LETTER}\s*(?:[)）\]】]|{_MARK}|\s){_REST}",
        rf"\s*{_LETTER}(?![A-Za-z0-9]){_REST}",
    )
]
# In a list "A型" may well be the text itself, so only the plain marks count there.
_LIST_STYLES = _STYLES[:3]

# The published form and nothing else, nested so that no letter can be skipped: nearly every cell there is.
_PUBLISHED = re.compile(
    r"A ([^\n\r]+)\nB ([^\n\r]+)"
    + "".join(rf"(?:\n{letter} ([^\n\r]+)" for letter in LETTERS[2:])
    + ")?" * len(LETTERS[2:])
).fullmatch

# An option that begins with its own letter once more: "A: xxx", "(A) xxx" as the text of option A.
_OWN_LETTER = re.compile(
    rf"\s*(?:[(（\[【]\s*{_LETTER}\s*[)）\]】]\s*{_MARK}?|(?P<bare>[A-ZＡ-Ｚ])\s*{_MARK})\s*(?P<text>.*)",
    re.DOTALL,
)
_SEPARATORS = (";", "；")

_LETTER_KEYS = ("key", "label", "letter", "option", "id")
_TEXT_KEYS = ("value", "text", "content")


# A letter with a mark after it, at the start of a line; "A xxx" counts there too.
_LINE_MARK = re.compile(
    r"^[ \t\u3000]*[(（\[【]?([A-JＡ-Ｊ])(?:[)）\]】.．、:：,，]+[ \t\u3000]*|[ \t\u3000]+)", re.M
)
# The same in running text, where a bare blank after the letter says nothing ("维生素A 缺乏").
_RUNNING_MARK = re.compile(r"(?<![A-Za-z0-9Ａ-Ｚ])[(（\[【]?([A-JＡ-Ｊ])[)）\]】.．、:：]+[ \t\u3000]*")
# On one line in a cell of options also lower-case letters, and letters with nothing but blanks around them.
_LOWER_MARK = re.compile(r"(?<![A-Za-z0-9])[(（\[【]?([a-j])[)）\]】.．、:：]+[ \t\u3000]*")
_BARE_MARK = re.compile(r"(?:^|(?<=[\s;；,，|]))([A-JＡ-Ｊ])[ \t\u3000]+")
_STEM_LEAD = re.compile(r"^\s*(?:问题|题目|题干|Question)\s*[:：]\s*", re.I)
_OPTIONS_WORD = re.compile(r"[\s,，;；]*(?:选项|备选答案|Options)\s*[:：]?\s*$", re.I)
_OPTIONS_WORD_BEFORE_A = re.compile(
    r"((?:选项|备选答案|Options)\s*[:：])[ \t\u3000]*(?=[(（\[【]?[AＡ])", re.I
)
# Cells with this many options on lines of their own are not looked at for more on one line.
_MANY_OPTIONS = 4


def parse_options(cell: object) -> list[str]:
    """The option texts of a cell, without their letters; fewer than two where it cannot be read as options.

    A string holds one option a line, marked `A xxx`, `A. xxx`, `A、xxx`, `A：xxx`, `(A) xxx` or `Axxx`, half- or
    full-width, lines broken by newlines or a literal backslash-n; or all options on one line (`A.xxx B.yyy`); or JSON.
    A line that does not start with the next letter continues the option before it; where letters rise with gaps on
    every line, the missing options are "". Lists hold one option an item, mappings are keyed by letter. Letters that
    all options repeat (`A A: xxx`) and semicolons that separate them are removed. In the published form texts are
    kept to the character, in all others blanks around them go.

    >>> parse_options("A. 肝炎\\nB. 肝癌"), parse_options({"A": "肝炎", "B": "肝癌"})
    (['肝炎', '肝癌'], ['肝炎', '肝癌'])
    >>> parse_options("A.肝炎 B.肝癌 C.肝硬化"), parse_options("A A: 肝炎;\\nB B: 肝癌;")
    (['肝炎', '肝癌', '肝硬化'], ['肝炎', '肝癌'])
    """
    if isinstance(cell, str):
        published = _PUBLISHED(cell)
        texts = list(filter(None, published.groups())) if published else _lines_to_options(cell)
        return _json_options(cell) or without_decoration(texts)
    if isinstance(cell, Mapping):
        return without_decoration(_mapping_to_options(cell))
    if isinstance(cell, Sequence):
        return _list_to_options(cell)
    return []


def options_of_cells(cells: Iterable[object]) -> list[str]:
    """The option texts of cells that hold one each; empty ones at the end are none."""
    texts = [cell_text(cell) for cell in cells]
    while texts and not texts[-1].strip():
        texts.pop()
    return without_decoration(texts)


def any_options(cell: object) -> list[str]:
    """`parse_options`, and what other tools write: printed lists and objects, ARC's texts beside their labels, texts
    between "|" or one a line without letters.

    >>> any_options("['肝炎', '肝癌']"), any_options("肝炎 | 肝癌")
    (['肝炎', '肝癌'], ['肝炎', '肝癌'])
    """
    value = printed_value(cell.strip()) if isinstance(cell, str) else cell
    if isinstance(value, Mapping):
        texts = value.get("text")
        return parse_options(value) or list(
            map(cell_text, texts if isinstance(texts, list) else value.values())
        )
    if not isinstance(cell, str) or isinstance(value, list):
        return parse_options(value)
    if cell.lstrip().startswith(
        ("[", "{")
    ):  # nothing but marks in brackets: lines of damaged JSON are no options
        return parse_options(cell)
    apart = split_options(cell)
    found = parse_options(cell) or (apart.options if apart and not apart.stem else [])
    for separator in "[|｜]", "\n":
        parts = [part.strip() for part in re.split(separator, cell) if part.strip()]
        if not found and len(parts) > 1:
            found = parse_options("\n".join(parts)) or parts
    return found


def printed_value(text: str) -> object:
    """The list or object that a text is as JSON or as Python prints it, None for other texts.

    >>> printed_value("{'A': 1}"), printed_value("[1, 2]"), printed_value("[1")
    ({'A': 1}, [1, 2], None)
    """
    if text[:1] + text[-1:] not in ("[]", "{}"):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            value: object = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value
    return None


def without_decoration(texts: list[str]) -> list[str]:
    """Option texts without a letter that each of them repeats, and without the semicolons that separate them.

    >>> without_decoration(["(A) 肝炎；", "(B) 肝癌"]), without_decoration(["A型", "B型"])
    (['肝炎', '肝癌'], ['A型', 'B型'])
    """
    if len(texts) < 2:
        return texts
    if all(text.rstrip().endswith(_SEPARATORS) for text in texts[:-1]):
        stripped = [text.rstrip().rstrip("".join(_SEPARATORS)).rstrip() for text in texts]
        texts = stripped if all(stripped) else texts
    return _without_own_letters(texts)


def _without_own_letters(texts: list[str]) -> list[str]:
    if not texts or texts[0].lstrip()[:1] not in ("A", "Ａ", "(", "（", "[", "【"):
        return texts
    found = [match for match in map(_OWN_LETTER.fullmatch, texts) if match and match["text"]]
    letters = [_plain_letter(match["letter"] or match["bare"]) for match in found]
    if len(found) < len(texts) or letters != list(_ALPHABET[: len(texts)]):
        return texts
    return without_decoration([match["text"] for match in found])


def format_options(texts: Sequence[str], line_break: str = "\n") -> str:
    """The published form of a question's options: letter, blank, text, one a line.

    An option without text is left out unless it is the last, as `parse_options` reads it.

    >>> format_options(["肝炎", "肝癌"])
    'A 肝炎\\nB 肝癌'
    """
    last = len(texts) - 1
    return line_break.join(
        f"{LETTERS[place]} {text}" for place, text in enumerate(texts) if text or place == last
    )


def option_list(texts: Sequence[str]) -> list[str]:
    """The options as a list that `parse_options` reads back exactly: with letters only where it needs them.

    >>> option_list(["肝炎", "肝癌"]), option_list(["A 型题", "B 类药"])
    (['肝炎', '肝癌'], ['A A 型题', 'B B 类药'])
    """
    plain = list(texts)
    if _list_to_options(plain) == plain:
        return plain
    lettered = [f"{letter} {text}" for letter, text in zip(LETTERS, texts, strict=False)]
    if _list_to_options(lettered) != plain:
        raise InputError(f"options {plain} would be read back without their letters; remove these")
    return lettered


def _json_options(cell: str) -> list[str]:
    try:
        return parse_options(json.loads(cell)) if cell[:1] in ("{", "[") else []
    except (ValueError, RecursionError):
        return []


def _lines_to_options(cell: str) -> list[str]:
    unified = cell.replace("\r\n", "\n").replace("\r", "\n")
    best = _best_reading(unified)
    if "\\n" in unified:
        unified = unified.replace("\\r\\n", "\n").replace("\\n", "\n")
        best = max(best, _best_reading(unified), key=len)
    n_found = sum(map(bool, best))
    if n_found < _MANY_OPTIONS:
        for mark in (_LINE_MARK, _RUNNING_MARK, _LOWER_MARK, _BARE_MARK):
            marks = _longest_run(_lettered(unified, mark))
            split = _cut(unified, marks) if len(marks) > max(n_found, 1) else None
            if split is not None and not split.stem and not split.rest:
                return [text.rstrip(";；,，、|/ ") for text in split.options]
    return best


def _best_reading(cell: str) -> list[str]:
    lines = cell.strip("\n").split("\n")
    readings = [_in_order(lines, style) for style in _STYLES]
    readings += [_with_gaps(lines, style) for style in _STYLES]
    return max(readings, key=len)


def _in_order(lines: Sequence[str], style: re.Pattern[str]) -> list[str]:
    """Options in the order A, B, C …; other lines continue the option before them."""
    texts: list[str] = []
    for line in lines:
        marked = _marked(line, style)
        if marked and len(texts) < len(_ALPHABET) and marked[0] == _ALPHABET[len(texts)]:
            texts.append(marked[1])
        elif texts:
            texts[-1] += f"\n{line}"
        else:
            return []
    return texts


def _with_gaps(lines: Sequence[str], style: re.Pattern[str]) -> list[str]:
    """Options on lines whose letters rise but skip some; the skipped ones are ""."""
    marked = [_marked(line, style) for line in lines]
    found = {pair[0]: pair[1] for pair in marked if pair}
    letters = [pair[0] for pair in marked if pair]
    if len(letters) != len(lines) or len(lines) < 2 or any(a >= b for a, b in pairwise(letters)):
        return []
    return [found.get(letter, "") for letter in _ALPHABET[: _ALPHABET.index(letters[-1]) + 1]]


def _marked(line: str, style: re.Pattern[str]) -> tuple[str, str] | None:
    match = style.fullmatch(line)
    return (_plain_letter(match["letter"]), match["text"] or "") if match else None


def _plain_letter(letter: str) -> str:
    return unicodedata.normalize("NFKC", letter).upper()


def _list_to_options(items: Sequence[object]) -> list[str]:
    pairs = [item for item in items if isinstance(item, Mapping)]
    if pairs or any(isinstance(item, list) for item in items):
        return _pairs_to_options(pairs) if len(pairs) == len(items) else []
    texts = [cell_text(item) for item in items]
    for style in _LIST_STYLES:
        marked = [_marked(text, style) for text in texts]
        stripped = [pair[1] for pair in marked if pair]
        in_order = [pair[0] for pair in marked if pair] == list(_ALPHABET[: len(texts)])
        # ["A 型", "B 型"] are texts that begin with a letter, not marked options.
        if in_order and all(stripped) and len(set(stripped)) == len(texts):
            return without_decoration(stripped) if style is not _STYLES[0] else _without_own_letters(stripped)
    return texts


def _mapping_to_options(options: Mapping[object, object]) -> list[str]:
    texts = {
        str(key).strip().upper(): cell_text(value) for key, value in options.items() if value is not None
    }
    last = max((_ALPHABET.find(key) if len(key) == 1 else -1 for key in texts), default=-1)
    known = set(_ALPHABET[: last + 1])
    return [texts.get(letter, "") for letter in _ALPHABET[: last + 1]] if known.issuperset(texts) else []


def _pairs_to_options(items: Sequence[Mapping[str, object]]) -> list[str]:
    """Options as [{"key": "A", "value": "xxx"}, …]."""
    pairs: dict[object, object] = {}
    for item in items:
        letter = next((item[key] for key in _LETTER_KEYS if key in item), None)
        text = next((item[key] for key in _TEXT_KEYS if key in item), None)
        if isinstance(letter, list | Mapping) or letter in pairs:
            return []
        pairs[letter] = text
    return _mapping_to_options(pairs)


@dataclass(frozen=True)
class SplitQuestion:
    """A question's text in its parts: `stem`, `options` without letters, and `rest`, the text after them."""

    stem: str
    options: list[str]
    rest: str


def split_options(text: str) -> SplitQuestion | None:
    """The stem and the options of a text that holds both, or None where no two options can be found.

    Options start with A and follow the alphabet, each with a mark (`A：`, `A.`, `A、`, `(A)`) or, at the
    start of a line, a blank. A line after the last option (an instruction, say) goes to `rest`.

    >>> split_options("缺乏可致夜盲症的是（　　）。\\nA：维生素A\\nB：维生素C\\n请回答")
    SplitQuestion(stem='缺乏可致夜盲症的是（　　）。', options=['维生素A', '维生素C'], rest='请回答')
    >>> split_options("问题: 缺乏可致夜盲症的是, 选项: A. 维生素A B. 维生素C").options
    ['维生素A', '维生素C']
    """
    text = _with_options_on_a_line(text)
    for mark in (_LINE_MARK, _RUNNING_MARK):
        marks = _longest_run(_lettered(text, mark))
        if len(marks) >= 2:
            return _cut(text, marks)
    return None


def option_lists_in(text: str) -> list[SplitQuestion]:
    """Every list of options in a text, in their order, as in a prompt with examples before its question.

    >>> [found.options for found in option_lists_in("甲？\\nA. 是\\nB. 否\\n答案：A\\n乙？\\nA. 有\\nB. 无")]
    [['是', '否'], ['有', '无']]
    """
    text = _with_options_on_a_line(text)
    runs = [
        run for mark in (_LINE_MARK, _RUNNING_MARK) for run in _runs(_lettered(text, mark)) if len(run) > 1
    ]
    starts = {(run[0].start(1), len(run)): run for run in reversed(runs)}
    return [_cut(text, starts[start]) for start in sorted(starts)]


def _with_options_on_a_line(text: str) -> str:
    return _OPTIONS_WORD_BEFORE_A.sub(r"\1\n", text.replace("\r\n", "\n"))


def _lettered(text: str, mark: re.Pattern[str]) -> list[tuple[re.Match[str], str]]:
    return [(found, _plain_letter(found.group(1))) for found in mark.finditer(text)]


def _runs(found: list[tuple[re.Match[str], str]]) -> list[list[re.Match[str]]]:
    """The runs A, B, C, … among the marks; other letters between them do not count."""
    runs: list[list[re.Match[str]]] = []
    for match, letter in found:
        if letter == "A":
            runs.append([match])
        elif runs and letter == LETTERS[len(runs[-1]) % len(LETTERS)]:
            runs[-1].append(match)
    return runs


def _longest_run(found: list[tuple[re.Match[str], str]]) -> list[re.Match[str]]:
    """The last of the longest runs: a stem may hold marks of its own before."""
    return max(reversed(_runs(found)), key=len, default=[])


def _cut(text: str, marks: list[re.Match[str]]) -> SplitQuestion:
    ends = [match.start() for match in marks[1:]]
    last, _, rest = text[marks[-1].end() :].partition("\n")
    options = [text[match.end() : end] for match, end in zip(marks[:-1], ends, strict=True)] + [last]
    stem = _OPTIONS_WORD.sub("", _STEM_LEAD.sub("", text[: marks[0].start()]))
    lines = [re.sub(r"\s*\n\s*", " ", option.strip()) for option in options]
    return SplitQuestion(stem.strip(), lines, rest.strip())
