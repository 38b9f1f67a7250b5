"""`compare`: differences with paired tests, agreement, who wins which slice, the published table beside."""

from __future__ import annotations

import csv
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from command_line import complain, succeed
from score_reports import csv_of, report_of_command
from shared_data import SHARED, needs_shared

from cmexam_baseline import metrics
from cmexam_baseline.cli import score_tables
from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.published import PUBLISHED_RESULTS
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam
from cmexam_baseline.scoring import comparison

TEST = SAMPLE_FOLDER / "test_with_annotations.csv"
SKILLS = {"good": 0.9, "fair": 0.6, "also fair": 0.58, "poor": 0.25}


@pytest.fixture(scope="module")
def exam() -> Exam:
    return sample_exam("test")


@pytest.fixture(scope="module")
def systems(exam: Exam) -> dict[str, list[str]]:
    """Four systems that are right as often as they should be; none is on the first three questions."""
    chance = random.Random(5)
    answers = {}
    for name, skill in SKILLS.items():
        answers[name] = [
            letter if row > 2 and chance.random() < skill else "B" if letter == "A" else "A"
            for row, letter in enumerate(exam.letters())
        ]
    return answers


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, exam: Exam, systems: dict[str, list[str]]) -> Path:
    return csv_of(tmp_path_factory.mktemp("wide") / "four.csv", id=exam.ids, **systems)


@pytest.fixture(scope="module")
def report(wide: Path) -> dict[str, Any]:
    return report_of_command("compare", wide, "--exam", TEST, "--published")


def differences(report: dict[str, Any], figure: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (each["first"], each["second"]): each
        for each in report["comparison"]["differences"]
        if each["figure"] == figure
    }


def test_every_pair_is_tested_as_scipy_tests_it(
    report: dict[str, Any], exam: Exam, systems: dict[str, list[str]]
) -> None:
    gold = np.array(exam.letters())
    found = differences(report, "accuracy")
    assert list(found) == list(combinations(SKILLS, 2))
    for (first, second), difference in found.items():
        a, b = np.array(systems[first]) == gold, np.array(systems[second]) == gold
        only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
        assert difference["value"] == pytest.approx(a.mean() - b.mean())
        assert difference["low"] <= difference["value"] <= difference["high"]
        assert difference["test"] == "McNemar"
        expected = scipy.stats.binomtest(only_a, only_a + only_b).pvalue
        assert difference["p"] == pytest.approx(expected, rel=1e-9)
    assert found["good", "poor"]["p_holm"] < 1e-6
    assert found["fair", "also fair"]["p_holm"] > 0.05


def test_p_of_f1_is_that_of_exchanged_answers(
    report: dict[str, Any], exam: Exam, systems: dict[str, list[str]]
) -> None:
    chance = np.random.default_rng(1)
    for pair in (("fair", "also fair"), ("good", "fair")):
        # Numbers, which scikit-learn compares several times as fast as strings.
        columns = (exam.letters(), *(systems[name] for name in pair))
        gold, a, b = np.unique(np.array(columns), return_inverse=True)[1].reshape(3, -1)

        def gap(a: np.ndarray, b: np.ndarray, gold: np.ndarray = gold) -> float:
            figures = (
                sklearn.metrics.f1_score(gold, side, average="weighted", zero_division=0) for side in (a, b)
            )
            return float(np.subtract(*figures))

        observed, trials, as_far = gap(a, b), 200, 0
        for _ in range(trials):
            coin = chance.random(len(gold)) < 0.5
            as_far += abs(gap(np.where(coin, a, b), np.where(coin, b, a))) >= abs(observed) - 1e-12
        expected = (as_far + 1) / (trials + 1)
        difference = differences(report, "weighted_f1")[pair]
        assert difference["test"] == "permutation"
        assert difference["value"] == pytest.approx(observed)
        assert difference["p"] == pytest.approx(expected, abs=4 * np.sqrt(0.25 / trials))


def test_p_is_corrected_over_all_pairs_of_a_figure(report: dict[str, Any]) -> None:
    for figure in ("accuracy", "weighted_f1"):
        found = list(differences(report, figure).values())
        in_order = sorted(found, key=lambda difference: float(difference["p"]))
        highest = 0.0
        for smaller, difference in enumerate(in_order):
            highest = max(highest, min(1.0, (len(found) - smaller) * difference["p"]))
            assert difference["p_holm"] == pytest.approx(highest)


def test_agreement_and_questions_that_all_miss(
    report: dict[str, Any], exam: Exam, systems: dict[str, list[str]]
) -> None:
    comparison = report["comparison"]
    for each in comparison["agreement"]:
        pairs = zip(systems[each["first"]], systems[each["second"]], strict=True)
        assert each["share"] == pytest.approx(np.mean([a == b for a, b in pairs]))
    right = np.array([np.array(answers) == np.array(exam.letters()) for answers in systems.values()])
    assert comparison["all_miss"] == [exam.ids[row] for row in np.flatnonzero(~right.any(axis=0))]
    assert set(exam.ids[:3]) <= set(comparison["all_miss"])
    assert comparison["none_miss"] == int(right.all(axis=0).sum())


def test_slices_name_their_winners(report: dict[str, Any], exam: Exam, systems: dict[str, list[str]]) -> None:
    comparison = report["comparison"]
    for part in comparison["slices"]:
        if part["by"] != "Difficulty level":
            continue
        inside = [row for row, level in enumerate(exam.annotations[part["by"]]) if level == part["value"]]
        gold = exam.letters()
        right = {name: sum(answers[row] == gold[row] for row in inside) for name, answers in systems.items()}
        best = max(right.values())
        assert part["n"] == len(inside)
        assert part["winners"] == [name for name, count in right.items() if count == best]
        assert part["accuracy"] == pytest.approx(best / len(inside))
    wins = dict.fromkeys(SKILLS, 0)
    for part in comparison["slices"]:
        for name in part["winners"]:
            wins[name] += not part["small"]
    assert comparison["slice_wins"] == {name: count for name, count in wins.items() if count}
    assert max(wins, key=wins.__getitem__) == "good"


def test_published_rows_are_marked_as_such(report: dict[str, Any], wide: Path) -> None:
    assert [row["model"] for row in report["published"]] == [row.model for row in PUBLISHED_RESULTS]
    assert {row["split"] for row in report["published"]} == {"test"}
    printed = succeed("compare", wide, "--exam", TEST, "--published", "-q").stdout
    assert "Published, on the whole test split of CMExam" in printed
    assert "37.1±0.2" in printed
    alone = succeed("compare", wide, "--exam", TEST, "-q").stdout
    assert "Published" not in alone and "37.1±0.2" not in alone
    assert report_of_command("compare", wide, "--exam", TEST)["published"] == []


def test_the_table_shows_differences_and_no_p_of_zero(wide: Path, report: dict[str, Any]) -> None:
    printed = succeed("compare", wide, "--exam", TEST, "-q").stdout
    gap = differences(report, "accuracy")["good", "poor"]["value"]
    assert f"{100 * gap:+.1f} *" in printed
    assert "<0.0001" in printed and " 0.0000 " not in printed
    assert (
        f"All miss {len(report['comparison']['all_miss'])} questions ({sample_exam('test').ids[0]}" in printed
    )


def test_files_with_other_rows_are_compared_on_those_they_share(tmp_path: Path, exam: Exam) -> None:
    """As many rows in both files, but not the same ones: each explanation must meet its own question."""
    halves = {"first.csv": range(40), "second.csv": range(20, 60)}
    explained = [row for row in range(len(exam)) if exam.explanations[row]]
    texts = {"first.csv": lambda text: text[:-1], "second.csv": lambda text: text[: len(text) // 2]}
    for name, places in halves.items():
        rows = [explained[place] for place in places]
        csv_of(
            tmp_path / name,
            id=[exam.ids[row] for row in rows],
            answer=[exam.letters()[row] for row in rows],
            predicted_explanation=[texts[name](exam.explanations[row]) for row in rows],
        )
    files = [tmp_path / name for name in halves]
    report = report_of_command(
        "compare", *files, "--exam", TEST, "--missing", "skip", "--answer-column", "answer"
    )
    assert report["comparison"]["n"] == 20
    shared = [exam.explanations[explained[place]] for place in range(20, 40)]
    figures = [
        metrics.score_explanations(shared, [cut(text) for text in shared]).bleu4 for cut in texts.values()
    ]
    difference = differences(report, "bleu4")["first", "second"]
    assert difference["value"] == pytest.approx(figures[0] - figures[1], abs=1e-9)
    assert difference["p"] < 0.01
    assert differences(report, "accuracy")["first", "second"]["p"] == 1.0


def test_missing_predictions_of_each_system_are_counted(tmp_path: Path, exam: Exam) -> None:
    explained = [row for row in range(len(exam)) if exam.explanations[row]][:50]
    for name, kept in (("all", explained), ("some", explained[10:])):
        csv_of(
            tmp_path / f"{name}.csv",
            id=[exam.ids[row] for row in kept],
            answer=["?" if place < 3 and name == "some" else "A" for place in range(len(kept))],
            explanation=[
                "" if place < 5 and name == "some" else f"因为{place}" for place in range(len(kept))
            ],
        )
    files = (tmp_path / "all.csv", tmp_path / "some.csv", "--exam", TEST, "--answer-column", "answer")
    n_explained = sum(map(bool, exam.explanations))
    expected = {
        "all": (len(exam) - 50, n_explained - 50),
        "some": (len(exam) - 40 + 3, n_explained - 40 + 5),
    }
    systems = report_of_command("compare", *files)["systems"]
    found = {
        each["name"]: (each["answers"]["n_unanswered"], each["explanations"]["n_missing"]) for each in systems
    }
    assert found == expected
    markdown = succeed("compare", *files, "-q", "--format", "markdown").stdout
    assert "| missing answers | missing expl. |" in markdown
    for answers, explanations in expected.values():
        assert f" | {answers} | {explanations} | " in markdown
    page = tmp_path / "page.html"
    succeed("score", *files, "--report", page, "-q")
    assert f"<td>{expected['some'][1]}<small></small></td>" in page.read_text("utf-8")


def test_systems_that_only_explain_are_compared_by_their_explanations(tmp_path: Path, exam: Exam) -> None:
    for name, share in (("long", 2), ("short", 4)):
        texts = [text[: len(text) // share] for text in exam.explanations]
        csv_of(tmp_path / f"{name}.csv", id=exam.ids, predicted_explanation=texts)
    report = report_of_command("compare", tmp_path / "long.csv", tmp_path / "short.csv", "--exam", TEST)
    assert not differences(report, "accuracy") and report["comparison"]["all_miss"] == []
    assert differences(report, "rouge1")["long", "short"]["p"] < 0.001
    assert "long" in succeed("compare", tmp_path / "long.csv", tmp_path / "short.csv", TEST, "-q").stdout


def test_one_system_is_nothing_to_compare(tmp_path: Path, exam: Exam) -> None:
    file = csv_of(tmp_path / "one.csv", id=exam.ids, answer=["A"] * len(exam))
    complain("compare", file, "--exam", TEST, about=["two systems or more"])
    complain("compare", file, about=["--exam"])
    for name, ids in (("a", exam.ids[:5]), ("b", exam.ids[5:10])):
        csv_of(tmp_path / f"{name}.csv", id=ids, answer=["A"] * 5)
    apart = (tmp_path / "a.csv", tmp_path / "b.csv", "--exam", TEST)
    complain("compare", *apart, "--missing", "skip", about=["no question has a row from every system"])


@needs_shared
def test_nine_real_models_are_compared_by_one_plain_command() -> None:
    data = SHARED / "data"
    report = report_of_command(
        "compare", data / "predictions/val_letters_9_models.csv", data / "cmexam/val.csv", "--missing", "skip"
    )
    assert len(report["systems"]) == 9 and report["comparison"]["n"] == 194
    assert len(differences(report, "accuracy")) == 36
    assert differences(report, "accuracy")["qwen25-32b", "llama3-8b"]["p_holm"] < 0.001


def test_jobs_change_no_figure(wide: Path, report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmexam_baseline.scoring.parallel.ROWS_A_PART", 17)
    assert report_of_command("compare", wide, "--exam", TEST, "--published", "--jobs", "2") == report


def test_dask_needs_a_scheduler(wide: Path) -> None:
    complain(
        "compare", wide, "--exam", TEST, "--backend", "dask", about=["--scheduler ADDRESS belong together"]
    )
    complain("score", wide, "--exam", TEST, "--scheduler", "tcp://x", about=["--scheduler ADDRESS belong"])


def test_of_many_systems_only_the_best_meets_each_other(
    tmp_path: Path, exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MOST_FOR_ALL_PAIRS", 4)
    monkeypatch.setattr(score_tables, "SIDE_BY_SIDE", 3)
    chance = random.Random(1)
    columns = {}
    for number in range(5):
        right = 0.9 if number == 2 else 0.2 * number
        columns[f"model{number}"] = [
            letters if chance.random() < right else "A" if letters == "B" else "B"
            for letters in exam.letters()
        ]
    many = csv_of(tmp_path / "many.csv", id=exam.ids, **columns)
    best = report_of_command("compare", many, "--exam", TEST)["comparison"]
    assert best["pairs"] == "best"
    assert {each["first"] for each in best["differences"]} == {"model2"}
    assert len(best["differences"]) == 2 * 4
    assert len(best["agreement"]) == 5 * 4 / 2

    every = report_of_command("compare", many, "--exam", TEST, "--all-pairs")["comparison"]
    assert every["pairs"] == "all"
    assert len(every["differences"]) == 2 * 10
    both_ways = {
        frozenset(pair): each for pair, each in differences({"comparison": every}, "accuracy").items()
    }
    for each in best["differences"][:4]:
        same = both_ways[frozenset((each["first"], each["second"]))]
        assert each["p"] == same["p"]
        assert abs(each["value"]) == pytest.approx(abs(same["value"]))
        assert each["p"] <= each["p_holm"]
        # Pairs that were not tested count as if they had no difference.
        assert each["p_holm"] >= same["p_holm"]

    shown = succeed("compare", many, "--exam", TEST, "-q").output
    assert "Only model2, the best, against each other" in shown
    assert "Groups of the 3 most accurate systems" in shown


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "latex"])
def test_every_form_is_printed_and_written(wide: Path, tmp_path: Path, form: str) -> None:
    asked = ("compare", wide, "--exam", TEST, "--published", "-q", "--resamples", "100", "--format", form)
    printed = succeed(*asked).stdout
    assert "good" in printed and (form == "csv" or "RoBERTa-CMExam" in printed)
    file = tmp_path / "compared.out"
    assert succeed(*asked, "-o", file).stdout == ""
    assert file.read_text("utf-8") == printed
    if form == "csv":
        rows = list(csv.DictReader(printed.splitlines()))
        assert len(rows) == 2 * len(list(combinations(SKILLS, 2)))
        assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)
    complain("compare", wide, "--exam", TEST, "-o", wide, about=["is also an input"])
