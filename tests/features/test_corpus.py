"""Text files as passages: what is read, what is dropped, what is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from cmexam_baseline.exam import Exam, InputError, Question
from cmexam_baseline.features.corpus import Corpus, contained_questions

VITAMIN = "维生素A缺乏可引起夜盲症和干眼病，补充鱼肝油后好转。"
SCURVY = "坏血病由维生素C缺乏引起，表现为牙龈出血和皮下瘀斑。"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", f"第一章 维生素\n{VITAMIN}"),
        ("a.md", f"# 维生素\n\n{VITAMIN}\n"),
        (
            "a.tex",
            f"\\documentclass{{book}}\n\\chapter{{维生素}}\n\\label{{a}}{VITAMIN}% 注释\n\\begin{{figure}}[htbp]\n",
        ),
        (
            "a.html",
            f"<html><head><title>x</title></head><h2>维生素</h2><p>{VITAMIN}<script>var a;</script></p></html>",
        ),
        ("a.jsonl", json.dumps({"title": "维生素", "text": VITAMIN}, ensure_ascii=False)),
        ("a.csv", f"标题,正文\n维生素,{VITAMIN}\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_each_format_gives_text_and_heading(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    (tmp_path / name).write_text(content, encoding)
    corpus = Corpus.read(tmp_path / name)
    assert (corpus.texts, corpus.headings, corpus.sources) == ([VITAMIN], ["维生素"], [str(tmp_path / name)])


def test_folders_and_archives_are_opened_and_repeated_passages_dropped(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.txt").write_text(VITAMIN, "utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("b.txt", SCURVY)
        archive.writestr("b.pdf", "x")
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("c.md")
        entry.size = len(VITAMIN.encode())
        tar.addfile(entry, io.BytesIO(VITAMIN.encode()))
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress("甲状腺激素促进生长发育和新陈代谢。".encode(), mtime=0))
    corpus = Corpus.read([tmp_path])
    assert len(corpus) == 3 and corpus.counts["files"] == 4
    assert (corpus.counts["duplicates"], corpus.counts["other_files"]) == (1, 2)
    assert "left out: 1 duplicates, 2 files of other kinds" in corpus.summary()


def test_passages_end_with_sentences_and_bibliographies_are_dropped(tmp_path: Path) -> None:
    lines = [
        "第一章 营养……………………12",
        "第二节 维生素",
        *[f"第{i}种维生素的缺乏症状包括疲乏、食欲减退和体重下降。" for i in range(12)],
        "参考文献",
        "[1] 王某．营养学．北京：人民卫生出版社，2003",
        "第三节 矿物质",
        "铁缺乏引起小细胞低色素性贫血，铁剂可治。",
        "3. Smith J. Iron deficiency. Lancet 1999, 353: 12-15",
    ]
    (tmp_path / "book.txt").write_text("\n".join(lines), "utf-8")
    corpus = Corpus.read(tmp_path)
    assert all(len(text) <= 240 and text.endswith("。") for text in corpus.texts)
    assert not any("出版社" in text or "Lancet" in text or "……" in text for text in corpus.texts)
    assert "".join(corpus.texts[:-1]) == "".join(lines[2:14])
    assert (corpus.headings[-1], corpus.texts[-1]) == ("矿物质", lines[17])


def test_a_question_bank_is_refused_unless_asked_for(tmp_path: Path) -> None:
    bank = "\n".join(
        f"{i}. 第{i}种病的病因是\nA. 甲{i} B. 乙{i} C. 丙{i} D. 丁{i}\n答案：A" for i in range(9)
    )
    (tmp_path / "bank.txt").write_text(bank, "utf-8")
    records = [{"question": f"问{i}", "options": "A 甲 B 乙", "answer": "A"} for i in range(3)]
    (tmp_path / "bank.jsonl").write_text("\n".join(map(json.dumps, records)), "utf-8")
    for name in ("bank.txt", "bank.jsonl"):
        with pytest.raises(InputError, match=rf"{name} looks like a question bank .* set `question_banks`"):
            Corpus.read(tmp_path / name)
    assert len(Corpus.read(tmp_path / "bank.txt", question_banks=True)) > 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.txt", None, "no.txt"),
        ("a.pdf", b"%PDF", "a.pdf holds no text"),
        ("a.txt", b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
        ("a.txt", b"1", "no passage"),
        ("a.jsonl", b"{}\n{", "a.jsonl, line 2 is not JSON"),
        ("a.zip", b"PK", "a.zip cannot be read"),
        ("a.txt.gz", gzip.compress(VITAMIN.encode(), mtime=0)[:-9], "a.txt.gz cannot be read"),
        (
            "val.csv",
            "Question,Options,Answer\n问,A 甲\\nB 乙,A\n".encode(),
            "val.csv looks like a question bank",
        ),
    ],
)
def test_what_is_no_text_ends_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Corpus.read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_file_beyond_the_bound_is_refused_whatever_it_is_packed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cmexam_baseline.features.corpus._MAX_FILE", 1000)
    text = VITAMIN.encode() * 100
    (tmp_path / "a.txt").write_bytes(text)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text, mtime=0))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", text)
    for name in ("a.txt", "a.txt.gz", "a.zip"):
        with pytest.raises(InputError, match="MiB; split it"):
            Corpus.read(tmp_path / name)


def test_passages_with_questions_are_left_out_and_listed(tmp_path: Path) -> None:
    stem = "维生素A缺乏可引起的眼部疾病是"
    exam = Exam.from_questions(
        [Question("v1", stem, ("夜盲症", "白内障"), "A"), Question("v2", "坏血病", ("甲", "乙"), "A")]
    )
    corpus = Corpus([f"习题：{stem}夜盲症。", VITAMIN, SCURVY], ["", "", ""], ["a", "b", "c"])
    found = corpus.without_questions({"val": exam})
    assert found.texts == [VITAMIN, SCURVY]
    assert [(one.source, one.split, one.id) for one in found.left_out] == [("a", "val", "v1")]
    assert found.left_out_csv().splitlines() == ["source,text,split,id", f"a,习题：{stem}夜盲症。,val,v1"]
    assert "left out: 1 with questions of val" in found.summary()


def test_eight_of_ten_shared_n_grams_are_a_question() -> None:
    stem = "".join(chr(0x4E00 + i) for i in range(19))  # ten 10-grams
    exam = Exam.from_questions([Question("1", stem, ("甲", "乙"), "A")])
    assert list(contained_questions([stem[:17], stem[:16], f"前{stem[2:]}后"], exam)) == [(0, 0), (2, 0)]
