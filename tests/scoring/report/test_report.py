"""The report page: complete, harmless whatever the texts hold, and alive in a browser without a network."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import AXE, Browser, needs_browser
from command_line import succeed
from score_reports import csv_of, report_of_command

from cmexam_baseline.exam import Exam, Predictions, Question, write_exam
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam
from cmexam_baseline.scoring.report import misses as misses_module
from cmexam_baseline.scoring.report.charts import departures, properties
from cmexam_baseline.scoring.report.misses import cut_reply, shares
from cmexam_baseline.scoring.report.page import random_accuracies, words_in

TEST = SAMPLE_FOLDER / "test_with_annotations.csv"
ATTACK = (
    "</script><script>document.title='owned'</script>"
    "<img src=http://127.0.0.1:9/x onerror=document.title='owned'>"
    "</style><a href=\"javascript:x\" onclick='x'>{{ 7*7 }}</a><!-- ]]> \u2028 &amp; &#60; 題"
)
TAGS = """
html head meta link title style body header main footer nav section article h1 h2 h3 p div span a b i small code
ul li dl dt dd details summary table caption thead tbody tr th td figure figcaption svg rect line circle text
form label input select option button noscript script
"""
PAGE_TAGS = set(TAGS.split())


class Page(HTMLParser):
    """Tags, attributes and texts of a page as a browser would part them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page_of(*arguments: str | Path, page: Path) -> str:
    succeed("score", *arguments, "--report", page, "-q")
    return page.read_text("utf-8")


@pytest.fixture(scope="module")
def exam() -> Exam:
    return sample_exam("test")


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory, exam: Exam) -> Path:
    """Answers with probabilities and explanations, a fifth of them wrong."""
    chance = np.random.default_rng(3)
    scores: list[float] = []
    answers = []
    for row, count in enumerate(exam.n_options.tolist()):
        stated = chance.dirichlet(np.ones(count))
        if row % 5:
            stated = 0.2 * stated + 0.8 * (np.arange(count) == int(exam.answers[row]).bit_length() - 1)
        scores += stated.tolist()
        answers.append(1 << int(stated.argmax()))
    file = tmp_path_factory.mktemp("predictions") / "model.csv"
    explained = [text[::2] for text in exam.explanations]
    Predictions(exam.ids, np.array(answers, np.uint8), scores, exam.option_offsets, explained).write(file)
    return file


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An exam and replies with markup in every field, also in the names of files, columns and values."""
    folder = tmp_path_factory.mktemp("attack")
    questions = [
        Question(
            f"{ATTACK}{row}",
            f"{ATTACK} 题{row}",
            (f"{ATTACK}甲", f"{ATTACK}乙", "丙"),
            "AB"[row % 2],
            f"解析{row}。{ATTACK}",
            {f"<b>{ATTACK}": f"<i>{ATTACK}{row % 3}"},
        )
        for row in range(40)
    ]
    exam = folder / "<img src=x onerror=alert(1)>.jsonl"
    write_exam(Exam.from_questions(questions), exam)
    replies = folder / "<script>alert(1)<,script>.jsonl"
    with replies.open("w", encoding="utf-8") as stream:
        for question in questions:
            reply = {"id": question.id, "output": f"{ATTACK}\n答案：C。{ATTACK}", "explanation": ATTACK}
            stream.write(json.dumps(reply, ensure_ascii=False) + "\n")
    return replies, exam


def misses_in(text: str) -> list[dict[str, Any]]:
    """The misses that the page holds as data, each with its question."""
    (data,) = [json.loads(part) for part in Page(text).texts if part.startswith('{"questions":')]
    return [{**miss, **data["questions"][miss["question"]]} for miss in data["misses"]]


def test_nothing_from_outside_becomes_markup(tmp_path: Path, attacked: tuple[Path, Path]) -> None:
    replies, exam = attacked
    text = page_of(replies, "--exam", exam, page=tmp_path / "page.html")
    page = Page(text)
    assert set(page.tags) <= PAGE_TAGS
    assert page.tags["script"] == 2 and page.tags["style"] == 1 and page.tags["link"] == 1
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.addresses[0] == "data:,"
    assert all(re.fullmatch("#[a-z]+", address) for address in page.addresses[1:])
    # What was escaped is still there to be read.
    assert any(part.strip() == f"<b>{ATTACK}" for part in page.texts)
    misses = misses_in(text)
    assert len(misses) == 40
    assert misses[7]["question"] == f"{ATTACK} 题7" and misses[7]["reply"].startswith(ATTACK)


def test_every_part_has_its_place(tmp_path: Path, predictions: Path) -> None:
    training = ("--train", SAMPLE_FOLDER / "train.csv")
    text = page_of(predictions, "--exam", TEST, *training, page=tmp_path / "page.html")
    (system,) = report_of_command("score", predictions, "--exam", TEST, *training)["systems"]
    for figure in (system["answers"]["accuracy"], system["answers"]["weighted_f1"]):
        low, high = f"{100 * figure['low']:.1f}", f"{100 * figure['high']:.1f}"
        assert f"{100 * figure['value']:.1f} <small>[{low}, {high}]</small>" in text
    assert f"<dd>{100 * system['without_overlap']['accuracy']:.1f} <small>[" in text
    for part in system["slices"]:
        assert (
            f"{100 * part['accuracy']:.1f} <small>[{100 * part['low']:.0f}, {100 * part['high']:.0f}]" in text
        )
    assert f"Log loss {system['probabilities']['log_loss']:.3f}" in text
    assert Page(text).tags["circle"] == len(system["probabilities"]["reliability"])
    for part in ("answers", "explanations"):
        assert system[part]["signature"] in text
    by = [part["by"] for part in system["slices"]]
    assert text.count('class="lane ') >= len(by)
    assert "Check first" not in text and text.index('id="ranking"') < text.index('id="reading"')


def test_the_expected_accuracy_of_random_answers() -> None:
    exam = sample_exam("test")
    letter, subset = random_accuracies(exam).values()
    n_options = exam.n_options.tolist()
    one_of_letters = [
        sum(1 << place == answer for place in range(n)) / n
        for answer, n in zip(exam.answers.tolist(), n_options, strict=True)
    ]
    one_of_subsets = [
        sum(mask == answer for mask in range(1, 1 << n)) / ((1 << n) - 1)
        for answer, n in zip(exam.answers.tolist(), n_options, strict=True)
    ]
    assert letter == pytest.approx(sum(one_of_letters) / len(exam))
    assert subset == pytest.approx(sum(one_of_subsets) / len(exam))
    assert random_accuracies(None) == {}


@pytest.fixture(scope="module")
def three_systems(tmp_path_factory: pytest.TempPathFactory, exam: Exam) -> list[Path]:
    """Replies with an answer phrase: nearly all right; a tenth wrong; half of them missing or wrong."""
    folder = tmp_path_factory.mktemp("three")
    found = []
    for name, wrong, missing in (("best", 40, 0), ("close", 10, 0), ("poor", 2, 20)):
        lines = []
        for row, question in enumerate(exam):
            if missing and row % missing == 0:
                continue
            letters = "ABCDE"[: len(question.options)]
            answer = question.answer if row % wrong else letters.replace(question.answer[0], "")[0]
            reply = f"😀分析第{row}题。综上，答案：{answer}"
            lines.append(json.dumps({"id": question.id, "response": reply}, ensure_ascii=False) + "\n")
        file = folder / f"{name}.jsonl"
        file.write_text("".join(lines), "utf-8")
        found.append(file)
    return found


def test_systems_are_ranked_and_their_differences_judged(
    tmp_path: Path, three_systems: list[Path], exam: Exam
) -> None:
    text = page_of(*reversed(three_systems), "--exam", TEST, page=tmp_path / "page.html")
    names = re.findall(r'<span class="rank">(\d)</span>\s*<span class="label">(\w+)', text)
    assert names == [("1", "best"), ("2", "close"), ("3", "poor")]
    assert "better than 2–3" in text and "better than 3<" in text
    assert "It is significantly better than every other system." in text
    assert "poor: 10 questions without a row, counted as wrong" in text
    compared = report_of_command("compare", *three_systems, "--exam", TEST)["comparison"]["differences"]
    for one in compared:
        if one["figure"] == "accuracy":
            assert f"+{100 * one['value']:.1f} <small>[" in text
    assert "Random letter" in text and "Human volunteers" in text
    answers = {"a": ["A", "B"] * 75, "b": ["B", "A"] * 75}
    same = csv_of(tmp_path / "same.csv", id=exam.ids[:150], **answers)
    missing = page_of(same, "--exam", TEST, page=tmp_path / "same.html")
    assert (
        missing.count("50 questions without a row, counted as wrong") == 3
    )  # in one warning, and for each system
    assert "all systems: 50 questions without a row" in missing
    zh = page_of(*three_systems, "--exam", TEST, "--lang", "zh", page=tmp_path / "zh.html")
    assert '<html lang="zh">' in zh and "best 准确率最高" in zh and "与其余各系统的差异均有统计学意义" in zh
    assert not re.search(r"[{}]", re.sub(r"<(style|script).*?</\1>", "", zh, flags=re.DOTALL))


def test_what_was_assumed_of_a_file_comes_before_its_figures(tmp_path: Path, exam: Exam) -> None:
    file = tmp_path / "served.jsonl"
    file.write_text(
        "".join(f'{{"id": "chatcmpl-{n}x", "answer": "AB"}}\n' for n in range(len(exam))), "utf-8"
    )
    text = page_of(file, "--exam", TEST, "--answer-column", "answer", page=tmp_path / "page.html")
    assert 0 < text.index("are a server&#39;s and name no question") < text.index("<table")


def test_every_text_has_both_languages() -> None:
    english, chinese = vars(words_in("en")), vars(words_in("zh"))
    for name, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", chinese[name])), name


def test_slices_are_sorted_by_their_difference() -> None:
    def system(name: str, accuracies: list[float]) -> dict[str, Any]:
        parts = [
            {"by": "level", "value": str(place), "n": n, "small": n < 30, "accuracy": one, "low": one - 0.1, "high": one + 0.1}
            for place, (one, n) in enumerate(zip(accuracies, (50, 60, 70, 9), strict=True))
        ]  # fmt: skip
        return {"name": name, "slices": parts, "answers": {"accuracy": {"value": 0.5}}}

    (found,) = properties([system("a", [0.6, 0.3, 0.5, 0.0]), system("b", [0.5, 0.4, 0.1, 1.0])])
    assert [group.value for group in found.groups] == ["2", "1", "0"]
    assert [group.value for group in found.small] == ["3"]
    assert [lane.name for lane in found.groups[0].lanes] == ["a", "b"]
    assert [group.value for group in departures([found])] == ["2", "1"]


def test_systems_without_answers_probabilities_or_misses_have_a_page(tmp_path: Path, exam: Exam) -> None:
    pairs = tmp_path / "pairs.jsonl"
    explained = [text for text in exam.explanations if text]
    pairs.write_text(
        "".join(json.dumps({"reference": text, "prediction": text[::2]}) + "\n" for text in explained)
    )
    text = page_of(pairs, page=tmp_path / "pairs.html")
    assert "ROUGE-L" in text and "ccuracy" not in re.sub(
        r"<(style|script).*?</\1>", "", text, flags=re.DOTALL
    )
    assert Page(text).tags["script"] == 1
    right = csv_of(tmp_path / "right.csv", id=exam.ids, answer=exam.letters())
    text = page_of(right, "--exam", TEST, "--answer-column", "answer", page=tmp_path / "right.html")
    assert (
        "right answers 100.0% of 200 questions" in text and 'id="missed"' not in text and "BLEU-1" not in text
    )


def test_figures_that_are_not_defined_are_said_to_be_so(tmp_path: Path) -> None:
    """Log loss is that of one right option: an exam of many right ones has none."""
    both = [Question(f"q{row}", f"题{row}", ("甲", "乙", "丙"), "AB") for row in range(3)]
    exam = Exam.from_questions(both)
    write_exam(exam, tmp_path / "exam.csv")
    file = tmp_path / "p.csv"
    Predictions(exam.ids, exam.answers, [0.5, 0.4, 0.1] * 3, exam.option_offsets).write(file)
    text = page_of(file, "--exam", tmp_path / "exam.csv", page=tmp_path / "page.html")
    assert "Log loss not defined" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_half_a_surrogate_pair_ends_in_a_page(tmp_path: Path, exam: Exam) -> None:
    """A file name on Linux is bytes: what is no UTF-8 must not spoil the page."""
    file = csv_of(tmp_path / "odd\udcff.csv", id=exam.ids, answer=["A"] * len(exam))
    text = page_of(file, "--exam", TEST, page=tmp_path / "page.html")
    assert "odd?" in text


@pytest.mark.parametrize(
    ("totals", "most", "expected"),
    [
        ([5, 6], 11, [5, 6]),
        ([5, 60], 30, [5, 25]),
        ([50, 2, 90], 42, [20, 2, 20]),
        ([7, 7, 7], 8, [2, 3, 3]),
        ([3], 0, [0]),
        ([], 5, []),
    ],
)
def test_each_system_has_its_share(totals: list[int], most: int, expected: list[int]) -> None:
    assert shares(totals, most) == expected


def test_misses_that_are_not_listed_are_counted(
    tmp_path: Path, exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two systems, one with few misses: it has them all, the other as many as there is room for."""
    wrong = ["B" if answer == "A" else "A" for answer in exam.letters()]
    few = csv_of(tmp_path / "few.csv", id=exam.ids, answer=[*wrong[:9], *exam.letters()[9:]])
    many = csv_of(tmp_path / "many.csv", id=exam.ids, answer=wrong)
    text = page_of(few, many, "--exam", TEST, page=tmp_path / "page.html")
    assert "The page lists" not in text and len(misses_in(text)) == len(exam) + 9

    monkeypatch.setattr(misses_module, "MOST_MISSES", 10)
    text = page_of(few, many, "--exam", TEST, page=tmp_path / "page.html")
    listed = misses_in(text)
    assert [miss["id"] for miss in listed] == [*exam.ids[:5], *exam.ids[:5]]
    assert f"the first 10 of {len(exam) + 9} misses; " in text
    assert "The saved rows of all questions hold the rest" in text


def test_long_texts_are_cut(tmp_path: Path) -> None:
    exam = Exam.from_questions([Question("q", "问" * 5000, ("甲" * 5000, "乙"), "A")])
    write_exam(exam, tmp_path / "exam.csv")
    reply = csv_of(tmp_path / "replies.csv", id=["q"], output=["答案：B" + "长" * 5000])
    (miss,) = misses_in(page_of(reply, "--exam", tmp_path / "exam.csv", page=tmp_path / "page.html"))
    assert miss["question"] == "问" * 1000 + "…"
    assert miss["options"] == ["甲" * 300 + "…", "乙"]
    assert len(miss["reply"]) == 4000 + len(" […] ") and miss["reply"].startswith("答案：B长")


@pytest.mark.parametrize(
    ("span", "expected"), [((1, 3), (1, 3)), ((18, 20), (13, 15)), ((9, 11), None), (None, None)]
)
def test_a_cut_reply_keeps_where_the_answer_was_read(
    span: tuple[int, int] | None, expected: tuple[int, int] | None
) -> None:
    text = "abcdefghijklmnopqrst"
    shortened, moved = cut_reply(text, span, 10)
    assert moved == expected
    if span and moved:
        assert shortened[slice(*moved)] == text[slice(*span)]


@needs_browser
def test_a_browser_shows_filters_and_prints_it(
    tmp_path: Path, three_systems: list[Path], predictions: Path, exam: Exam
) -> None:
    page = tmp_path / "page.html"
    page_of(*three_systems, predictions, "--exam", TEST, page=page)
    systems = report_of_command("score", *three_systems, predictions, "--exam", TEST)["systems"]
    n_missed = {one["name"]: one["answers"]["n"] - one["answers"]["n_correct"] for one in systems}
    total = sum(n_missed.values())
    choose = "box = document.getElementById('{}'); box.value = {}; box.dispatchEvent(new Event('input', {{bubbles: true}}))"
    counted = "document.getElementById('found').textContent"
    with Browser(tmp_path / "profile") as browser:
        for width, height in ((1280, 900), (390, 844)):
            browser.resize(width, height)
            browser.open(page)
            assert browser.run("document.documentElement.scrollWidth") <= width
            # The first system's row is on the first screen.
            assert (
                browser.run("document.querySelector('.row.system').getBoundingClientRect().bottom") < height
            )
        # Figures are not broken into lines, however narrow the screen.
        assert (
            browser.run(
                "Math.max(...[...document.querySelectorAll('figure td')].map(one => one.clientHeight))"
            )
            < 40
        )
        browser.resize(740, 1000)
        browser.send("Emulation.setEmulatedMedia", media="print")
        assert browser.run("document.documentElement.scrollWidth") <= 740  # A4
        browser.send("Emulation.setEmulatedMedia", media="")
        assert browser.run("document.querySelectorAll('.miss').length") == 20
        assert browser.run(counted).startswith(f"{total} misses on ")
        browser.run(choose.format("system", "'close'"))
        assert browser.run(counted).startswith(f"{n_missed['close']} misses on {n_missed['close']} questions")
        # Where the answer was read is marked, though an emoji before it takes two units of UTF-16.
        assert browser.run("document.querySelector('.miss mark').textContent").startswith("答案：")
        question = exam.questions[10]
        browser.run(choose.format("text", json.dumps(question)))
        assert question in browser.run("document.querySelector('.miss').textContent")
        browser.run(choose.format("text", json.dumps("这不在任何题目之中")))
        assert browser.run("document.querySelectorAll('.miss').length") == 0
        browser.run("document.querySelector('.filters button').click()")
        assert browser.run(f"new Promise(done => setTimeout(() => done({counted})))").startswith(
            f"{total} misses"
        )
        # A number of the confusion table filters by its cell; a group by its questions.
        n = browser.run(
            "(cell = document.querySelector('button.cell[data-system=poor]'), cell.click(), cell.textContent)"
        )
        assert browser.run(f"new Promise(done => setTimeout(() => done({counted})))").startswith(
            f"{n} misses on {n} "
        )
        browser.run("document.querySelector('.filters button').click()")
        multi_group = "[...document.getElementById('group').options].find(one => one.text == 'answer size: multi').value"
        browser.run(choose.format("group", multi_group))
        multi = int(exam.is_multi.sum())
        assert int(browser.run(counted).split(" misses on ")[1].split()[0]) <= multi
        assert browser.run(
            "[...document.querySelectorAll('.miss')].every(one => one.querySelectorAll('.right').length > 1)"
        )
        browser.run("dispatchEvent(new Event('beforeprint'))")
        assert browser.run("document.querySelectorAll('details:not([open])').length") == 0
        assert set(browser.requests()) == {page.as_uri()}
        assert browser.complaints() == []


@needs_browser
@pytest.mark.skipif(AXE is None, reason="axe-core is not installed: npm install --no-save axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tmp_path: Path, three_systems: list[Path], predictions: Path, scheme: str) -> None:
    page = tmp_path / "page.html"
    page_of(*three_systems, predictions, "--exam", TEST, page=page)
    with Browser(tmp_path / "profile") as browser:
        browser.send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        for width in (1280, 390):
            browser.resize(width, 844)
            browser.open(page)
            browser.run("document.querySelectorAll('details').forEach(part => { part.open = true; }); 1")
            assert violations(browser) == []
        # What axe is there to find, it finds: grey that is as far from the light paper as from the dark one.
        browser.run(
            "document.querySelector('.lead').style.color = '#808890'; document.body.style.background = '#888'; 1"
        )
        assert violations(browser) == ["color-contrast"]


def violations(browser: Browser) -> list[str]:
    """The rules of axe-core that the open page breaks."""
    assert AXE is not None
    browser.run(AXE.read_text("utf-8") + ";1")
    return list(browser.run("axe.run().then(found => found.violations.map(one => one.id))"))


@needs_browser
def test_a_browser_runs_nothing_that_came_from_outside(tmp_path: Path, attacked: tuple[Path, Path]) -> None:
    replies, exam = attacked
    page = tmp_path / "page.html"
    page_of(replies, "--exam", exam, page=page)
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.run("document.title") != "owned"
        assert browser.run("document.querySelectorAll('.miss').length") == 20
        assert (
            browser.run("document.images.length + document.querySelectorAll('a:not([href^=\"#\"])').length")
            == 0
        )
        assert browser.run("document.querySelector('.miss').textContent").count("</script>") >= 3
        assert browser.requests() == [page.as_uri()]
        assert browser.complaints() == []
