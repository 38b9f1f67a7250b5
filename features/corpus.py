"""Text from outside (textbooks, guidelines, encyclopedias) as passages."""

from __future__ import annotations

import csv
import gzip
import hashlib
import html
import io
import json
import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.exam.progress import Progress, no_progress

SUFFIXES = (".txt", ".md", ".tex", ".html", ".htm", ".jsonl", ".csv")
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

# Passages end at the first sentence end after this many characters, and at the latest after the second number.
_PASSAGE, _MAX_PASSAGE, _MIN_PASSAGE = 100, 240, 12
_N_GRAM, _NEAR = 10, 0.8
_MAX_FILE = 2**28
_MAX_REFERENCE = 400

_SENTENCE = re.compile(r"[^。！？；!?;\n]*[。！？；!?;\n]?")
_HEADING = re.compile(
    r"^(?:#{1,6}\s*(?P<md>.+)|第[一二三四五六七八九十百零\d]{1,4}[章节篇编部]\s*(?P<chapter>.{0,30})"
    r"|[一二三四五六七八九十]{1,3}、(?P<point>.{1,25})|[（(][一二三四五六七八九十]{1,3}[）)](?P<sub>.{1,25}))$"
)
# Dotted leaders of a table of contents, and entries of a bibliography.
_CONTENTS = re.compile(r"(?:\.{4,}|…{2,}|·{4,})\s*\d*\s*$")
_REFERENCE = re.compile(r"^\s*[\[［【(（]?\d{1,3}[\]］】)）.、]\s*.{5,}(?:\b(?:19|20)\d\d\b|出版社).{0,40}$")
_REFERENCES = re.compile(r"^\W*(?:参考文献|主要参考书目?|references|bibliography)\W*$", re.IGNORECASE)
# A question with options A to D close together, and an answer key.
_QUESTION = re.compile(
    r"\bA\s*[.．、:：)）].{1,120}?\bB\s*[.．、:：)）].{1,120}?\bC\s*[.．、:：)）].{1,120}?\bD\s*[.．、:：)）]",
    re.DOTALL,
)
_QUESTION_FIELDS = ({"answer", "答案", "正确答案"}, {"question", "options", "选项", "题目", "题干", "stem"})
_MIN_QUESTIONS, _QUESTION_SHARE = 5, 0.15

_TEX_HEADING = re.compile(r"\\(?:part|chapter|(?:sub)*section|paragraph)\*?\s*(?:\[[^\]]*\])?\{([^{}]*)\}")
_TEX_DROPPED = re.compile(
    r"(?<!\\)%.*|\\(?:includegraphics|label|ref|cite|bibliography|input|include|index|begin|end|vspace|hspace|usepackage"
    r"|documentclass|caption)\*?(?:\[[^\]]*\]|\{[^{}]*\})*"
)
_TEX_COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?|[{}$~]|\\(?=[\\%&_#])|\\\\")
_HTML_DROPPED = re.compile(r"(?is)<(script|style|head|nav|footer)\b.*?</\1\s*>|<!--.*?-->")
_HTML_HEADING = re.compile(r"(?is)<h[1-6][^>]*>(.*?)</h[1-6]\s*>")
_HTML_BREAK = re.compile(r"(?i)<(?:br|/?p|/?div|/?li|/?tr|/?h[1-6]|/?table|/?ul|/?ol)\b[^>]*>")
_HTML_TAG = re.compile(r"<[^<>]*>")

_TITLE_FIELDS = ("title", "heading", "name", "标题", "题名", "名称")


@dataclass(frozen=True)
class LeftOut:
    """A passage that contains a question and therefore is no evidence.

    source and text: of the passage; split: the exam that the question comes from; id: of the question
    """

    source: str
    text: str
    split: str
    id: str


# The key of a passage in an index: no question has it, so no passage is hidden by its key.
NO_KEY = np.uint64(0)

LEFT_OUT_FIELDS = tuple(LeftOut.__dataclass_fields__)


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """Passages of some 120 characters, in the order of their files.

    texts:    the passages; headings: the nearest heading above each, ""; sources: the file of each
    counts:   what was read and dropped: files, characters, duplicates, files of other kinds
    left_out: passages dropped by `without_questions`
    """

    texts: list[str]
    headings: list[str]
    sources: list[str]
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    # Where a saved model lists what its corpus goes without.
    LEFT_OUT_FILE: ClassVar[str] = "corpus_left_out.csv"

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Corpus({len(self)} passages from {len(set(self.sources))} files)"

    @classmethod
    def read(
        cls,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        question_banks: bool = False,
        progress: Progress = no_progress,
    ) -> Corpus:
        """The passages of text files, of folders of them, and of .zip, .tar and .gz archives.

        paths:          .txt, .md, .tex, .html, .jsonl or .csv (UTF-8 or GB 18030)
        question_banks: whether files that look like collections of exam questions are read, too

        Bibliographies, tables of contents and repeated passages are dropped. Raises `InputError` for a path that
        is missing or holds no text, and for a question bank unless `question_banks` is set.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.md").write_text("# 维生素A\\n缺乏维生素A可引起夜盲症和干眼病。", "utf-8")
        ...     corpus = Corpus.read(folder)
        >>> corpus.texts, corpus.headings
        (['缺乏维生素A可引起夜盲症和干眼病。'], ['维生素A'])
        """
        given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        texts: list[str] = []
        headings: list[str] = []
        sources: list[str] = []
        seen: set[bytes] = set()
        counts: Counter[str] = Counter(files=0, characters=0, duplicates=0, other_files=0)
        for path in map(Path, given):
            if not path.exists():
                raise InputError(f"{path} is not there; give files or folders of text as `corpus`")
            before = counts["files"]
            for name, data in _files(path, counts):
                blocks = _blocks(name, data)
                if not question_banks:
                    _refuse_question_bank(name, blocks)
                counts["files"] += 1
                progress("reading the corpus", counts["files"], 0)
                for heading, text in _passages(blocks):
                    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
                    if digest in seen:
                        counts["duplicates"] += 1
                        continue
                    seen.add(digest)
                    counts["characters"] += len(text)
                    texts.append(text)
                    headings.append(heading)
                    sources.append(name)
            if counts["files"] == before:
                raise InputError(f"{path} holds no text; a corpus is made of {', '.join(SUFFIXES)} files")
        if not texts:
            raise InputError("the `corpus` holds no passage of text; give other files")
        return cls(texts, headings, sources, dict(counts))

    def texts_with_headings(self, sign: str) -> list[str]:
        """The passages, each after its heading and `sign`, where it has a heading."""
        pairs = zip(self.headings, self.texts, strict=True)
        return [f"{heading}{sign}{text}" if heading else text for heading, text in pairs]

    def describe(self) -> dict[str, str | int]:
        """Number of passages and fingerprint of their texts."""
        digest = hashlib.sha256("\n".join(self.texts).encode("utf-8", "surrogatepass")).hexdigest()
        return {"passages": len(self), "sha256": digest}

    def summary(self) -> str:
        """One line: what was read, and what was left out of it."""
        left_out = Counter(one.split for one in self.left_out)
        dropped = [f"{count:,} with questions of {split}" for split, count in left_out.items()]
        names = {"duplicates": "duplicates", "other_files": "files of other kinds"}
        dropped += [f"{self.counts[key]:,} {name}" for key, name in names.items() if self.counts.get(key)]
        return (
            f"corpus: {len(self):,} passages, {sum(map(len, self.texts)):,} characters, from "
            f"{len(set(self.sources)):,} files" + (f"; left out: {', '.join(dropped)}" if dropped else "")
        )

    def left_out_csv(self) -> str:
        """The passages that contain questions, as CSV with a header."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(LEFT_OUT_FIELDS)
        table.writerows([getattr(one, name) for name in LEFT_OUT_FIELDS] for one in self.left_out)
        return text.getvalue()

    def without_questions(self, exams: Mapping[str, Exam]) -> Corpus:
        """The passages that contain no question of `exams` (name -> exam), by 0.8 of its 10-grams.

        That is the definition of `find_overlap`. Stems shorter than 10 characters without punctuation, which
        any text may contain, are not considered. `left_out` of the result lists what was dropped.
        """
        dropped: dict[int, LeftOut] = {}
        for split, exam in exams.items():
            for passage, row in contained_questions(self.texts, exam):
                one = LeftOut(self.sources[passage], self.texts[passage], split, exam.ids[row])
                dropped.setdefault(passage, one)
        kept = [i for i in range(len(self)) if i not in dropped]
        return replace(
            self,
            texts=[self.texts[i] for i in kept],
            headings=[self.headings[i] for i in kept],
            sources=[self.sources[i] for i in kept],
            left_out=[*self.left_out, *(dropped[i] for i in sorted(dropped))],
        )


def training_corpus(
    given: Corpus | str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    exam: Exam,
    val: Exam | None,
    progress: Progress = no_progress,
) -> Corpus:
    """The corpus, read from its files where these are given, without the passages that contain a question of `exam` or `val`."""
    corpus = given if isinstance(given, Corpus) else Corpus.read(given, progress=progress)
    return corpus.without_questions({"train": exam} if val is None else {"train": exam, "val": val})


def contained_questions(texts: Sequence[str], exam: Exam) -> Iterator[tuple[int, int]]:
    """Pairs (text, question of `exam`) where the text contains at least 0.8 of the stem's distinct 10-grams.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("1", "缺乏可致夜盲症的维生素是（　）。", ("A", "C"), "A")])
    >>> list(contained_questions(["问：缺乏可致夜盲症的维生素是哪种？", "夜盲症的病因是缺乏维生素。"], exam))
    [(0, 0)]
    """
    rows_of: dict[str, list[int]] = {}
    needed: list[float] = []
    for row, stem in enumerate(exam.normalised_questions):
        grams = {stem[i : i + _N_GRAM] for i in range(len(stem) - _N_GRAM + 1)}
        needed.append(_NEAR * len(grams))
        for gram in grams:
            rows_of.setdefault(gram, []).append(row)
    for start in range(0, len(texts), 10_000):
        for number, text in enumerate(normalise_texts(texts[start : start + 10_000]), start):
            found = {text[i : i + _N_GRAM] for i in range(len(text) - _N_GRAM + 1)} & rows_of.keys()
            shared = Counter(row for gram in found for row in rows_of[gram])
            yield from ((number, row) for row, count in sorted(shared.items()) if count >= needed[row])


def _files(path: Path, counts: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every text file at `path`, archives opened, in the order of their names."""
    if path.is_dir():
        for file in sorted(one for one in path.rglob("*") if one.is_file()):
            yield from _files(file, counts)
        return
    name = path.name.lower()
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for member in sorted(one for one in archive.namelist() if _is_text(one, counts)):
                    with archive.open(member) as stream:
                        yield f"{path}/{member}", _bounded(f"{path}/{member}", stream)
        elif name.endswith(_ARCHIVES):
            with tarfile.open(path) as tar:
                for entry in tar:
                    content = (
                        tar.extractfile(entry) if entry.isfile() and _is_text(entry.name, counts) else None
                    )
                    if content is not None:
                        yield f"{path}/{entry.name}", _bounded(f"{path}/{entry.name}", content)
        elif name.endswith(".gz") and _is_text(name[:-3], counts):
            with gzip.open(path) as stream:
                yield str(path).removesuffix(".gz"), _bounded(str(path), stream)
        elif not name.endswith(".gz") and _is_text(name, counts):
            with path.open("rb") as stream:
                yield str(path), _bounded(str(path), stream)
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise InputError(f"{path} cannot be read ({error}); correct the path or remove the file") from error


def _bounded(name: str, stream: IO[bytes] | io.BufferedIOBase) -> bytes:
    data = stream.read(_MAX_FILE + 1)
    if len(data) > _MAX_FILE:
        raise InputError(f"{name} has more than {_MAX_FILE >> 20} MiB; split it")
    return data


def _is_text(name: str, counts: Counter[str]) -> bool:
    if name.lower().endswith(SUFFIXES):
        return True
    counts["other_files"] += not name.endswith("/")
    return False


def _decoded(name: str, data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{name} is neither UTF-8 nor GB 18030; convert it or remove it from the `corpus`")


def _blocks(name: str, data: bytes) -> list[tuple[str, str, set[str]]]:
    """Heading, text and field names (of records) of each part of a file."""
    text, suffix = _decoded(name, data), Path(name).suffix.lower()
    if suffix == ".jsonl":
        return [_record(one) for one in _json_lines(name, text)]
    if suffix == ".csv":
        csv.field_size_limit(2**30)
        try:
            return [_record(row) for row in csv.DictReader(io.StringIO(text))]
        except csv.Error as error:
            raise InputError(f"{name} is not CSV ({error}); correct or remove it") from error
    if suffix == ".tex":
        text = _TEX_HEADING.sub(r"\n# \1\n", _TEX_DROPPED.sub("", text))
        text = _TEX_COMMAND.sub("", text)
    elif suffix in (".html", ".htm"):
        text = _HTML_HEADING.sub(
            lambda found: f"\n# {_HTML_TAG.sub('', found[1]).strip()}\n", _HTML_DROPPED.sub("", text)
        )
        text = html.unescape(_HTML_TAG.sub("", _HTML_BREAK.sub("\n", text)))
    return [("", text, set())]


def _json_lines(name: str, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise InputError(f"{name}, line {number} is not JSON ({error}); correct or remove it") from error
        yield record if isinstance(record, dict) else {"text": record}


def _record(record: Mapping[str, Any]) -> tuple[str, str, set[str]]:
    """A record's texts one below the other, its title as heading."""
    title = next((str(record[name]) for name in _TITLE_FIELDS if record.get(name)), "")
    texts = [value for name, value in record.items() if isinstance(value, str) and name not in _TITLE_FIELDS]
    return title, "\n".join(texts), {str(name).strip().lower() for name in record}


def _refuse_question_bank(name: str, blocks: Sequence[tuple[str, str, set[str]]]) -> None:
    questions = sum(len(_QUESTION.findall(text)) for _, text, _ in blocks)
    characters = sum(len(text) for _, text, _ in blocks)
    records = sum(all(fields & known for known in _QUESTION_FIELDS) for _, _, fields in blocks)
    # A question with its options has some 100 characters.
    if records > len(blocks) / 2 or (
        questions >= _MIN_QUESTIONS and questions * 100 > _QUESTION_SHARE * characters
    ):
        raise InputError(
            f"{name} looks like a question bank ({max(questions, records):,} questions with options), which may hold "
            "the questions of the exam; remove it, train on it as an `extra_train` exam, or set `question_banks`"
        )


def _passages(blocks: Iterable[tuple[str, str, set[str]]]) -> Iterator[tuple[str, str]]:
    """Heading and text of each passage."""
    for title, text, _ in blocks:
        heading, parts, size, in_references = title, list[str](), 0, False
        for line in text.splitlines():
            line = " ".join(line.split())
            if _CONTENTS.search(line):
                continue
            found = _HEADING.match(line)
            if found or _REFERENCES.match(line):
                yield from _finished(heading, parts)
                parts, size = [], 0
                in_references = bool(_REFERENCES.match((found["md"] or "") if found else line))
                name = next((part for part in found.groups() if part), line) if found else line
                heading = name.strip()
                continue
            if in_references or (len(line) <= _MAX_REFERENCE and _REFERENCE.match(line)):
                continue
            for sentence in _SENTENCE.findall(line):
                for start in range(0, len(sentence), _MAX_PASSAGE):
                    parts.append(sentence[start : start + _MAX_PASSAGE])
                    size += len(parts[-1])
                    if size >= _PASSAGE:
                        yield from _finished(heading, parts)
                        parts, size = [], 0
        yield from _finished(heading, parts)


def _finished(heading: str, parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    text = "".join(parts).strip()
    if sum(map(str.isalnum, text)) >= _MIN_PASSAGE:
        yield heading, text
