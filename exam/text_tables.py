"""Tables as text: CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[str] = ()) -> str:
    """A Markdown table; columns named in `left` are set flush left, others flush right.

    >>> print(markdown_table(["system", "%"], [["a|b", "45.3"]], left=["system"]), end="")
    | system | % |
    |---|---:|
    | a\\|b | 45.3 |
    """
    first, *others = ["| " + " | ".join(map(_markdown, row)) + " |\n" for row in (header, *rows)]
    rule = "|" + "|".join("---" if name in left else "---:" for name in header) + "|\n"
    return "".join([first, rule, *others])


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a header; None is an empty cell.

    >>> csv_text(["system", "size"], [["a,b", None]])
    'system,size\\n"a,b",\\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def latex_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[str] = ()) -> str:
    """A LaTeX tabular for the booktabs package; columns named in `left` are set flush left, others flush right."""
    columns = "".join("l" if name in left else "r" for name in header)
    first, *lines = [" & ".join(map(_latex, row)) + " \\\\" for row in (header, *rows)]
    parts = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", first, "\\midrule", *lines, "\\bottomrule"]
    return "\n".join([*parts, "\\end{tabular}"]) + "\n"


def _markdown(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


# Names come from files: none may become a command.
_LATEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in " ".join(text.split()))
