"""Option cells in the many ways that files write them."""

from __future__ import annotations

from typing import Any

import exam_strategies
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.exam.io.options_cell import format_options, option_list, parse_options

THREE = ["肝炎", "肝癌 Ⅱ期", "1.5mg"]


@pytest.mark.parametrize(
    "cell",
    [
        "A 肝炎\nB 肝癌 Ⅱ期\nC 1.5mg",
        "A 肝炎\\nB 肝癌 Ⅱ期\\nC 1.5mg",
        "A 肝炎\r\nB 肝癌 Ⅱ期\r\nC 1.5mg",
        "A 肝炎\\r\\nB 肝癌 Ⅱ期\\r\\nC 1.5mg",
        "A 肝炎\rB 肝癌 Ⅱ期\rC 1.5mg",
        "A. 肝炎\nB. 肝癌 Ⅱ期\nC. 1.5mg",
        "A.肝炎\nB.肝癌 Ⅱ期\nC.1.5mg",
        "A．肝炎\nB．肝癌 Ⅱ期\nC．1.5mg",
        "A、肝炎\nB、肝癌 Ⅱ期\nC、1.5mg",
        "A：肝炎\nB：肝癌 Ⅱ期\nC：1.5mg",
        "A: 肝炎\nB: 肝癌 Ⅱ期\nC: 1.5mg",
        "A) 肝炎\nB) 肝癌 Ⅱ期\nC) 1.5mg",
        "(A) 肝炎\n(B) 肝癌 Ⅱ期\n(C) 1.5mg",
        "（A）肝炎\n（B）肝癌 Ⅱ期\n（C）1.5mg",
        "[A] 肝炎\n【B】 肝癌 Ⅱ期\n(C). 1.5mg",
        "Ａ 肝炎\nＢ 肝癌 Ⅱ期\nＣ 1.5mg",
        "Ａ．肝炎\nＢ．肝癌 Ⅱ期\nＣ．1.5mg",
        "a. 肝炎\nb. 肝癌 Ⅱ期\nc. 1.5mg",
        "A\t肝炎\nB\t肝癌 Ⅱ期\nC\t1.5mg",
        "A　肝炎\nB　肝癌 Ⅱ期\nC　1.5mg",
        "  A. 肝炎 \n  B. 肝癌 Ⅱ期 \n  C. 1.5mg\n",
        "A 肝炎\nB. 肝癌 Ⅱ期\nC、1.5mg",
        "A.肝炎 B.肝癌 Ⅱ期 C.1.5mg",
        "A．肝炎B．肝癌 Ⅱ期C．1.5mg",
        "(A)肝炎 (B)肝癌 Ⅱ期 (C)1.5mg",
        "A、肝炎；B、肝癌 Ⅱ期；C、1.5mg；",
        "A.肝炎|B.肝癌 Ⅱ期|C.1.5mg",
        "a.肝炎 b.肝癌 Ⅱ期 c.1.5mg",
        "A 肝炎 B 肝癌 Ⅱ期 C 1.5mg",
        ["A A: 肝炎", "B B: 肝癌 Ⅱ期", "C C: 1.5mg"],
        ["(A) 肝炎；", "(B) 肝癌 Ⅱ期；", "(C) 1.5mg；"],
        "A. 肝炎, B. 肝癌 Ⅱ期, C. 1.5mg",
        "A.肝炎 B.肝癌 Ⅱ期\nC.1.5mg",
        "A A: 肝炎\nB B: 肝癌 Ⅱ期\nC C: 1.5mg",
        "A A. 肝炎;\nB B. 肝癌 Ⅱ期;\nC C. 1.5mg;",
        "A (A) 肝炎\nB (B) 肝癌 Ⅱ期\nC (C) 1.5mg",
        "A （A）肝炎；\nB （B）肝癌 Ⅱ期；\nC （C）1.5mg",
        "A. 肝炎;\nB. 肝癌 Ⅱ期;\nC. 1.5mg;",
        {"A": "A. 肝炎", "B": "B. 肝癌 Ⅱ期", "C": "C. 1.5mg"},
        {"A": "(A) 肝炎；", "B": "(B) 肝癌 Ⅱ期；", "C": "(C) 1.5mg；"},
        '["肝炎", "肝癌 Ⅱ期", "1.5mg"]',
        '{"A": "肝炎", "B": "肝癌 Ⅱ期", "C": "1.5mg"}',
        ["肝炎", "肝癌 Ⅱ期", "1.5mg"],
        ["A. 肝炎", "B. 肝癌 Ⅱ期", "C. 1.5mg"],
        ["A 肝炎", "B 肝癌 Ⅱ期", "C 1.5mg"],
        ["（A）肝炎", "（B）肝癌 Ⅱ期", "（C）1.5mg"],
        {"A": "肝炎", "B": "肝癌 Ⅱ期", "C": "1.5mg", "D": None},
        {"c": "1.5mg", "a": "肝炎", "b": "肝癌 Ⅱ期"},
        [{"key": "A", "value": "肝炎"}, {"key": "B", "value": "肝癌 Ⅱ期"}, {"key": "C", "value": "1.5mg"}],
        [{"text": "1.5mg", "label": "C"}, {"text": "肝炎", "label": "A"}, {"text": "肝癌 Ⅱ期", "label": "B"}],
    ],
)
def test_ways_to_write_options(cell: Any) -> None:
    assert parse_options(cell) == THREE


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ("A 甲\n续行\nB 乙", ["甲\n续行", "乙"]),
        ("A 甲\nC 不是选项\nB 乙", ["甲\nC 不是选项", "乙"]),
        ("A. 甲\nB 不是选项\nB. 乙", ["甲\nB 不是选项", "乙"]),
        ("A 甲\nA 不是选项\nB 乙", ["甲\nA 不是选项", "乙"]),
        ("A 甲\nB 乙\nD 丁\nE 戊", ["甲", "乙", "", "丁", "戊"]),
        ("B 乙\nC 丙", ["", "乙", "丙"]),
        ("A 甲\nB \nC 丙", ["甲", "", "丙"]),
        ("A 甲\nB 乙\nC ", ["甲", "乙", ""]),
        ("A \nB 乙", ["", "乙"]),
        ("A A型\nB B型", ["A型", "B型"]),
        ("A. A. 甲\nB. B. 乙", ["甲", "乙"]),
        ("A 5\\nmg\nB 乙", ["5\\nmg", "乙"]),
        ("A型血\nB型血", ["型血", "型血"]),
        ("A 普萘洛尔\u3000\nB 乙", ["普萘洛尔\u3000", "乙"]),
        ("A  两格\nB 乙", [" 两格", "乙"]),
        ("A 缺乏；\nB 过多\nC 无", ["缺乏；", "过多", "无"]),
        ("A A可以\nB B不得", ["A可以", "B不得"]),
        ("A 见于 B.型流感\nB 见于 C.型肝炎", ["见于 B.型流感", "见于 C.型肝炎"]),
        (["A型", "B型"], ["A型", "B型"]),
        (["A 型", "B 型"], ["A 型", "B 型"]),
        (["A. 甲", "乙"], ["A. 甲", "乙"]),
        ([1, 2.0, 2.5, None], ["1", "2", "2.5", ""]),
        ({"A": "甲", "C": "丙"}, ["甲", "", "丙"]),
        ("\n".join(f"{letter} {letter}" for letter in "ABCDEFGHIJ"), list("ABCDEFGHIJ")),
    ],
)
def test_odd_cells(cell: Any, texts: list[str]) -> None:
    assert parse_options(cell) == texts


@pytest.mark.parametrize(
    "cell",
    [
        *("", " ", "\n", "甲 乙 丙", "A 甲", "AIDS\nBCG", "1 甲\n2 乙", "A5\nB6", "{", "[1, 2", '{"x": 1}'),
        *(None, 5, 1.5, True, {}, [], {"甲": "甲", "A": "乙"}, {"A": "甲"}, [{"A": 1}, 2], [{"key": "A"}]),
        [{"key": "A", "value": "甲"}, {"key": "A", "value": "乙"}],
        "[" * 100_000,
    ],
)
def test_unreadable_cells_give_fewer_than_two(cell: Any) -> None:
    assert sum(map(bool, parse_options(cell))) < 2


@given(
    st.lists(exam_strategies.plain_texts(), min_size=2, max_size=8), st.sampled_from(["\n", "\r\n", "\\n"])
)
def test_plain_options_come_back_from_the_published_form(texts: list[str], line_break: str) -> None:
    assert parse_options(format_options(texts, line_break)) == texts


@given(
    st.lists(
        st.one_of(exam_strategies.texts(), st.sampled_from(["A x", "B y", "A", "B. z"])),
        min_size=2,
        max_size=8,
    )
)
def test_any_options_come_back_from_a_list(texts: list[str]) -> None:
    assert parse_options(option_list(texts)) == texts


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.floats(), st.text()),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_nothing_raises(cell: Any) -> None:
    assert all(isinstance(text, str) for text in parse_options(cell))
