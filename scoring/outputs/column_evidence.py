"""What the content of a column shows, seen on rows whose question is known, and what its name says.

Content decides first; names decide where content leaves it open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.columns import column_key
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, parse_letters
from cmexam_baseline.scoring.extraction import extract_all
from cmexam_baseline.scoring.outputs.joining import map_back, same_options

# Rows that are looked at: letters cost nothing, texts are read by all rules.
SAMPLE, TEXT_SAMPLE = 300, 40
# A column is one of letters, numbers or texts if this share of its filled cells is.
MOST = 0.8
# Fewer rows than this say nothing about whether a column is the exam's.
FEW_ROWS = 10
# A column that agrees with the exam's answers this often is the exam's: no model is that good.
GOLD_AGREEMENT = 0.98
# The exam's answers are there for every question; a model may have left some out.
MOSTLY_FILLED = 0.9
# A column whose commonest value takes this share is constant.
CONSTANT = 0.95

_CIRCLED = re.compile("[①-⑩]")
_LETTER_OF_CIRCLED = {ord("①") + place: letter for place, letter in enumerate(LETTERS)}


@dataclass(frozen=True)
class Seen:
    """Rows to look at: their numbers and questions (0-based), and row -> the options as the model saw them."""

    exam: Exam
    rows: list[int]
    questions: list[int]
    shown: Mapping[int, list[str]]

    def options(self, place: int) -> list[str]:
        """The exam's options of the question of a place in `rows`."""
        return self.exam.options(self.questions[place])


def seen_rows(
    exam: Exam, question_of: NDArray[np.int64], shown: Mapping[int, list[str]], most: int = SAMPLE
) -> Seen:
    """Rows with a question, spread over the file."""
    matched = np.flatnonzero(question_of >= 0)
    rows = matched[:: max(1, -(-len(matched) // most))]
    return Seen(exam, rows.tolist(), question_of[rows].tolist(), shown)


@dataclass(frozen=True)
class Evidence:
    """What a column holds.

    kind:      "letters", "numbers", "text", "samples" (a list of replies a cell), "scores" (of options), "options",
               "question", "explanation" (the exam's own), "annotation" (the exam's own), "verdict", "constant", "empty"
    answers:   place in `Seen.rows` -> bit mask in the exam's order of options, 0 = none; numbers count from 0
    agreement: share of these places, as far as they are filled, whose answer is the exam's
    n:         number of filled places
    read:      share of the filled cells that hold an answer
    filled:    share of `Seen.rows` that are filled
    explained: whether most cells contain the exam's own explanation
    base:      0 or 1 where numbers agree with the exam's answers when counted from there
    """

    kind: str
    answers: Mapping[int, int] = field(default_factory=dict)
    agreement: float = 0.0
    n: int = 0
    read: float = 0.0
    base: int | None = None
    explained: bool = False
    filled: float = 1.0

    @property
    def is_gold(self) -> bool:
        """Whether the column is the exam's answers by its content."""
        # With the exam's explanation behind it, an answer that was misread is the exam's all the same.
        enough = MOST if self.explained else GOLD_AGREEMENT
        return self.n >= FEW_ROWS and self.agreement >= enough and self.filled >= MOSTLY_FILLED

    @property
    def is_unread(self) -> bool:
        """Whether the column holds texts in none of which an answer is read."""
        return self.kind == "text" and self.n >= FEW_ROWS and not self.read

    def same_share(self, other: Evidence) -> float:
        """The share of the rows with the same answer, of those that were read in both."""
        both = self.answers.keys() & other.answers.keys()
        return sum(self.answers[place] == other.answers[place] for place in both) / len(both) if both else 0.0


def evidence_of(cells: Sequence[object], seen: Seen, read: bool = True) -> Evidence:
    """Look at one column.

    Without `read` answers are only read out of texts that contain the exam's explanations: it takes the extraction's
    rules, which are slow to import.
    """
    values = [cells[row] for row in seen.rows]
    filled = [place for place, value in enumerate(values) if value not in (None, "", []) and value == value]
    if not filled:
        return Evidence("empty")
    first = values[filled[0]]
    if isinstance(first, tuple):
        scores = {place: value for place, value in enumerate(values) if isinstance(value, tuple)}
        n_fitting = sum(len(value) == len(seen.options(place)) for place, value in scores.items())
        best = {place: best_option(value) for place, value in scores.items()}
        masks = {place: 0 if one is None else 1 << one for place, one in best.items()}
        found = _judged("scores", masks, seen) if n_fitting >= MOST * len(scores) else Evidence("other")
    elif isinstance(first, list):
        found = _of_lists(values, seen)
    else:
        found = _of_single_values(values, filled, seen, read)
    return replace(found, filled=len(filled) / len(values))


def _of_single_values(values: Sequence[object], filled: Sequence[int], seen: Seen, read: bool) -> Evidence:
    texts = [cell_text(value).strip() for value in values]

    def most(holds: Callable[[int], object]) -> bool:
        return sum(map(bool, map(holds, filled))) >= MOST * len(filled)

    own = _exams_own(texts, filled, seen)
    if own:
        return Evidence(own)
    masks = {place: letters_mask(texts[place], seen.options(place)) for place in filled}
    commonest = Counter(texts[place] for place in filled).most_common(1)[0][1]
    is_constant = commonest >= CONSTANT * len(filled) and len(filled) > 1
    if most(lambda place: masks[place] and not masks[place] >> len(seen.options(place))):
        found = _judged("letters", masks, seen)
        return replace(found, kind="constant") if is_constant else found
    if is_constant:
        return Evidence("constant")
    if most(lambda place: texts[place].isdecimal() and len(texts[place]) == 1):
        return _of_numbers(texts, filled, seen)
    if isinstance(values[filled[0]], bool) or most(lambda place: texts[place].lower() in _VERDICTS):
        return Evidence("verdict")
    return _of_replies(texts, filled, seen, read)


_VERDICTS = {
    *("true", "false", "correct", "incorrect", "yes", "no", "right", "wrong"),
    *("正确", "错误", "对", "错", "c", "i"),
}


def _exams_own(texts: Sequence[str], filled: Sequence[int], seen: Seen) -> str:
    """Whether texts are the exam's own question, explanation or annotation, "" where they are neither."""
    few = filled[:TEXT_SAMPLE]
    own_columns = [("question", seen.exam.questions), ("explanation", seen.exam.explanations)]
    own_columns += [("annotation", cells) for cells in seen.exam.annotations.values() if len(set(cells)) > 1]
    for kind, values in own_columns:
        own = {place: values[seen.questions[place]].strip() for place in few}
        held = [place for place in few if own[place]]
        same = sum(texts[place] == own[place] for place in held)
        if held and len(held) >= len(few) / 2 and same >= 0.9 * len(held):
            return kind
    return ""


def best_option(scores: Sequence[float]) -> int | None:
    """The place of the highest score, None where there is no number."""
    known = [score for score in scores if score == score]
    return list(scores).index(max(known)) if known else None


def _of_lists(values: Sequence[object], seen: Seen) -> Evidence:
    lists = [list(map(cell_text, value if isinstance(value, list) else [value])) for value in values]
    n_same = sum(same_options(texts, seen.options(place)) for place, texts in enumerate(lists))
    if n_same >= MOST * len(lists):
        return Evidence("options")
    if are_letter_sets(lists):
        masks = {place: letters_mask("".join(texts)) for place, texts in enumerate(lists)}
        return _judged("letters", masks, seen)
    firsts = [texts[0] if texts else "" for texts in lists]
    found = _of_replies(firsts, [place for place, text in enumerate(firsts) if text], seen)
    return replace(found, kind="samples")


def are_letter_sets(lists: Iterable[Sequence[object]]) -> bool:
    """Whether lists are the letters of one answer each, not several replies: in order and without repetition."""
    texts = [[cell_text(item).strip() for item in items] for items in lists]
    short = all(len(text) <= 1 for each in texts for text in each)
    ordered = all(each == sorted(set(each)) for each in texts)
    return short and ordered and any(each != [""] and each for each in texts)


def _of_numbers(texts: Sequence[str], filled: Sequence[int], seen: Seen) -> Evidence:
    numbers = {place: int(texts[place]) if texts[place].isdecimal() else -1 for place in filled}
    by_base = [
        _judged(
            "numbers", {place: 1 << n - base if base <= n < 100 else 0 for place, n in numbers.items()}, seen
        )
        for base in (0, 1)
    ]
    base = int(by_base[1].agreement > by_base[0].agreement)
    return replace(by_base[base], base=base if by_base[base].is_gold else None)


def _of_replies(texts: Sequence[str], filled: Sequence[int], seen: Seen, read: bool = True) -> Evidence:
    places = filled[:: max(1, -(-len(filled) // TEXT_SAMPLE))]
    explanations = {place: seen.exam.explanations[seen.questions[place]].strip() for place in places}
    own = [explanations[place] in texts[place] for place in places if explanations[place]]
    explained = bool(own) and sum(own) >= len(own) / 2
    if not read and not explained:
        return Evidence("text")
    shown = [seen.shown.get(seen.rows[place]) or seen.options(place) for place in places]
    found = extract_all([texts[place] for place in places], shown)
    masks = {place: each.mask for place, each in zip(places, found, strict=True)}
    return replace(_judged("text", masks, seen), explained=explained)


def _judged(kind: str, masks: Mapping[int, int], seen: Seen) -> Evidence:
    """Compare answers with the exam's, in the exam's order of options and as they are."""
    answers = dict(masks)
    for place, mask in masks.items():
        shown = seen.shown.get(seen.rows[place])
        if mask and shown is not None:
            answers[place] = map_back(mask, shown, seen.options(place))
    gold = {place: int(seen.exam.answers[seen.questions[place]]) for place in masks}
    n_same = max(sum(each[place] == gold[place] for place in masks) for each in (answers, masks))
    n = len(masks)
    return Evidence(kind, answers, n_same / max(n, 1), n, sum(map(bool, masks.values())) / max(n, 1))


def letters_mask(text: str, options: Sequence[str] = ()) -> int:
    """The bit mask of an answer cell, 0 where it holds more than letters.

    ① to ⑩ count as A to J unless the question's options hold such signs themselves.

    >>> letters_mask("A、C"), letters_mask("②"), letters_mask("②", ["①②", "①③"])
    (5, 2, 0)
    """
    if len(text) > 20:
        return 0
    if _CIRCLED.search(text) and not any(map(_CIRCLED.search, options)):
        text = text.translate(_LETTER_OF_CIRCLED)
    return parse_letters(text) or 0


# Role -> names, the more telling first. Case, width, blanks, "_" and "-" do not matter.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "custom id", "question id", "instance id", "qid", "doc id", "sample id", "id", "uid", "idx", "index", "key", "row", "no",
        "number", "编号", "题号", "序号", "request id", "unnamed: 0", "column 1",
    ),
    "question": (
        "question", "question text", "stem", "题目", "题干", "问题", "query", "prompt", "input", "instruction",
        "user", "origin prompt", "arg 0",
    ),
    "options": ("options", "choices", "选项", "备选答案"),
    "model": ("model", "model name", "model id", "system", "engine", "llm", "模型", "模型名称", "method", "setting",
        "variant", "checkpoint"),
    "answer": (
        "predicted answer", "predict answer", "prediction answer", "model answer", "answer prediction",
        "pred answer", "extracted answer", "parsed answer", "extracted prediction", "prediction", "predictions",
        "pred", "preds", "predict", "predicted", "model prediction", "预测答案", "模型答案", "choice", "answer letter",
    ),
    "raw": (
        "model result", "raw output", "model output", "output", "outputs", "response", "responses",
        "model response", "generated text", "generation", "generated", "completion", "reply", "llm output",
        "model reply", "text", "content", "resps", "raw prediction", "raw", "result", "infer", "assistant",
        "模型输出", "模型回答", "回答", "回复", "输出",
    ),
    "explanation": (
        "predicted explanation", "predict explanation", "model explanation", "explanation prediction",
        "generated explanation", "explanation", "explanations", "rationale", "解析", "答案解析", "模型解析", "解释",
    ),
    "reference": ("reference", "references", "reference explanation", "gold explanation", "参考解析"),
    "sample": (
        "sample", "sample index", "sample no", "epoch", "seed", "run", "trial", "attempt", "repeat", "replicate",
        "rollout", "n", "k", "iteration",
    ),
    "filter": ("filter",),
}  # fmt: skip

# Role -> name as it is compared -> its place.
_RANKS = {role: {column_key(name): rank for rank, name in enumerate(names)} for role, names in NAMES.items()}

# A judge's or a metric's verdict on an answer, and what sorts questions: no answers, whatever letters they hold.
_VERDICT = re.compile(
    r"correct$|^is|score|judge|verdict|^value$|grade|rating|^acc|match|metric|passed?$|^em$|^f1$|right$|对错|得分|评分|判"
)
_SORTS = re.compile(
    r"type$|level|difficulty|categor|class$|subject|section|topic|domain|split|year|group|source|part$|"
    r"题型|类型|难度|级别|等级|科目|学科|专业|章节|年份|来源|分类|组$"
)
_GOLD = re.compile(
    r"gold|^answers?(idx|index|key|text|content|string|str|label|option|id|num|number)?(\.\d+)?$|^correct|label|target|reference|groundtruth|^gt|^truth|^key$|^cop$|"
    r"正确|标准|参考|^答案$|^ref"
)
_THOUGHT = re.compile(r"reasoning|think|thought|cot$|analysis|思考|推理")
_ANSWERS = re.compile(
    r"pred|answer|respon|output|reply|complet|generat|infer|result|choice|resps|model|llm|assistant|content|"
    r"预测|回答|答案|回复|输出|结果|作答|生成"
)
_MODELS = re.compile(
    r"gpt|qwen|glm|llama|claude|gemini|deepseek|baichuan|huatuo|mi[sx]tral|internlm|kimi|doubao|ernie|gemma|vicuna|"
    r"alpaca|bert|medalpaca|bentsao|qizhen|yi-|grok|command-r|phi-|\d+(\.\d+)?b(\b|-|_|$)"
)

# Names of a second choice, and of what a harness makes of an answer.
_SECOND = re.compile(
    r"^mappedoutput|^truncatedpredictedtext|(second|2nd|third|3rd|next|alternat(iv)?e)(best|choice|option|guess|candidate)|runnerup|第[二三]选|次选"
)
# What a name says beside the model: "qwen_answer", "qwen.response.text".
_ROLE_WORDS = re.compile(
    r"(?:^|[._\- ])(?:(?:final|extracted|parsed|model|full|predicted|generated|raw)[_\- ]?)*"
    r"(?:answers?|letters?|choices?|pred(?:iction|ict)?s?|raw|reply|replies|resp(?:onse|s)?|outputs?|completions?|"
    r"generations?|generated|texts?|contents?|message|result)(?=$|[._\- ])|(?:模型)?(?:原始)?(?:回答|答案|回复|输出|结果|预测)+"
)

# A column of logarithms of probabilities.
LOGARITHM = re.compile(r"^(?:log|ll|lp)")


@lru_cache(maxsize=4096)
def leaf_key(name: str) -> str:
    """The last part of a dotted name that says something, for comparison.

    >>> leaf_key("response.body.Output_Text"), leaf_key("outputs.0"), leaf_key("qwen2.5-7b")
    ('outputtext', 'outputs', 'qwen2.57b')
    """
    if re.fullmatch(r"[\w-]+(\.[A-Za-z_][\w-]*|\.\d+)+", name) and not re.search(r"\d\.\d", name):
        parts = [part for part in name.split(".") if not part.isdigit()]
        name = parts[-1] if parts else name
    return column_key(name)


def is_called(role: str, name: str) -> bool:
    """Whether a column's name, or the last part of it, is one of those of a role."""
    return column_key(name) in _RANKS[role] or leaf_key(name) in _RANKS[role]


def name_rank(role: str, name: str) -> int:
    """The place of a name among those of its role, 0 the most telling; their number where it is none of them."""
    ranks = _RANKS[role]
    return ranks.get(column_key(name), ranks.get(leaf_key(name), len(ranks)))


def first_of_role(role: str, columns: Iterable[str]) -> str | None:
    """The column with the most telling name of a role, None where no column has one."""
    held = [name for name in columns if is_called(role, name)]
    return min(held, key=lambda name: name_rank(role, name), default=None)


def standing_of(name: str) -> int:
    """How likely a column of letters or texts is a model's by its name.

    3: an answer, reply or model; 2: nothing is known; 1: the exam's own answers; 0: a verdict, a category, a thought,
    a second choice

    >>> [standing_of(name) for name in ("qwen_answer", "infer", "x", "label", "题型", "second_choice")]
    [3, 3, 2, 1, 0, 0]
    """
    key = leaf_key(name)
    if is_called("answer", name) or is_called("raw", name):
        return 3
    if _SECOND.search(key):
        return 0
    if _MODELS.search(name.lower()) and not _VERDICT.search(key):
        return 0 if _THOUGHT.search(key) else 3
    if _GOLD.search(key):
        return 1
    if _VERDICT.search(key) or _SORTS.search(key) or _THOUGHT.search(key):
        return 0
    if is_called("explanation", name) or is_called("reference", name):
        return 0
    if key.startswith("filtered"):  # lm-eval: made of the replies beside it
        return 2
    return 3 if _ANSWERS.search(key) and not is_called("model", name) else 2


def owner_of(name: str) -> str:
    """The model that a name tells, without what it says of its answers; "" where it tells none.

    >>> owner_of("qwen2.5-7b.raw"), owner_of("qwen2.5-7b_Answer"), owner_of("model_answer")
    ('qwen2.57b', 'qwen2.57b', '')
    """
    lower = name.lower()
    return column_key(_ROLE_WORDS.sub("", lower)) if _MODELS.search(lower) else ""
