"""Files of the tools that people use give the figure that is in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from prediction_shapes import SHAPES, N, as_csv, as_jsonl, letters, prompt, reply, scores, the_exam

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring import ColumnChoice, Report, score_file, score_files
from cmexam_baseline.scoring.outputs.flatten import flatten_columns
from cmexam_baseline.scoring.outputs.shapes import records_of


def scored(folder: Path, name: str, content: bytes, **parameters: Any) -> Report:
    (folder / name).write_bytes(content)
    return score_file(folder / name, the_exam(), resamples=10, **parameters)


@pytest.mark.parametrize("name", SHAPES)
def test_sixty_of_a_hundred_are_right_in_every_shape(tmp_path: Path, name: str) -> None:
    report = scored(tmp_path, name, SHAPES[name]())
    assert report.accuracy == 0.6
    (system,) = report.systems
    assert system.name == Path(name).stem and system.aligned.matched.size == N


@pytest.mark.parametrize("name", SHAPES)
def test_packed_files_are_read_as_well(tmp_path: Path, name: str) -> None:
    if name in ("published.csv", "inspect.json", "lines.txt"):
        assert scored(tmp_path, f"{name}.gz", gzip.compress(SHAPES[name]())).accuracy == 0.6


def test_log_likelihoods_are_kept_as_probabilities(tmp_path: Path) -> None:
    report = scored(tmp_path, "p.jsonl", SHAPES["lm_eval_choices.jsonl"]())
    probabilities = report.systems[0].aligned.option_scores
    assert probabilities is not None
    likelihoods = scores(0)
    assert probabilities[0] / probabilities[1] == pytest.approx(
        2.718281828459045 ** (likelihoods[0] - likelihoods[1])
    )
    assert report.to_dict()["systems"][0]["probabilities"]["n"] == N


def test_numbers_need_their_base_unless_the_file_settles_it(tmp_path: Path) -> None:
    numbers = [LETTERS.index(letter) for letter in letters()]
    content = as_csv(id=list(the_exam().ids), prediction=numbers)
    with pytest.raises(InputError, match=r"prediction holds numbers.*`index_base=0` or `index_base=1`"):
        scored(tmp_path, "p.csv", content)
    assert scored(tmp_path, "p.csv", content, index_base=0).accuracy == 0.6
    assert scored(tmp_path, "p.csv", content, index_base=1).accuracy < 0.4
    # The key counts from 0, the model from 1.
    key = [LETTERS.index(letter) for letter in the_exam().letters()]
    content = as_csv(id=list(the_exam().ids), label=key, prediction=[number + 1 for number in numbers])
    with pytest.raises(
        InputError, match="answers count options from 0, but the numbers in prediction fit 1 better"
    ):
        scored(tmp_path, "p.csv", content)
    assert scored(tmp_path, "p.csv", content, index_base=1).accuracy == 0.6


@pytest.mark.parametrize(
    "lines", ["".join(f"{i},{x}\n" for i, x in enumerate(letters(), 1)), "".join(f"{x}\n" for x in letters())]
)
def test_a_table_without_a_header_is_refused_not_read_without_its_first_row(
    tmp_path: Path, lines: str
) -> None:
    with pytest.raises(InputError, match="no header"):
        scored(tmp_path, "p.csv", lines.encode())


def test_letters_may_be_small_and_apart() -> None:
    exam = the_exam()
    rows = [{"id": exam.ids[row], "prediction": f"{letters()[row].lower()} "} for row in range(N)]
    rows[0]["prediction"] = "b d"
    report = score_file(rows, exam, resamples=10)
    assert report.to_columns()["answer"][0] == "BD"
    assert report.to_columns()["answer"][1:] == list(letters())[1:]


def several(row: int) -> list[str]:
    return [reply(row), "答案是A。", reply(row), "答案是B。", reply(row)]


@pytest.mark.parametrize(
    "items",
    [
        [{"id": i, "response": several(row)} for row, i in enumerate(the_exam().ids)],
        [
            {"id": i, "epoch": k, "response": text}
            for row, i in enumerate(the_exam().ids)
            for k, text in enumerate(several(row))
        ],
        [{"id": i, "response": text} for row, i in enumerate(the_exam().ids) for text in several(row)],
        [
            {
                "custom_id": i,
                "response": {"choices": [{"message": {"content": text}} for text in several(row)]},
            }
            for row, i in enumerate(the_exam().ids)
        ],
        [
            {"id": i, "answers": [letters()[row], "A", letters()[row], "B", letters()[row]]}
            for row, i in enumerate(the_exam().ids)
        ],
    ],
    ids=["list", "epochs", "rows", "choices", "letters"],
)
def test_several_replies_vote_and_the_user_can_say_otherwise(items: list[dict[str, Any]]) -> None:
    exam = the_exam()
    report = score_file(items, exam, resamples=10)
    assert report.accuracy == 0.6
    assert any("vote" in remark for remark in report.to_dict()["systems"][0]["remarks"])
    assert score_file(items, exam, samples="first", resamples=10).accuracy == 0.6
    gold = exam.letters()
    right = sum(
        3 * (letter == gold[row]) + (gold[row] == "A") + (gold[row] == "B")
        for row, letter in enumerate(letters())
    )
    mean = score_file(items, exam, samples="mean", resamples=50)
    assert mean.accuracy == pytest.approx(right / 500)
    interval = mean.interval("accuracy")
    assert interval.low < interval.value < interval.high


def test_a_long_file_of_several_models_is_several_systems() -> None:
    exam = the_exam()
    rows = [
        {
            "model": model,
            "id": i,
            "response": reply(row) if model == "m-1.5" else f"答案：{exam.letters()[row]}",
        }
        for model in ("m-1.5", "m-2")
        for row, i in enumerate(exam.ids)
    ]
    report = score_file(rows, exam, resamples=10)
    assert {system.name: report.interval("accuracy", system.name).value for system in report.systems} == {
        "m-1.5": 0.6,
        "m-2": 1.0,
    }
    with pytest.raises(InputError, match="2 systems; name one: m-1.5, m-2"):
        assert report.accuracy


def replies_under(**conditions: list[object]) -> list[dict[str, object]]:
    """A row for each question and combination of values: the first is right, the others answer 40% wrongly."""
    exam = the_exam()
    places = enumerate(zip(exam.ids, exam.letters(), strict=True))
    combinations = list(product(*conditions.values()))
    return [
        {
            "id": i,
            **dict(zip(conditions, values, strict=True)),
            "response": f"答案：{right if values == combinations[0] else letters()[row]}",
        }
        for row, (i, right) in places
        for values in combinations
    ]


@pytest.mark.parametrize(
    ("conditions", "told_by"),
    [
        ({"lang": ["zh", "en"]}, "lang"),
        ({"prompt_version": ["v1", "v2", "v3"]}, "prompt_version"),
        ({"temperature": [0, 0.7]}, "temperature"),
        ({"shots": [0, 1]}, "shots"),
        ({"seed": [1, 2], "lang": ["zh", "en"]}, "lang"),
    ],
)
def test_replies_under_several_conditions_are_not_voted_over(
    conditions: dict[str, list[object]], told_by: str
) -> None:
    rows = replies_under(**conditions)
    with pytest.raises(InputError, match=f"{told_by} tells apart.*`model_column='{told_by}'`"):
        score_file(rows, the_exam(), resamples=1)
    apart = score_file(rows, the_exam(), columns=ColumnChoice(model=told_by), resamples=1)
    assert [system.name for system in apart.systems] == [str(value) for value in conditions[told_by]]
    assert apart.interval("accuracy", str(conditions[told_by][-1])).value == pytest.approx(0.6)
    assert score_file(rows, the_exam(), samples="first", resamples=1).accuracy == 1.0


def test_conditions_of_several_models_need_files_of_their_own() -> None:
    rows = replies_under(model=["m-1", "m-2"], lang=["zh", "en"])
    with pytest.raises(InputError, match="a file for each of its values"):
        score_file(rows, the_exam(), resamples=1)


@pytest.mark.parametrize("samples", [{"sample_idx": [0, 1, 2]}, {"gen": [1, 2, 3]}, {"seed": [42, 43, 44]}])
def test_numbers_of_samples_are_no_conditions(samples: dict[str, list[object]]) -> None:
    assert score_file(replies_under(**samples), the_exam(), resamples=1).accuracy == pytest.approx(0.6)


def test_repeated_rows_are_told_and_contradicting_ones_refused() -> None:
    exam = the_exam()
    rows = [{"id": i, "prediction": x} for i, x in zip(exam.ids, letters(), strict=True)]
    (system,) = score_file([*rows, *rows[:3]], exam, resamples=10).systems
    assert system.aligned.duplicates == [100, 101, 102]
    assert system.answers is not None and system.answers.accuracy == 0.6
    other = {"id": exam.ids[0], "prediction": "A" if letters()[0] != "A" else "B"}
    with pytest.raises(InputError, match=r'rows 1 and 101.*`samples="first"`'):
        score_file([*rows, other], exam)
    assert score_file([*rows, other], exam, samples="first", resamples=10).accuracy == 0.6


def test_attempts_that_failed_are_no_replies() -> None:
    exam = the_exam()
    failed = [{"id": i, "response": " "} for i in exam.ids[:5]]
    rows = [{"id": i, "response": reply(row)} for row, i in enumerate(exam.ids)]
    for items in ([*failed, *rows], [*rows, *failed]):
        report = score_file(items, exam, resamples=1)
        assert report.accuracy == 0.6 and report.interval("unread_rate").value == 0


def test_shards_of_a_data_set_and_frames_are_read(tmp_path: Path) -> None:
    import polars

    exam = the_exam()
    frame = polars.DataFrame({"id": exam.ids, "response": [[reply(row)] for row in range(N)]})
    paths = [tmp_path / f"test-0000{part}-of-00002.parquet" for part in range(2)]
    for part, path in enumerate(paths):
        frame[part * 50 : part * 50 + 50].write_parquet(path)
    for sources in ([*paths], [tmp_path], [frame], [frame.to_dicts()]):
        report = score_files(sources, exam)
        assert [system.answers.accuracy for system in report.systems if system.answers] == [0.6]


def test_a_shuffled_pandas_frame_keeps_its_index() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"prediction": letters()}).sample(frac=1, random_state=1)
    assert score_file(frame, the_exam(), resamples=10).accuracy == 0.6
    by_id = pandas.DataFrame({"id": the_exam().ids, "prediction": letters()}).set_index("id", drop=False)
    assert score_file(by_id, the_exam(), resamples=10).accuracy == 0.6
    with pytest.raises(InputError, match="several columns 'id'"):
        score_file(by_id.assign(id=the_exam().ids[::-1]), the_exam())
    frame.index = pandas.MultiIndex.from_tuples([("test", row) for row in frame.index])
    frame.columns = pandas.MultiIndex.from_tuples([("qwen", "answer")])
    report = score_file(frame, the_exam(), resamples=10)
    assert report.accuracy == 0.6
    assert report.systems[0].aligned.output.recognition.systems == ["qwen.answer"]


def test_a_named_column_is_taken_whatever_it_holds() -> None:
    exam = the_exam()
    rows = [{"id": i, "pred": x, "mine": "C"} for i, x in zip(exam.ids, letters(), strict=True)]
    report = score_file(rows, exam, columns=ColumnChoice(answer="mine"), resamples=10)
    assert report.accuracy == exam.letters().count("C") / N
    with pytest.raises(InputError, match="has no column 'min'; did you mean 'mine'"):
        score_file(rows, exam, columns=ColumnChoice(answer="min"))
    both = score_file(rows, exam, columns=ColumnChoice(answer=("pred", "mine")), resamples=10)
    assert [system.name for system in both.systems] == ["pred", "mine"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", b'{"a": 1', "p.json: not JSON"),
        ("p.jsonl", b'{"id": 1}\n[]\n', "p.jsonl, line 2: holds list, not dict"),
        ("p.json", b"[]", "holds no rows"),
        ("p.json", b"id,answer", "p.json: not JSON, it begins with 'id,answer'"),
        ("p.jsonl", b'{"id": "x"}\n{"id": \n', "p.jsonl, line 2: not JSON"),
        (
            "p.csv",
            b"id,response\n1,A\n2,B,or C\n",
            r"1 rows for 100 .*; 1 rows cannot be read \(row 2: 3 fields",
        ),
        ("p.csv", b"id,year\nq000x,2019\n", r"no column that looks like a model's answers \(found: id, year"),
    ],
)
def test_what_cannot_be_read_names_file_and_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        scored(tmp_path, name, content)


def test_nested_fields_become_columns() -> None:
    deep: object = "x"
    for _ in range(50):
        deep = {"a": deep}
    assert len(flatten_columns({"deep": [deep]})) == 1
    for wrapped in (lambda value: {"content": value}, lambda value: [value]):
        text: object = "B"
        for _ in range(900):
            text = wrapped(text)
        flatten_columns(
            {"messages": [[{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]]}
        )
    with pytest.raises(InputError, match="nested fields"):
        flatten_columns({"wide": [{str(n): n for n in range(20_000)}]})
    options = {"A": 1, "B": 2.5}
    assert flatten_columns({"options": [options]}) == {"options": [["1", "2.5"]]}
    assert flatten_columns({"p": [{"A": 0.25, "B": 0.75}]}) == {"p": [(0.25, 0.75)]}


def test_small_objects_are_told_from_tables() -> None:
    assert records_of({"exam-1": {"answer": "A"}, "exam-2": {"answer": "B"}}, "f")[0] == {
        "key": "exam-1",
        "answer": "A",
    }
    assert records_of({"answer": {"q1": "A", "q2": "B"}}, "f")[1] == {"key": "q2", "answer": "B"}
    assert records_of({"id": "q1", "answer": "A"}, "f") == [{"id": "q1", "answer": "A"}]
    assert json.loads(as_jsonl([{"a": 1}])) == {"a": 1}
    assert next(csv.reader(io.StringIO(as_csv(a=[1]).decode()))) == ["a"]
    assert prompt(0).endswith("答案：")


@pytest.mark.parametrize("print_list", [json.dumps, repr])
def test_lists_of_replies_that_a_csv_file_holds_as_text(tmp_path: Path, print_list: Any) -> None:
    exam = the_exam()
    wrong = ["B" if letters == "A" else "A" for letters in exam.letters()]
    file = tmp_path / "samples.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "replies"])
        for place, (name, right) in enumerate(zip(exam.ids, exam.letters(), strict=True)):
            most = right if place % 5 < 3 else wrong[place]
            rows.writerow([name, print_list([most, wrong[place], most])])
    assert score_file(file, exam).accuracy == pytest.approx(0.6)
