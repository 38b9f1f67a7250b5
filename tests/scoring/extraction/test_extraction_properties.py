"""What holds for every text: no exception, letters within the options, linear time, one reading twice."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import InputError
from cmexam_baseline.scoring import extract, extract_all, extract_answers
from cmexam_baseline.scoring.extraction import RULES
from cmexam_baseline.scoring.extraction.extract import plain_reading
from cmexam_baseline.scoring.extraction.options import OptionTexts
from cmexam_baseline.scoring.extraction.reply_text import CleanText, clean, fold, kept_ranges

OPTIONS = ["毛果芸香碱", "新斯的明", "阿托品", "A型", "以上都是"]
PIECES = st.sampled_from(
    [
        *(
            "A",
            "B",
            "C",
            "ABD",
            "F",
            "a",
            "答案",
            "：",
            ":",
            "正确",
            "错误",
            "不",
            "选",
            "故选",
            "选项",
            "如果",
            "或",
            "和",
        ),
        *(
            "、",
            "，",
            "。",
            "\n",
            " ",
            "（",
            "）",
            "**",
            "<think>",
            "</think>",
            "```json",
            '{"answer": "',
            '"}',
            "\\boxed{",
            "}",
        ),
        *(
            "<|im_end|>",
            "助手：",
            "用户：",
            "题目：",
            "毛果芸香碱",
            "阿托品",
            "以上都是",
            "The answer is ",
            "not ",
            "综上",
            "Ａ",
            "①",
        ),
        *(
            "是",
            "为",
            "都",
            "均",
            "排除",
            "1.",
            "B超",
            "维生素A",
            "$",
            "<answer>",
            "\x08oxed{",
            "\ud800",
            "𝐁",
            "İ",
            "\u200b",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80)


@settings(max_examples=250, deadline=None)
@given(
    TEXTS,
    st.sampled_from(
        [
            None,
            OPTIONS,
            OPTIONS[:2],
            ["1", "2", "3", "4"],
            ["", "", "x"],
            list("ABCDEFGH"),
            list("ABCDEFGHIJ"),
        ]
    ),
    st.sampled_from([None, "下列叙述错误的是", "正确的有"]),
)
def test_any_text_is_read_or_left(text: str, options: list[str] | None, stem: str | None) -> None:
    found = extract(text, options, stem)
    count = 8 if options is None else len(options)
    if found.letters is None:
        assert found.mask == 0
        assert (found.rule == "") == (found.span is None)
        assert found.rule in {"", *RULES}
        return
    assert found.letters == "".join(sorted(set(found.letters)))
    assert set(found.letters) <= set("ABCDEFGHIJ"[:count])
    assert found.mask == sum(1 << "ABCDEFGHIJ".index(letter) for letter in found.letters)
    assert found.rule in RULES
    assert found.span is not None
    assert 0 <= found.span[0] < found.span[1] <= len(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_reading_its_own_letters_again_changes_nothing(text: str) -> None:
    letters = extract(text, OPTIONS).letters
    if letters is not None:
        assert extract(letters, OPTIONS).letters == letters


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("\\boxed{<answer>ABD不")
def test_blanks_around_and_width_do_not_matter(text: str) -> None:
    letters = extract_answers([text], [OPTIONS])[0]
    assert extract_answers([f" \n{text} \n"], [OPTIONS])[0] == letters


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet="ABCDEF答案正确：: 、,，。.()（毛果芸香碱新斯的明", max_size=14)
    | st.builds("{}. {}".format, st.sampled_from("ABCDE"), st.sampled_from(OPTIONS))
)
def test_the_fast_path_reads_what_the_rules_read(text: str) -> None:
    plain = plain_reading(text, OPTIONS)
    if plain is not None:
        # A thought in front keeps the text from the fast path and says nothing.
        slow = extract(f"<think></think>{text}", OPTIONS)
        assert slow.mask == plain.mask, text
        assert extract(text, OPTIONS).mask == plain.mask


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_clean_text_knows_its_place(text: str) -> None:
    whole = CleanText(text, [(0, len(text))])
    for position, char in enumerate(whole.text):
        start, end = whole.raw_span(position, position + 1)
        assert end == start + 1
        assert fold(text[start:end]) == char


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_what_is_kept_lies_in_the_text_in_order(text: str) -> None:
    for ranges in kept_ranges(text):
        places = [place for pair in ranges for place in pair]
        assert places == sorted(places)
        assert all(0 <= place <= len(text) for place in places)


HOSTILE = [
    *(
        "A",
        "A ",
        "A、",
        "A) ",
        "A：\n",
        "答案：",
        "答案",
        "选",
        "是A",
        "的是A",
        "((A",
        "(",
        "\n",
        " ",
        "*",
        "{",
        "\\boxed{",
        "<",
        "<|",
    ),
    *(
        '"answer":',
        "综上，选项A。",
        "阿托品，",
        "A正确",
        "如果选A",
        "A或",
        "answer is ",
        "A is correct ",
        "题目：x\n",
        "问：\n",
        "1",
    ),
    *(
        "A.毛果芸香碱B.新斯的明",
        "B：阿托品是。",
        "因此，阿托品。",
        "<think>",
        "</think>",
        "以上都",
        "全选",
        "不选A",
        "１",
    ),
    *(
        "A. 毛果芸香碱、",
        "答案：A\n",
        "均符合题意",
        "无法确定",
        "<eoa>",
        "A：正确。",
        "answer is (A) or (B) ",
        "I ",
        "答案：B.阿托品。",
        "B.阿托品\n",
        "答案：新斯的明\nB.阿托品\n",
        "保护皮肤（E）、",
        "either A) 1 or B) 2 ",
        "C.新斯的明和\n其他药",
    ),
    *('"answer":[{"a":"b"', "答案：\nA. x\n", "\nA y\nB y\nC y\n", "还有A，"),
]


@pytest.mark.parametrize(
    "beginning", ["", "答案：新斯的明\n", "综上，选项", '{"answer": "', "The answer is "]
)
def test_a_text_four_times_as_long_takes_about_four_times_as_long(beginning: str) -> None:
    options = ["毛果芸香碱", "新斯的明", "阿托品", "1", "2"]

    def seconds(text: str) -> float:
        start = time.process_time()
        extract(text, options, "下列叙述错误的有")
        return time.process_time() - start

    seconds("the rules are compiled on first use")
    for piece in HOSTILE:
        short, long = (beginning + piece * (length // len(piece)) for length in (2_250, 9_000))
        # Quadratic time would be sixteen times as much; the constant covers what the clock does not resolve, and of
        # three tries one must be without a collection of garbage.
        assert any(seconds(long) < 8 * seconds(short) + 0.025 for _ in range(3)), piece


@pytest.mark.parametrize("piece", ["是A", "答案：B。", "阿托品，", "A、", "\n", "<think>", "字"])
def test_ten_megabytes_are_bounded(piece: str) -> None:
    text = piece * (10_000_000 // len(piece))
    start = time.process_time()
    extract(text, OPTIONS)
    assert time.process_time() - start < 4


def test_a_long_text_is_read_at_its_head_and_tail() -> None:
    filler = "这是一段很长的分析。" * 5_000
    assert extract(f"答案：B\n{filler}", OPTIONS).letters == "B"
    assert extract(f"{filler}\n答案：C", OPTIONS).letters == "C"
    assert extract(f"{filler}答案：C。{filler}", OPTIONS).letters is None
    found = extract(f"<think>{filler}选A</think>\n答案：C", OPTIONS)
    assert found.letters == "C"
    assert found.span == (len(filler) + 18, len(filler) + 22)
    assert extract(f"<think>选A。{filler}选A。", OPTIONS).letters is None


def test_wrong_arguments_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"1 options; answers are read for 2 to 10"):
        extract("A", ["甲"])
    with pytest.raises(InputError, match=r"11 options"):
        extract_answers(["A"], [["甲"] * 11])
    with pytest.raises(InputError, match=r"2 texts with 1 lists of options"):
        extract_all(["A", "B"], [OPTIONS])


def test_options_with_their_own_letters_are_the_same() -> None:
    lettered = ["A. 毛果芸香碱", "B. 新斯的明", "C. 阿托品"]
    assert OptionTexts(lettered).texts == ["毛果芸香碱", "新斯的明", "阿托品"]
    assert extract("首选阿托品。", lettered).letters == "C"


def test_options_that_read_alike_are_told_by_letter_only() -> None:
    assert extract("正确答案是甲。", ["甲", "甲", "乙"]).letters is None
    assert extract("正确答案是B。", ["甲", "甲", "乙"]).letters == "B"


def test_clean_removes_marks_and_needless_blanks() -> None:
    assert clean("**维生素 Ｃ** 缺乏") == "维生素C缺乏"
    assert clean("vitamin C deficiency") == "vitamin C deficiency"
