"""Files that are broken, enormous or made to do harm: each ends in a score or in one clear line."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pytest
from command_line import complain, succeed
from score_reports import csv_of, report_of_command

from cmexam_baseline.exam import Exam, Question, write_exam
from cmexam_baseline.exam.io import file_bytes
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

VAL = SAMPLE_FOLDER / "val.csv"
ROWS = [
    f"{id_},{letter}"
    for id_, letter in zip(sample_exam("val").ids, sample_exam("val").letters(), strict=True)
]
HEADER = "id,answer"
SCRIPT = "<script>alert(1)</script>"


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def xlsx_bomb() -> bytes:
    """A sheet of a gigabyte of blanks."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, "<xml/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(200):
                sheet.write(b" " * (1 << 20))
    return file.getvalue()


def parquet_bomb() -> bytes:
    """Two kilobytes that stand for four gigabytes: one long text in each of 20,000 rows."""
    file = io.BytesIO()
    column = polars.Series(["A" * 100_000]).new_from_index(0, 20_000)
    polars.DataFrame({"id": column, "answer": column}).write_parquet(file)
    return file.getvalue()


def gzip_bomb() -> bytes:
    """A gigabyte of letters in a megabyte."""
    return b"".join([gzip.compress(table(*ROWS)), *[gzip.compress(b"A" * (32 << 20), 6)] * 32])


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


REFUSED: dict[str, tuple[str, Callable[[], bytes], list[str]]] = {
    "NUL bytes": ("p.csv", lambda: table(*ROWS[:3], "x\0,A", *ROWS[3:]), ["line 5", "NUL"]),
    "only NUL bytes": ("p.jsonl", lambda: b"\0" * 5000, ["line 1", "NUL"]),
    "two encodings": (
        "p.csv",
        lambda: (
            table(*(f"{row},{'解析' * 20}" for row in ROWS), header=f"{HEADER},explanation")
            + "val-1,A,解析\n".encode("gb18030")
        ),
        [f"line {len(ROWS) + 2}", "not UTF-8 here", "save the file as UTF-8"],
    ),
    "the same column twice": (
        "p.csv",
        lambda: table(*(f"{row},B" for row in ROWS), header="id,answer,answer"),
        ["'answer'", "twice"],
    ),
    "ten thousand columns": (
        "p.csv",
        lambda: table("1" + ",x" * 9_999, header=",".join(f"c{n}" for n in range(10_000))),
        ["more than", "columns"],
    ),
    "ten thousand fields": (
        "p.jsonl",
        lambda: json.dumps({f"c{n}": n for n in range(10_000)}).encode(),
        ["more than", "columns"],
    ),
    "ten thousand nested fields": (
        "p.jsonl",
        lambda: json.dumps({"id": "1", "response": {f"c{n}": n for n in range(10_000)}}).encode(),
        ["'response'", "nested fields"],
    ),
    "deep JSON": ("p.json", lambda: f"[{nested(200_000)}]".encode(), ["nested too deep"]),
    "deep lines": (
        "p.jsonl",
        lambda: f'{nested(200_000)}\n{{"id": 1}}\n'.encode(),
        ["line 1", "nested too deep"],
    ),
    "a cut gzip": (
        "p.csv.gz",
        lambda: gzip.compress(table(*ROWS))[:-30],
        ["middle of its gzip", "fetch it again"],
    ),
    "a damaged gzip": (
        "p.csv.gz",
        lambda: gzip.compress(table(*ROWS))[:40] + b"\xff" * 50,
        ["not a valid gzip file"],
    ),
    "a gzip bomb": ("p.csv.gz", gzip_bomb, ["unpacks to more than 200 times its size"]),
    "an XLSX bomb": ("p.xlsx", xlsx_bomb, ["unpacks to more than 200 times its size"]),
    "a Parquet bomb": ("p.parquet", parquet_bomb, ["unpacks to more than 200 times its size"]),
    "a damaged Parquet": (
        "p.parquet",
        lambda: b"PAR1" + b"\xff" * 400 + b"PAR1",
        ["not a valid Parquet file"],
    ),
    "a quote that never ends": ("p.csv", lambda: table(*ROWS, '"x,A'), ["quotes do not close"]),
    "nothing": ("p.csv", lambda: b"", ["p.csv"]),
    "a header alone": ("p.csv", lambda: table(), ["p.csv"]),
    "no columns that help": ("p.csv", lambda: table("x,y", header="foo,bar"), ["1 rows for 200"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    name, content, about = REFUSED[case]
    (tmp_path / name).write_bytes(content())
    started = time.perf_counter()
    complain("score", tmp_path / name, VAL, about=[name, *about])
    assert time.perf_counter() - started < 20


def test_standard_input_has_the_same_bounds() -> None:
    command = [Path(sys.executable).with_name("cmexam-baseline"), "score", "-", "--exam", VAL]
    done = subprocess.run(command, input=gzip_bomb(), capture_output=True, check=False)
    assert done.returncode == 2
    assert b"standard input unpacks to more than 200 times its size" in done.stderr.splitlines()[-1]


def peak_megabytes(file: Path, *arguments: str | Path) -> tuple[int, float, bytes]:
    """Exit status, highest memory of the process, what it wrote to standard error."""
    command = [Path(sys.executable).with_name("cmexam-baseline"), "score", file, *arguments]
    measure = (
        "import json, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "sys.stderr.buffer.write(done.stderr)\n"
        "print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", measure, *command], capture_output=True, check=True)
    status, megabytes = json.loads(done.stdout)
    return status, megabytes, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured as POSIX does")
@pytest.mark.parametrize("case", ["a gzip bomb", "an XLSX bomb", "a Parquet bomb"])
def test_a_bomb_takes_no_memory(tmp_path: Path, case: str) -> None:
    name, content, _ = REFUSED[case]
    (tmp_path / name).write_bytes(content())
    status, megabytes, told = peak_megabytes(tmp_path / name, VAL)
    assert status == 2 and b"Traceback" not in told
    assert megabytes < 600


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl", "p.tsv"])
def test_a_line_without_an_end_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_bytes, "LONG_LINE", 1 << 20)
    (tmp_path / name).write_bytes(table(*ROWS[:5]) + b"A" * (3 << 20))
    complain("score", tmp_path / name, VAL, about=[name, "line 7", "longer than 1 MiB"])


def score_of(file: Path, *arguments: str | Path) -> dict[str, Any]:
    (system,) = report_of_command("score", file, VAL, *arguments)["systems"]
    return dict(system)


@pytest.mark.parametrize(
    "filling",
    ["甲", "A", " ", "答案", "A、", "答案：A。", "<think>", "(", "不选A，", "\n", "{", "\\boxed{", "-"],
)
def test_a_cell_of_ten_megabytes_is_read(tmp_path: Path, filling: str) -> None:
    exam = sample_exam("val")
    replies = [f"答案：{letter}" for letter in exam.letters()]
    replies[4] = filling * (10_000_000 // len(filling.encode()))
    file = csv_of(tmp_path / "p.csv", id=exam.ids, response=replies)
    started = time.perf_counter()
    found = score_of(file)["answers"]
    assert found["n_correct"] >= len(exam) - 1
    assert time.perf_counter() - started < 20


def test_markup_in_every_field_is_text(tmp_path: Path) -> None:
    exam = Exam.from_questions(
        [
            Question(
                f"{SCRIPT}{row}", f"{SCRIPT}题{row}", (f"{SCRIPT}甲", "乙"), "A", SCRIPT, {SCRIPT: SCRIPT}
            )
            for row in range(4)
        ]
    )
    write_exam(exam, tmp_path / "exam.csv")
    file = csv_of(tmp_path / "[red]x[|red].csv", id=exam.ids, answer=["A"] * 4, explanation=[SCRIPT] * 4)
    for form in ("table", "csv", "markdown", "latex", "json"):
        printed = succeed("score", file, tmp_path / "exam.csv", "--format", form, "-q").stdout
        assert "[red]x[" in printed
    markdown = succeed("score", file, tmp_path / "exam.csv", "--format", "markdown", "-q").stdout
    assert "<script>" not in markdown


def test_names_become_no_command_of_latex_or_markdown(tmp_path: Path) -> None:
    exam = sample_exam("val")
    name = r"\input{x} a|b ~^ $1"
    file = csv_of(tmp_path / "wide.csv", id=exam.ids, **{name: ["A", "B"] * 100, "other": ["B", "A"] * 100})
    latex = succeed("score", file, VAL, "--format", "latex", "-q").stdout
    assert r"\textbackslash{}input\{x\} a|b \textasciitilde{}\textasciicircum{} \$1" in latex
    markdown = succeed("score", file, VAL, "--format", "markdown", "-q").stdout
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({row.replace(r"\|", "").count("|") for row in rows}) == 1


def test_formulas_are_texts(tmp_path: Path) -> None:
    """They are neither computed nor changed: an id that is saved is the id that was read."""
    exam = sample_exam("val")[:3]
    ids = ["=1+1", "@SUM(A1)", "-2+3"]
    named = Exam(ids, exam.questions, exam.option_texts, exam.option_offsets, exam.answers, [""] * 3)
    write_exam(named, tmp_path / "exam.jsonl")
    file = csv_of(tmp_path / "p.csv", id=ids, answer=['="A"', "A", "+B"])
    succeed("score", file, tmp_path / "exam.jsonl", "--save", tmp_path / "rows.csv", "-q")
    saved = (tmp_path / "rows.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[1] for line in saved[1:]] == ids


def test_ids_as_floats_are_the_whole_numbers_they_were(tmp_path: Path) -> None:
    exam = sample_exam("val")
    numbered = Exam(
        [str(row) for row in range(1, len(exam) + 1)],
        *(exam.questions, exam.option_texts, exam.option_offsets, exam.answers, exam.explanations),
    )
    write_exam(numbered, tmp_path / "exam.jsonl")
    letters = [letter if row % 2 else "不知道" for row, letter in enumerate(exam.letters())]
    ids = [f"{row}.0" for row in range(len(exam), 0, -1)]
    csv_file = csv_of(tmp_path / "p.csv", id=ids, answer=letters[::-1])
    lines = [json.dumps({"id": float(row), "answer": a}) for row, a in enumerate(letters, 1)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines), "utf-8")
    for file in (csv_file, tmp_path / "p.jsonl"):
        (system,) = report_of_command("score", file, tmp_path / "exam.jsonl")["systems"]
        assert system["join"]["by"] == "id"
        assert system["answers"]["accuracy"]["value"] == 0.5


@pytest.mark.parametrize("depth", [5, 50, 900])
def test_json_of_some_depth_is_a_reply_like_any_other(tmp_path: Path, depth: int) -> None:
    exam = sample_exam("val")
    lines = [
        f'{{"id": {json.dumps(id_)}, "answer": "{letter}", "extra": {nested(depth)}}}'
        for id_, letter in zip(exam.ids, ["A", *exam.letters()[1:]][:100] + ["B"] * 100, strict=True)
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(lines), "utf-8")
    assert score_of(tmp_path / "p.jsonl")["answers"]["accuracy"]["value"] > 0.5
