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
from browser import Browser, needs_browser
from command_line import succeed
from score_reports import csv_of, report_of_command

from cmexam_baseline.exam import Exam, Predictions, Question, write_exam
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam
from cmexam_baseline.scoring.report import listed_misses
from cmexam_baseline.scoring.report.misses import shares

TEST = SAMPLE_FOLDER / "test_with_annotations.csv"
ATTACK = (
    "</script><script>document.title='owned'</script>"
    "<img src=http://127.0.0.1:9/x onerror=document.title='owned'>"
    "</style><a href=\"javascript:x\" onclick='x'>{{ 7*7 }}</a><!-- ]]> \u2028 &amp; &#60; 題"
)
PAGE_TAGS = {
    *(
        "html",
        "head",
        "meta",
        "link",
        "title",
        "style",
        "body",
        "main",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
    ),
    *("p", "div", "span", "b", "i", "code", "table", "tr", "th", "td", "input", "button", "script"),
    *("svg", "rect", "line", "circle", "text"),
}


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
    explained = [text[: len(text) // 2] for text in exam.explanations]
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
    """What stands in the page as data."""
    (misses,) = [json.loads(part) for part in Page(text).texts if part.startswith("[{")]
    return list(misses)


def test_nothing_from_outside_becomes_markup(tmp_path: Path, attacked: tuple[Path, Path]) -> None:
    replies, exam = attacked
    text = page_of(replies, "--exam", exam, page=tmp_path / "page.html")
    page = Page(text)
    assert set(page.tags) <= PAGE_TAGS
    assert page.tags["script"] == 2 and page.tags["style"] == 1 and page.tags["link"] == 1
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.addresses == ["data:,"]
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
        assert f"<b>{100 * figure['value']:.1f}</b>" in text
        assert f"{100 * figure['low']:.1f} – {100 * figure['high']:.1f}" in text
    clean = system["without_overlap"]
    assert f"Accuracy on {clean['n']} without overlap with training" in text
    assert f"<b>{100 * clean['accuracy']:.1f}</b>" in text
    for part in system["slices"]:
        assert f"{100 * part['accuracy']:.1f}% [{100 * part['low']:.0f}–{100 * part['high']:.0f}]" in text
    assert f"Log loss {system['probabilities']['log_loss']:.3f}" in text
    assert Page(text).tags["circle"] == len(system["probabilities"]["reliability"])
    for part in ("answers", "explanations"):
        assert system[part]["signature"] in text
    assert text.count('class="row') == len(system["slices"])


def test_systems_without_answers_probabilities_or_misses_have_a_page(tmp_path: Path, exam: Exam) -> None:
    pairs = tmp_path / "pairs.jsonl"
    explained = [text for text in exam.explanations if text]
    pairs.write_text(
        "".join(json.dumps({"reference": text, "prediction": text[::2]}) + "\n" for text in explained)
    )
    text = page_of(pairs, page=tmp_path / "pairs.html")
    assert "ROUGE-L" in text and "Accuracy" not in text
    assert Page(text).tags["script"] == 0
    right = csv_of(tmp_path / "right.csv", id=exam.ids, answer=exam.letters())
    text = page_of(right, "--exam", TEST, page=tmp_path / "right.html")
    assert "<b>100.0</b>" in text and "missed" not in text and "BLEU" not in text


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
    few = csv_of(tmp_path / "few.csv", id=exam.ids, answer=[*wrong[:3], *exam.letters()[3:]])
    many = csv_of(tmp_path / "many.csv", id=exam.ids, answer=wrong)
    text = page_of(few, many, "--exam", TEST, page=tmp_path / "page.html")
    assert "Listed are" not in text and len(misses_in(text)) == len(exam) + 3

    monkeypatch.setattr(listed_misses, "__defaults__", (10,))
    text = page_of(few, many, "--exam", TEST, page=tmp_path / "page.html")
    listed = misses_in(text)
    assert [miss["id"] for miss in listed] == [*exam.ids[:3], *exam.ids[:7]]
    assert f"the first 10 of {len(exam) + 3} misses" in text
    assert f"Of many: 7 of {len(exam)}." in text and "Of few:" not in text
    assert "score --save rows.csv" in text


def test_long_texts_are_cut(tmp_path: Path) -> None:
    exam = Exam.from_questions([Question("q", "问" * 5000, ("甲" * 5000, "乙"), "A")])
    write_exam(exam, tmp_path / "exam.csv")
    reply = csv_of(tmp_path / "replies.csv", id=["q"], output=["答案：B" + "长" * 5000])
    (miss,) = misses_in(page_of(reply, "--exam", tmp_path / "exam.csv", page=tmp_path / "page.html"))
    assert miss["question"] == "问" * 1000 + "…"
    assert miss["options"] == ["甲" * 300 + "…", "乙"]
    assert len(miss["reply"]) == 601 and miss["reply"].endswith("长…")


@needs_browser
def test_a_browser_shows_and_searches_it_without_a_network(
    tmp_path: Path, predictions: Path, exam: Exam
) -> None:
    page = tmp_path / "page.html"
    page_of(predictions, "--exam", TEST, page=page)
    report = report_of_command("score", predictions, "--exam", TEST)
    (system,) = report["systems"]
    n_missed = system["answers"]["n"] - system["answers"]["n_correct"]
    with Browser(tmp_path / "profile") as browser:
        browser.resize(390, 844)
        browser.open(page)
        headline = browser.run("document.querySelector('.figure b').textContent")
        assert headline == f"{100 * system['answers']['accuracy']['value']:.1f}"
        assert browser.run("document.documentElement.scrollWidth") <= 390
        assert browser.run("document.querySelectorAll('.miss').length") == min(20, n_missed)
        assert browser.run("document.getElementById('miss-count').textContent") == f"{n_missed} of {n_missed}"
        (id_,) = browser.run("[document.querySelector('.miss p').textContent.split(' ')[0]]")
        question = exam.questions[exam.ids.index(id_)]
        search = (
            "box = document.getElementById('search'); box.value = {}; box.dispatchEvent(new Event('input'))"
        )
        browser.run(search.format(json.dumps(question)))
        assert browser.run("document.querySelectorAll('.miss').length") >= 1
        assert question in browser.run("document.querySelector('.miss').textContent")
        browser.run(search.format(json.dumps("这不在任何题目之中")))
        assert browser.run("document.querySelectorAll('.miss').length") == 0
        browser.run(search.format("''"))
        browser.run("document.getElementById('more').click()")
        assert browser.run("document.querySelectorAll('.miss').length") == min(40, n_missed)
        assert browser.requests() == [page.as_uri()]
        assert browser.complaints() == []


@needs_browser
def test_a_browser_runs_nothing_that_came_from_outside(tmp_path: Path, attacked: tuple[Path, Path]) -> None:
    replies, exam = attacked
    page = tmp_path / "page.html"
    page_of(replies, "--exam", exam, page=page)
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.run("document.title") != "owned"
        assert browser.run("document.querySelectorAll('.miss').length") == 20
        assert browser.run("document.images.length + document.links.length") == 0
        assert browser.run("document.querySelector('.miss').textContent").count("</script>") >= 3
        assert browser.requests() == [page.as_uri()]
        assert browser.complaints() == []
