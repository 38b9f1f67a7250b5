"""What a column's name says: names that tools and people use for each role, and how likely a column is a model's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from cmexam_baseline.exam.io.columns import column_key

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
        "variant", "checkpoint", "provider.id"),
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
    r"correct$|^is|score|judge|verdict|comment|feedback|critique|评语|点评|^value$|grade|rating|^acc|match|metric|eval(uation)?$|passed?$|^em$|^f1$|right$|对错|得分|评分|判"
)
_SORTS = re.compile(
    r"type$|level|difficulty|categor|class$|subject|section|topic|domain|split|year|group|source|part$|"
    r"题型|类型|难度|级别|等级|科目|学科|专业|章节|年份|来源|分类|组$"
)
_GOLD = re.compile(
    r"gold|^answers?(idx|index|key|text|content|string|str|label|option|id|num|number)?(\.\d+)?$|^correct|label|target|reference|groundtruth|^gt|^truth|^key$|^cop$|"
    r"^expected|^ytrue|^true(answer|label)|^solution|"
    r"正确|标准|参考|^答案$|^ref"
)
_THOUGHT = re.compile(r"reasoning|think|thought|cot$|analysis|思考|推理")
_ANSWERS = re.compile(
    r"pred|answer|respon|output|reply|complet|generat|infer|result|choice|resps|model|llm|assistant|content|"
    r"预测|回答|答案|回复|输出|结果|作答|生成"
)
_MODELS = re.compile(
    r"gpt|qwen|glm|llama|claude|gemini|deepseek|baichuan|huatuo|mi[sx]tral|internlm|kimi|doubao|ernie|gemma|vicuna|"
    r"(?<![a-z])o[134](?![a-z\d])|alpaca|bert|medalpaca|bentsao|qizhen|yi-|grok|command-r|phi-|\d+(\.\d+)?b(\b|-|_|$)"
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
