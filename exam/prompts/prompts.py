"""What a language model is asked: one conversation a question, the examples before it, and the files of prompts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import are_near
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, Question, refuse_repeated
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.file_bytes import Source
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.text_formats import read_records
from cmexam_baseline.exam.letters import LETTERS

Message = dict[str, str]

SYSTEM = "你是一名医学专家，正在参加中国国家执业医师资格考试。"
TASK = "下面是一道选择题，正确选项可能有一个，也可能有多个。"
ANSWER_LINE = "答案：正确选项的字母，多个字母按顺序连写，例如：ABD"

# An example's explanation is cut at the end of a sentence before this length.
LONGEST_EXAMPLE = 400
# Nearest training questions looked at for each question; copies and doubles among them are skipped.
_CANDIDATES_BEYOND = 30
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Style:
    """How a question is asked.

    request: what the model is to write, with and without an explanation
    shots:   how many answered questions precede the question unless something else is asked for
    """

    request: dict[bool, str]
    shots: int = 0
    reasons_first: bool = False


_PLAIN = {
    True: f"请严格按照以下格式作答：\n{ANSWER_LINE}\n解析：简要说明理由",
    False: f"请严格按照以下格式作答，不要写其他内容：\n{ANSWER_LINE}",
}
STYLES = {
    "zero-shot": Style(_PLAIN),
    "few-shot": Style(_PLAIN, shots=5),
    "cot": Style(
        {
            True: f"请先逐项分析各选项，再得出结论。请严格按照以下格式作答：\n解析：逐步推理\n{ANSWER_LINE}",
            False: f"请一步一步思考，最后另起一行写出结论：\n{ANSWER_LINE}",
        },
        reasons_first=True,
    ),
}


@dataclass(frozen=True)
class Prompt:
    """One question as a conversation: `messages` with role and content, the ids of the examples in it."""

    id: str
    messages: tuple[Message, ...]
    examples: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The conversation as one text, for models that take no turns."""
        return "\n\n".join(message["content"] for message in self.messages)

    @property
    def n_tokens(self) -> int:
        """About how many tokens the prompt has; see `estimate_tokens`."""
        return sum(estimate_tokens(message["content"]) for message in self.messages)


def make_prompts(
    exam: Exam,
    style: str = "zero-shot",
    explain: bool = True,
    examples: Sequence[Sequence[Question]] | None = None,
) -> list[Prompt]:
    """One prompt a question, that holds its stem and options and nothing of its answer.

    explain:  whether the model is to explain its answer
    examples: for each question of `exam`, the answered questions that precede it

    Raises `InputError` for a style that is none of `STYLES`, and where `examples` has another length than
    `exam` or holds the question itself.

    >>> exam = Exam.from_questions([Question("q1", "缺乏可致夜盲症的是", ("维生素A", "维生素C"), "A")])
    >>> print(make_prompts(exam, explain=False)[0].messages[-1]["content"])
    下面是一道选择题，正确选项可能有一个，也可能有多个。
    <BLANKLINE>
    题目：缺乏可致夜盲症的是
    A. 维生素A
    B. 维生素C
    <BLANKLINE>
    请严格按照以下格式作答，不要写其他内容：
    答案：正确选项的字母，多个字母按顺序连写，例如：ABD
    """
    if style not in STYLES:
        raise InputError(f"`style` must be one of {', '.join(STYLES)}; got {style!r}")
    if examples is not None and len(examples) != len(exam):
        raise InputError(f"{len(examples)} lists of examples for {len(exam)} questions; give one a question")
    prompts = []
    for row, question in enumerate(exam):
        before = [] if examples is None else list(examples[row])
        if any(example.question == question.question for example in before):
            raise InputError(f"question {question.id!r} is among its own examples; omit it there")
        turns = [turn for example in before for turn in _answered(example, STYLES[style], explain)]
        messages = (_message("system", SYSTEM), *turns, _asked(question, STYLES[style], explain))
        prompts.append(Prompt(question.id, messages, tuple(example.id for example in before)))
    return prompts


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: one a Chinese character or mark, one for four other characters.

    Every model counts otherwise; multilingual-e5's tokenizer needs 0.80 (zero-shot) to 0.84 (five examples)
    of this for prompts of CMExam's validation questions.

    >>> estimate_tokens("维生素A缺乏"), estimate_tokens("vitamin A deficiency")
    (6, 5)
    """
    others = len(_NARROW.findall(text))
    return len(text) - others + -(-others // 4)


_NARROW = re.compile(r"[\x00-\u2e7f]")


def _asked(question: Question, style: Style, explain: bool) -> Message:
    options = [f"{letter}. {text}" for letter, text in zip(LETTERS, question.options, strict=False)]
    asked = "\n".join([f"题目：{question.question}", *options])
    return _message("user", f"{TASK}\n\n{asked}\n\n{style.request[explain]}")


def _answered(example: Question, style: Style, explain: bool) -> list[Message]:
    lines = [f"答案：{example.answer}"]
    if explain and example.explanation:
        lines.append(f"解析：{_shortened(example.explanation)}")
    if style.reasons_first:
        lines.reverse()
    return [_asked(example, style, explain), _message("assistant", "\n".join(lines))]


def _shortened(explanation: str) -> str:
    text = " ".join(explanation.split())
    if len(text) <= LONGEST_EXAMPLE:
        return text
    end = text.rfind("。", 0, LONGEST_EXAMPLE) + 1
    return text[: end or LONGEST_EXAMPLE]


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def pick_examples(
    exam: Exam, train: Exam, shots: int, by: str = "seed", seed: int = 0, explained: bool = False
) -> list[list[int]]:
    """For each question of `exam` the rows of `train` that are its examples, `shots` of them.

    by:        "seed" draws examples at random, the same for all questions; "similarity" takes the questions
               most like this one, the most similar last, next to the question
    explained: only examples with an explanation

    Never an example is a training question whose stem is the question's own or nearly (`are_near`), nor two
    with the same stem. Training questions without an answer are not examples.

    Raises `InputError` where `train` has too few questions that can be examples.

    >>> from cmexam_baseline.exam import Question
    >>> train = Exam.from_questions(Question("", stem, ("甲", "乙"), "A") for stem in ("夜盲症", "坏血病"))
    >>> pick_examples(train[:1], train, shots=1)
    [[1]]
    """
    if by not in ("seed", "similarity"):
        raise InputError(f"`by` must be seed or similarity; got {by!r}")
    usable = train.answers > 0
    if explained:
        usable &= np.array([bool(text) for text in train.explanations])
    pool = np.flatnonzero(usable)
    stems = train.normalised_questions
    ranked: Iterable[Sequence[int]] = _most_similar(exam, train, pool, shots)
    if by == "seed":
        ranked = repeat(np.random.default_rng(seed).permutation(pool).tolist(), len(exam))
    picked = []
    for stem, candidates in zip(exam.normalised_questions, ranked, strict=True):
        rows = _without_copies(stem, candidates, stems, shots)
        if len(rows) < shots:
            kind = "answered and explained" if explained else "answered"
            raise InputError(
                f"the training exam has too few {kind} questions ({len(pool)}) for {shots} examples that are "
                "not the question itself; give more, or fewer `shots`"
            )
        picked.append(rows[::-1] if by == "similarity" else rows)
    return picked


def _without_copies(stem: str, candidates: Sequence[int], stems: Sequence[str], shots: int) -> list[int]:
    rows: list[int] = []
    seen = {stem}
    for row in candidates:
        if len(rows) == shots:
            break
        if stems[row] not in seen and not are_near(stem, stems[row]):
            rows.append(row)
            seen.add(stems[row])
    return rows


def _most_similar(exam: Exam, train: Exam, pool: NDArray[np.int64], shots: int) -> Iterator[Sequence[int]]:
    """Rows of `train` by cosine of TF-IDF over characters and pairs of them, stem and options together."""
    require("lightgbm", "sklearn", purpose="picking examples by similarity")
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not len(pool):
        yield from ([] for _ in range(len(exam)))
        return
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(_texts(train[pool])).T.tocsr()
    asked = vectorizer.transform(_texts(exam))
    wanted = shots + _CANDIDATES_BEYOND
    for start in range(0, len(exam), _ROWS_AT_ONCE):
        similarities = (asked[start : start + _ROWS_AT_ONCE] @ known).toarray()
        # A stable order, so that equal similarities give the same examples everywhere.
        for row in similarities:
            nearest = np.argpartition(-row, min(wanted, len(row) - 1))[:wanted]
            yield pool[nearest[np.lexsort((nearest, -row[nearest]))]].tolist()


def _texts(exam: Exam) -> list[str]:
    return [" ".join([exam.questions[row], *exam.options(row)]) for row in range(len(exam))]


@dataclass(frozen=True)
class Request:
    """One line of a prompt file: the question's id, the conversation, and further settings."""

    id: str
    messages: list[Message]
    settings: dict[str, Any]


_BATCH = {"method": "POST", "url": "/v1/chat/completions"}
FORMS: dict[str, Callable[[Prompt, Mapping[str, Any]], dict[str, Any]]] = {
    "messages": lambda one, _: {"id": one.id, "messages": one.messages, "examples": one.examples},
    "openai-batch": lambda one, settings: {
        "custom_id": one.id,
        **_BATCH,
        "body": {**settings, "messages": one.messages},
    },
    "text": lambda one, _: {"id": one.id, "prompt": one.text, "examples": one.examples},
}


def write_prompts(
    prompts: Sequence[Prompt],
    path: str | os.PathLike[str],
    form: str = "messages",
    settings: Mapping[str, Any] | None = None,
    shards: int = 1,
) -> list[Path]:
    """Write prompts to a JSONL file, or to `shards` files that share them out in order; gives the files.

    form:     "messages" (chat messages), "openai-batch" (lines of OpenAI's batch API, also vLLM's) or "text"
    settings: model, temperature and the like, which only "openai-batch" holds

    Raises `InputError` for another form, or a file that cannot be written.

    >>> import tempfile
    >>> prompt = Prompt("q1", ({"role": "user", "content": "题目"},))
    >>> file = Path(tempfile.mkdtemp()) / "prompts.jsonl"
    >>> _ = write_prompts([prompt], file, "text")
    >>> file.read_text("utf-8").strip()
    '{"id": "q1", "prompt": "题目", "examples": []}'
    """
    if form not in FORMS:
        raise InputError(f"`form` must be one of {', '.join(FORMS)}; got {form!r}")
    lines = [json.dumps(FORMS[form](prompt, settings or {}), ensure_ascii=False) + "\n" for prompt in prompts]
    files = shard_names(Path(path), shards)
    bounds = [len(lines) * place // shards for place in range(shards + 1)]
    for file, start, end in zip(files, bounds[:-1], bounds[1:], strict=True):
        write_atomically(file, "".join(lines[start:end]))
    return files


def shard_names(path: Path, shards: int) -> list[Path]:
    """The files of a sharded file: itself for one shard, else name-1-of-3.jsonl and so on."""
    if shards == 1:
        return [path]
    width = len(str(shards))
    return [
        path.with_name(f"{path.stem}-{number:0{width}}-of-{shards}{path.suffix}")
        for number in range(1, shards + 1)
    ]


def read_prompts(path: str | os.PathLike[str]) -> list[Request]:
    """The requests of a prompt file in any of `FORMS`.

    Raises `InputError` naming file and line where a line is no prompt or repeats an id.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "prompts.jsonl"
    >>> _ = file.write_text('{"id": "val-1", "prompt": "题目：缺乏可致夜盲症的是"}\\n', "utf-8")
    >>> read_prompts(file)
    [Request(id='val-1', messages=[{'role': 'user', 'content': '题目：缺乏可致夜盲症的是'}], settings={})]
    """
    name = os.fspath(path)
    records = dict(read_records(Source(name)))
    requests = [_request_of(record, f"{name}, line {number}") for number, record in records.items()]
    refuse_repeated([request.id for request in requests], list(records), name, unit="lines")
    if not requests:
        raise InputError(f"{name} holds no prompt; make some with `cmexam-baseline prompts make`")
    return requests


def _request_of(value: Mapping[str, Any], where: str) -> Request:
    inner = value.get("body")
    body = inner if isinstance(inner, dict) else value
    identity = value.get("custom_id", value.get("id"))
    messages = body.get("messages", [{"role": "user", "content": body.get("prompt")}])
    if not isinstance(identity, str) or not identity:
        raise InputError(f"{where}: no id; expected a text as custom_id or id")
    texts = [
        isinstance(message, dict) and isinstance(message.get(part), str)
        for message in (messages if isinstance(messages, list) else [])
        for part in ("role", "content")
    ]
    if not texts or not all(texts):
        raise InputError(f"{where}: no messages with role and content, and no prompt text; nothing to send")
    settings = {} if body is value else {name: body[name] for name in body if name != "messages"}
    return Request(identity, messages, settings)
