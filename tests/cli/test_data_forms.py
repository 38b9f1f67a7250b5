"""Exam files in the forms that people have: `data convert`, `data stats` and `data check` read them alike."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import complain, succeed

from cmexam_baseline.exam import read_exam

TEN = {letter: f"选项{number}" for number, letter in enumerate("ABCDEFGHIJ", 1)}
B1 = {
    "share_content": "（共用备选答案）\nA.芡实\nB.赤石脂\nC.莲子\nD.浮小麦\nE.肉豆蔻\n",
    "question": [
        {"sub_question": "1)．治疗自汗盗汗的药物是（  ）。", "answer": ["D"], "analysis": ""},
        {"sub_question": "2)．治疗久泻不止的药物是（  ）。", "answer": ["E"], "analysis": "涩肠"},
    ],
    "knowledge_point": "中药学",
}
A3 = {
    "share_content": "患者，女，60岁，小便淋沥不已，腰膝酸软。",
    "question": [
        {"sub_question": "1)．其辨证是（  ）。\nA．热淋\nB．血淋\nC．劳淋", "answer": ["C"], "analysis": ""},
        {"sub_question": "2)．其治法是（  ）。\nA．补气\nB．补肾\nC．补脾", "answer": ["B"], "analysis": ""},
    ],
}
FLAT = [
    {
        "question": "（1～2题共用备选答案）\nA.芡实 B.莲子 C.肉豆蔻\n1.止汗的是",
        "answer": "A",
    },
    {"question": "2.止泻的是", "answer": "C"},
    {
        "question": "（3～4题共用题干）男，50岁，胸痛2小时。\n3.首选检查是",
        "options": ["心电图", "CT"],
        "answer": "A",
    },
    {"question": "4.首选治疗是", "options": ["溶栓", "观察"], "answer": "A"},
    {"question": "5.夜盲症缺乏", "options": ["维生素A", "碘"], "answer": "A"},
]


def check(file: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(succeed("data", "check", file, "--json", *options).stdout)
    return found


def write(file: Path, content: Any) -> Path:
    file.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return file


def test_ten_options(tmp_path: Path) -> None:
    file = tmp_path / "mmlu_pro.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["Question", "Options", "Answer", "Explanation"])
        for number, answer in enumerate(("J", "AIJ", "E")):
            rows.writerow([f"第{number}题", "\n".join(f"{k} {v}" for k, v in TEN.items()), answer, ""])
    assert check(file)["usable"] == {"mmlu_pro.csv": 3}
    stats = json.loads(succeed("data", "stats", file, "--json").stdout)["splits"]["mmlu_pro"]
    assert stats["options"] == {"10": 3}
    assert stats["answers"] == {"AIJ": 1, "E": 1, "J": 1}
    succeed("data", "convert", file, tmp_path / "out.jsonl")
    exam = read_exam(tmp_path / "out.jsonl")
    assert (exam.letters(), exam.options(0)) == (["J", "AIJ", "E"], list(TEN.values()))


@pytest.mark.parametrize(
    ("groups", "stems", "options", "answers"),
    [
        (
            {"example": [B1]},
            ["治疗自汗盗汗的药物是（  ）。", "治疗久泻不止的药物是（  ）。"],
            [["芡实", "赤石脂", "莲子", "浮小麦", "肉豆蔻"]] * 2,
            ["D", "E"],
        ),
        (
            [A3],
            [f"{A3['share_content']}\n其辨证是（  ）。", f"{A3['share_content']}\n其治法是（  ）。"],
            [["热淋", "血淋", "劳淋"], ["补气", "补肾", "补脾"]],
            ["C", "B"],
        ),
        (
            FLAT,
            [
                *("止汗的是", "止泻的是"),
                *("男，50岁，胸痛2小时。\n首选检查是", "男，50岁，胸痛2小时。\n首选治疗是", "5.夜盲症缺乏"),
            ],
            [*[["芡实", "莲子", "肉豆蔻"]] * 2, ["心电图", "CT"], ["溶栓", "观察"], ["维生素A", "碘"]],
            ["A", "C", "A", "A", "A"],
        ),
        (
            [{"共用题干": "男，50岁。", "题干": "首选检查是", "A": "心电图", "B": "CT", "答案": "B"}],
            ["男，50岁。\n首选检查是"],
            [["心电图", "CT"]],
            ["B"],
        ),
    ],
)
def test_shared_stems_and_shared_options(
    tmp_path: Path, groups: Any, stems: list[str], options: list[list[str]], answers: list[str]
) -> None:
    file = write(tmp_path / "tcm.json", groups)
    succeed("data", "convert", file, tmp_path / "out.csv")
    exam = read_exam(tmp_path / "out.csv")
    assert exam.questions == stems
    assert [exam.options(row) for row in range(len(exam))] == options
    assert exam.letters() == answers
    assert check(file)["usable"] == {"tcm.json": len(stems)}
    assert json.loads(succeed("data", "stats", file, "--json").stdout)["splits"]["tcm"]["questions"] == len(
        stems
    )


@pytest.mark.parametrize(
    "cell",
    ["A.芡实 B.莲子 C.肉豆蔻", "A A: 芡实\nB B: 莲子\nC C: 肉豆蔻", "(A) 芡实;\n(B) 莲子;\n(C) 肉豆蔻;"],
)
@pytest.mark.parametrize("name", ["Question", "题目"])
def test_options_on_one_line_or_with_their_letter_repeated(tmp_path: Path, cell: str, name: str) -> None:
    file = write(tmp_path / "exam.json", [{name: "止汗的是", "Options": cell, "Answer": "B"}])
    for folder in ("data", "data"):
        succeed(folder, "convert", file, tmp_path / "out.jsonl", "--overwrite")
    assert read_exam(tmp_path / "out.jsonl").options(0) == ["芡实", "莲子", "肉豆蔻"]
    assert check(file)["usable"] == {"exam.json": 1}


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ([{"id": 2, "answer": "B"}, {"id": 1, "answer": "A"}], "matched by id"),
        ({"2": "B", "1": "A"}, "matched by id"),
        ([{"answer": "A"}, {"answer": "B"}], "matched by position"),
    ],
)
def test_an_answer_key_in_a_file_of_its_own(tmp_path: Path, key: Any, how: str) -> None:
    questions = [{"id": n, "question": f"第{n}题", "option": {"A": "甲", "B": "乙"}} for n in (1, 2)]
    exam, answers = write(tmp_path / "test.json", questions), write(tmp_path / "key.json", key)
    result = succeed("data", "convert", exam, tmp_path / "out.csv", "--key", answers)
    assert f"2 of 2 questions answered, {how}" in result.stderr
    assert read_exam(tmp_path / "out.csv").letters() == ["A", "B"]
    assert read_exam(exam, key=answers).letters() == ["A", "B"]
    assert check(exam, "--key", str(answers))["left_out"] == 0
    write(tmp_path / "model.json", [{"id": 1, "prediction": "A"}, {"id": 2, "prediction": "A"}])
    scored = succeed("score", tmp_path / "model.json", "--exam", exam, "--key", answers, "--json")
    assert json.loads(scored.stdout)["systems"][0]["answers"]["accuracy"]["value"] == 0.5


def test_keys_that_do_not_fit(tmp_path: Path) -> None:
    questions = [{"id": n, "question": f"第{n}题", "option": {"A": "甲", "B": "乙"}} for n in (1, 2)]
    exam = write(tmp_path / "test.json", questions)
    target = tmp_path / "out.csv"

    def refuse(key: Any, *about: str) -> None:
        complain("data", "convert", exam, target, "--key", write(tmp_path / "key.json", key), about=about)

    refuse([{"id": 8, "answer": "A"}], "no id of", "test.json (1, 2, …) is in", "give the key of this exam")
    refuse([{"answer": "A"}], "1 answers for 2 questions", "no column id")
    refuse([{"id": 1, "answer": "A"}, {"id": 1, "answer": "B"}], "two answers for id '1'")
    refuse([{"id": 1, "solution": "A"}], "no column of answers (found: id, solution)")
    answered = write(tmp_path / "answered.json", [{**each, "answer": "A"} for each in questions])
    key = write(tmp_path / "key.json", {"1": "A", "2": "B"})
    complain(
        "data", "convert", answered, target, "--key", key, about=["answers of its own in column 'answer'"]
    )
    assert not target.exists()


def test_messages(tmp_path: Path) -> None:
    good = 'Question,Options,Answer,Explanation\n题,"A 甲\nB 乙",A,\n'
    (tmp_path / "val.csv").write_text(good, "utf-8")
    (tmp_path / "run").mkdir()
    (tmp_path / "typo.csv").write_text(good.replace("Options", "Optoins"), "utf-8")
    for command in ("check", "stats"):
        complain("data", command, tmp_path / "val", about=["val is not there", "did you mean", "val.csv"])
        complain("data", command, tmp_path / "run", about=["run holds no train, val or test file"])
        complain(
            "data",
            command,
            tmp_path / "typo.csv",
            about=["did you mean 'Optoins' as Options?", "Question, Optoins, Answer"],
        )
    complain(
        "data", "convert", tmp_path / "val.csv", tmp_path / "out", about=["out: has no ending; use .csv"]
    )
    complain("data", "overlap", tmp_path, tmp_path / "val.csv", about=["is a folder; give", "val.csv"])
    predict = ("score", tmp_path / "val.csv", "--exam", tmp_path, "--split")
    assert "no train file" in complain(*predict, "training", about=["only"])
    complain(
        "score",
        tmp_path / "val.csv",
        "--exam",
        tmp_path / "val.csv",
        "--split",
        "dev",
        about=["omit --split"],
    )


def test_text_files_need_no_extra_and_tables_name_theirs(tmp_path: Path) -> None:
    code = (
        "import sys; from hidden_modules import hide; hide(['polars', 'fastexcel', 'xlsxwriter', 'pandas', 'sklearn'])\n"
        "from command_line import complain, succeed\n"
        "from cmexam_baseline.exam.sample import SAMPLE_FOLDER\n"
        "for name in ('a.jsonl', 'a.tsv', 'a.json', 'a.csv.gz'):\n"
        "    succeed('data', 'convert', SAMPLE_FOLDER / 'val.csv', name)\n"
        "    succeed('data', 'check', name)\n"
        "for name in ('a.parquet', 'a.xlsx'):\n"
        "    complain('data', 'convert', 'a.tsv', name, about=['polars', 'pip install', '[tables]'])\n"
        "assert not {'polars', 'pandas'} & set(sys.modules)\n"
    )
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(support)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not (tmp_path / "a.parquet").exists()


def test_an_output_replaces_no_input_and_no_foreign_file(tmp_path: Path) -> None:
    exam, notes = tmp_path / "val.csv", tmp_path / "notes.csv"
    exam.write_text(
        "Question,Options,Answer\n缺乏可致夜盲症的是,A 维生素A\nB 维生素C,A\n".replace("\nB", "\\nB"), "utf-8"
    )
    notes.write_text("mine\n", "utf-8")
    before = exam.read_bytes()
    for command, words in (
        (("data", "convert", exam), ["is also an input"]),
        (("prompts", "make", exam, "-o"), ["is also an input"]),
    ):
        complain(*command, exam, about=words)
        complain(*command, notes, about=["was not written by cmexam-baseline", "--overwrite"])
        assert notes.read_text("utf-8") == "mine\n"
        succeed(*command, notes, "--overwrite")
        notes.write_text("mine\n", "utf-8")
    assert exam.read_bytes() == before
