"""The sample exam is what its facts say, and as its description promises."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import read_exam_report, write_exam
from cmexam_baseline.exam.sample import SAMPLE_FILES, SAMPLE_FOLDER, sample_exam, sample_splits
from cmexam_baseline.exam.sample.dealing import COPIES, REWORDED, SAME_STEM, reword
from cmexam_baseline.exam.sample.fact_table import Groups, Pairs
from cmexam_baseline.exam.sample.facts import ITEMS, TABLES
from cmexam_baseline.exam.sample.labels import ANNOTATION_COLUMNS
from cmexam_baseline.exam.sample.make import Row, make_rows, write_sample
from cmexam_baseline.exam.sample.ways import ALL, NONE

SPLITS = {
    split: list(csv.DictReader((SAMPLE_FOLDER / name).open(encoding="utf-8", newline="")))
    for split, name in SAMPLE_FILES.items()
}
ROWS = [row for rows in SPLITS.values() for row in rows]
MADE = make_rows()
DRAWN = [row for rows in MADE.values() for row in rows if row.draft.ask.kind != "item"]
WRITTEN = [row for rows in MADE.values() for row in rows if row.draft.ask.kind == "item"]


def options_of(row: dict[str, str]) -> list[str]:
    return [line[2:] for line in row["Options"].split("\n")]


# What is true, undecided or false by a table, read from its rows alone.
TRUE = {
    topic: {
        (member, held) if isinstance(table, Groups) else (key, held)
        for row in table.rows.values()
        for key, text in row.items()
        for member, held in (
            [(member, key) for member in text.split()] if isinstance(table, Groups) else [("", text)]
        )
    }
    for topic, table in TABLES.items()
}
UNDECIDED = {
    topic: {(subject, value) for subject, values in table.also.items() for value in values}
    for topic, table in TABLES.items()
}


def is_false(topic: str, subject: str, value: str) -> bool:
    return (subject, value) not in TRUE[topic] | UNDECIDED[topic]


def test_the_files_are_what_the_facts_make(tmp_path: Path) -> None:
    written = list(write_sample(tmp_path))
    assert [path.name for path in written] == list(SAMPLE_FILES.values())
    for path in written:
        assert path.read_bytes() == (SAMPLE_FOLDER / path.name).read_bytes(), path.name


def test_another_seed_makes_another_exam() -> None:
    assert [row.draft.stem for row in make_rows(1)["val"]] != [row.draft.stem for row in MADE["val"]]


@pytest.mark.parametrize("split", SAMPLE_FILES)
def test_every_row_is_read_and_written_back_byte_for_byte(split: str, tmp_path: Path) -> None:
    original = SAMPLE_FOLDER / SAMPLE_FILES[split]
    exam, bad = read_exam_report(SAMPLE_FOLDER, split=split)
    assert not bad
    assert len(exam) == len(SPLITS[split])
    write_exam(exam, tmp_path / original.name)
    assert (tmp_path / original.name).read_bytes() == original.read_bytes()
    assert exam == sample_exam(split)


def test_splits_by_name() -> None:
    splits = sample_splits()
    assert {split: len(exam) for split, exam in splits.items()} == {
        split: len(rows) for split, rows in SPLITS.items()
    }
    assert splits["val"].ids[0] == "val-1"
    with pytest.raises(InputError, match="no split 'dev'; choose one of train, val, test"):
        sample_exam("dev")


def test_size_and_proportions() -> None:
    assert len(SPLITS["train"]) > 1200
    assert len(SPLITS["val"]) == len(SPLITS["test"]) == 200
    assert 0.02 < sum(len(row["Answer"]) > 1 for row in ROWS) / len(ROWS) < 0.05
    assert 0.02 < sum(len(options_of(row)) == 4 for row in ROWS) / len(ROWS) < 0.06
    assert 0.80 < sum(bool(row["Explanation"]) for row in ROWS) / len(ROWS) < 0.90
    negated = re.compile("不属于|不正确|错误|有误|除外|并非|不需|不是|不与|不作为|不符合")
    assert 0.05 < sum(bool(negated.search(row["Question"])) for row in ROWS) / len(ROWS) < 0.20
    for last in (ALL, NONE):
        right = [last in right_options(row) for row in ROWS if last in options_of(row)]
        assert len(right) > 20
        assert 0.2 < sum(right) / len(right) < 0.7, last
    assert sum("\n" in row["Explanation"] for row in ROWS) > 10


def right_options(row: dict[str, str]) -> list[str]:
    return [options_of(row)["ABCDE".index(letter)] for letter in row["Answer"]]


def test_every_row_is_well_formed() -> None:
    for row in ROWS:
        options, answer = options_of(row), row["Answer"]
        assert row["Options"].split("\n") == [
            f"{letter} {text}" for letter, text in zip("ABCDE", options, strict=False)
        ]
        assert len(set(options)) == len(options) in (4, 5), row["Question"]
        assert all(text.strip() == text != "" for text in options)
        assert answer
        assert "".join(sorted(set(answer))) == answer
        assert set(answer) <= set("ABCDE"[: len(options)])
        assert "{" not in row["Question"] + row["Options"] + row["Explanation"]


def test_annotations_have_cmexams_names() -> None:
    assert list(SPLITS["train"][0]) == ["Question", "Options", "Answer", "Explanation"]
    assert list(SPLITS["test"][0])[4:] == list(ANNOTATION_COLUMNS)
    for column, names in ANNOTATION_COLUMNS.items():
        counts = Counter(row[column] for row in SPLITS["test"])
        assert set(counts) <= set(names)
        assert len(counts) >= min(len(names) - 1, 20), column


@pytest.mark.parametrize("split", SAMPLE_FILES)
def test_no_letter_is_favoured(split: str) -> None:
    counts = Counter(row["Answer"] for row in SPLITS[split] if len(row["Answer"]) == 1)
    n = sum(counts.values())
    assert all(0.17 < counts[letter] / n < 0.23 for letter in "ABCDE"), counts


def test_the_right_option_is_not_told_by_its_length() -> None:
    chances: dict[str, list[float]] = {"longest": [], "shortest": []}
    for row in ROWS:
        if len(row["Answer"]) == 1:
            lengths = [len(text) for text in options_of(row)]
            right = lengths["ABCDE".index(row["Answer"])]
            for name, extreme in (("longest", max(lengths)), ("shortest", min(lengths))):
                chances[name].append((right == extreme) / lengths.count(extreme))
    for name, found in chances.items():
        assert 0.17 < sum(found) / len(found) < 0.25, name


def test_repetitions_between_splits_are_the_deliberate_ones() -> None:
    stems = {split: [row["Question"] for row in rows] for split, rows in SPLITS.items()}
    assert len(set(stems["train"])) == len(stems["train"])
    whole = {(row["Question"], frozenset(options_of(row))) for row in SPLITS["train"]}
    reworded = {reword(stem) for stem in stems["train"]} - set(stems["train"])
    for split in ("val", "test"):
        copies = [row for row in SPLITS[split] if (row["Question"], frozenset(options_of(row))) in whole]
        assert len(copies) == COPIES[split]
        assert all(row in SPLITS["train"] for row in project(copies))
        assert sum(stem in set(stems["train"]) for stem in stems[split]) == COPIES[split] + SAME_STEM[split]
        assert sum(stem in reworded for stem in stems[split]) >= REWORDED[split]
    assert not set(stems["val"]) & set(stems["test"])


def project(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows with the columns that train has."""
    return [{column: row[column] for column in SPLITS["train"][0]} for row in rows]


@pytest.mark.parametrize("topic", TABLES)
def test_tables_are_sound(topic: str) -> None:
    table = TABLES[topic]
    subjects = [fact.subject for fact in table.facts]
    assert len(set(subjects)) == len(subjects)
    assert set(table.also) <= set(subjects)
    for subject, values in table.also.items():
        assert set(values) <= set(table.values)
        assert not {(subject, value) for value in values} & TRUE[topic]
    assert {(fact.subject, fact.value) for fact in table.facts} == TRUE[topic]
    assert all("{s}" in stem for stem in table.forward)
    assert all("{v}" in stem for stem in table.backward_stems)
    assert "{s}" in table.statement
    assert "{v}" in table.statement
    assert not table.background or table.background.endswith("。")
    for labels in table.rows:
        names = list(ANNOTATION_COLUMNS.values())
        assert all(label in allowed for label, allowed in zip(labels, names, strict=False)), labels
    assert isinstance(table, Pairs | Groups)


@pytest.mark.parametrize("stem", ITEMS)
def test_written_questions_are_sound(stem: str) -> None:
    item = ITEMS[stem]
    right = [item.right] if isinstance(item.right, str) else list(item.right)
    assert len(set(right + list(item.wrong))) == len(right) + len(item.wrong) >= 5
    assert len(set(item.stems)) == len(item.stems)
    assert not item.because.endswith("。")
    assert item.last in ("", *right)
    assert all(
        label in allowed for label, allowed in zip(item.labels, ANNOTATION_COLUMNS.values(), strict=False)
    )


def test_every_way_of_asking_is_used() -> None:
    kinds = Counter(row.draft.ask.kind for row in DRAWN)
    assert {kind for kind, n in kinds.items() if n >= 5} == {
        "forward",
        "backward",
        "backward, none",
        "backward, all",
        "negated",
        "several",
        "all",
        "none",
        "matching",
        "mismatching",
    }


def keyed_by_the_table(row: Row) -> bool:
    """Whether the table says that the keyed options are right and that all others are wrong."""
    ask, topic = row.draft.ask, row.draft.ask.topic
    right = [choice.text for choice in row.choices if choice.chosen]
    wrong = [choice.text for choice in row.choices if not choice.chosen]
    subjects = {subject for subject, _ in TRUE[topic]}
    if ask.kind == "forward":
        return (
            len(right) == 1
            and (ask.subject, right[0]) in TRUE[topic]
            and all(is_false(topic, ask.subject, text) for text in wrong)
        )
    if ask.kind == "negated":
        return (
            len(right) == 1
            and is_false(topic, right[0], ask.value)
            and right[0] in subjects
            and all((text, ask.value) in TRUE[topic] for text in wrong)
        )
    if ask.kind == "all":
        return right == [ALL] and all((text, ask.value) in TRUE[topic] for text in wrong)
    if ask.kind == "none":
        return right == [NONE] and all(
            text in subjects and is_false(topic, text, ask.value) for text in wrong
        )
    if ask.kind in ("matching", "mismatching"):
        said = {TABLES[topic].say(*pair): pair for pair in TRUE[topic]}
        true = [choice.text for choice in row.choices if choice.text in said]
        false = [choice.text for choice in row.choices if choice.text not in said]
        undecided = {TABLES[topic].say(*pair) for pair in UNDECIDED[topic]}
        return (
            len(right) == 1
            and right == (true if ask.kind == "matching" else false)
            and (not undecided & set(false))
        )
    wrong = [text for text in wrong if text not in (ALL, NONE)]
    return (
        (len(right) == 1) == (ask.kind != "several")
        and all((text, ask.value) in TRUE[topic] for text in right)
        and all(text in subjects and is_false(topic, text, ask.value) for text in wrong)
    )


@pytest.mark.parametrize("kind", sorted({row.draft.ask.kind for row in DRAWN}))
def test_the_key_follows_from_the_facts(kind: str) -> None:
    rows = [row for row in DRAWN if row.draft.ask.kind == kind]
    assert [row.draft.stem for row in rows if not keyed_by_the_table(row)] == []
    for row in rows:
        ask = row.draft.ask
        asked = ask.subject if kind == "forward" else ask.value
        assert asked in row.draft.stem


def test_the_key_of_written_questions_is_their_own() -> None:
    for row in WRITTEN:
        item = ITEMS[row.draft.ask.subject]
        right = {item.right} if isinstance(item.right, str) else set(item.right)
        assert {choice.text for choice in row.choices if choice.chosen} == right
        assert {choice.text for choice in row.choices if not choice.chosen} <= set(item.wrong)


MARK = re.compile("（([A-E]+)对(?:([A-E]+)错)?）|（([A-E]+)错(，为本题正确答案)?）")


def test_explanations_mark_every_option_once_and_agree_with_the_answer() -> None:
    for row in ROWS:
        if not row["Explanation"]:
            continue
        letters = "ABCDE"[: len(options_of(row))]
        marks = MARK.findall(row["Explanation"])
        true = "".join(sorted("".join(mark[0] for mark in marks)))
        false = "".join(sorted("".join(mark[1] + mark[2] for mark in marks)))
        odd = "".join(mark[2] for mark in marks if mark[3])
        if odd:
            assert odd == false == row["Answer"], row["Question"]
            assert true in ("", letters.replace(odd, ""))
        else:
            assert "".join(sorted(true + false)) == letters, row["Question"]
            assert true == row["Answer"] or (right_options(row) == [ALL] and true == letters)
