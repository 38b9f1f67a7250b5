"""Which columns of a prediction file hold a model's answers, which the exam's, and which neither.

The rows' questions are found first (`key_columns.locate`). Then every column is looked at (`column_evidence`) and one
place, `decide`, says what is gold, what are systems and what is left aside; content outranks names.
Where two readings would give different figures it refuses and names the parameter that decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from cmexam_baseline.exam.errors import InputError, excerpt_of
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice, Columns
from cmexam_baseline.scoring.outputs.column_evidence import (
    FEW_ROWS,
    GOLD_AGREEMENT,
    REPEATED,
    Evidence,
    Seen,
    evidence_of,
)
from cmexam_baseline.scoring.outputs.column_names import (
    first_of_role,
    is_called,
    leaf_key,
    name_rank,
    owner_of,
    standing_of,
)
from cmexam_baseline.scoring.outputs.recognition import Recognition

# Two columns hold the same answers if this share of the rows agrees.
SAME_ANSWERS = 0.95
# Kinds of `Evidence` in which answers are read without being told how.
READ_KINDS = ("letters", "text", "samples", "scores")
# Names that say that explanations like the exam's are a model's.
_PREDICTED = re.compile("predict|model|generated|模型")
# Names of a model's answers as much as of the exam's, which agree with the exam in more of the rows.
_OF_BOTH, _NEAR_GOLD = {"answer", "answers", "答案"}, 0.9
# Texts of which fewer hold an answer are no replies, unless their name says so.
READABLE = 0.3


def decide(
    columns: Columns,
    seen: Seen,
    known: Recognition,
    chosen: ColumnChoice,
    file: str,
    index_base: int | None = None,
) -> Recognition:
    """Say what is gold, what are systems and what is left aside.

    known: the columns that tell the questions of the rows, with their roles
    index_base: whether numbers count options from 0 or 1; None = only if the file settles it

    Raises `InputError` where no column holds a model's answers, or where it is open which one does.
    """
    by_user = [*chosen.named("answer"), *chosen.named("raw")]
    named = {*by_user, *chosen.named("gold"), *chosen.named("explanation")}
    taken = {*known.roles.values(), *known.option_columns, *known.probabilities.values(), *known.left_aside}
    # 1. What every other column shows. Whatever can be read out of explanations is no answer unless the user says so.
    evidence = {
        name: evidence_of(cells, seen, read=name in named or not _is_explanation(name))
        for name, cells in columns.items()
        if name not in taken and not is_called("sample", name) or name in named
    }
    roles, aside = dict(known.roles), dict(known.left_aside)
    # 2. The exam's answers.
    models = [*by_user, *_perfect_models(evidence)]
    gold = chosen.gold or _gold_column(evidence, models)
    if gold is not None:
        roles["gold"] = gold
    # 3. The model's: the columns that the user names, else the candidates with the names of answers, in pairs.
    candidates = _candidates(columns, evidence, seen, gold, models, aside)
    raw: dict[str, str] = {}
    if by_user:
        systems = list(dict.fromkeys(by_user))
        if len(chosen.named("answer")) == len(chosen.named("raw")) == 1:
            systems, raw = systems[:1], {by_user[0]: by_user[1]}
        aside |= {name: "not chosen" for name in candidates if name not in by_user}
    else:
        systems, raw = _paired(_systems(candidates, evidence, aside), evidence, aside, file)
    remarks = [
        f"{name} equals the exam's answers" for name in systems if name in evidence and evidence[name].is_gold
    ]
    if not systems:
        systems = _constant(evidence, aside, gold)
        remarks += [f"nearly every row of {name} is the same" for name in systems]
    if gold in evidence and chosen.gold is None and standing_of(gold) != 1 and systems:
        agreeing = f"{gold} agrees with the exam's answers in {evidence[gold].agreement:.0%} of the rows"
        if not by_user and any(_are_alike(gold, name, evidence) for name in systems):
            raise InputError(
                f"{file}: {agreeing} and may be these answers or a system like {systems[0]}; say which with "
                f"`gold_column={gold!r}`, or name the systems with `answer_column`"
            )
        remarks.append(f"warning: {agreeing} and is not scored")
    elif gold in evidence and not evidence[gold].is_gold:
        remarks.append(f"{gold} agrees with the exam's answers in {evidence[gold].agreement:.0%} of the rows")
    # 4. The model's explanations.
    explanation = chosen.explanation or _explanation(evidence, {*systems, *raw.values(), *roles.values()})
    if explanation is not None:
        roles["explanation"] = explanation
        if explanation in evidence and evidence[explanation].kind == REPEATED:
            remarks.append(
                f"warning: {explanation} holds the exam's own explanations, cut or with small edits"
            )
        aside.pop(explanation, None)
    # 5. What remains open is refused.
    if not systems and not known.probabilities:
        _refuse(columns, roles, aside, file)
    if systems and not named and all(evidence[name].is_unread for name in systems):
        raise InputError(
            f"{file}: no answer can be read in {systems[0]}; name the model's column with `answer_column`"
        )
    if not known.by_order and not by_user and len(systems) == 1:
        _refuse_own_answers(evidence, systems[0], aside, file)
    if known.by_order and not by_user:
        _refuse_another_order(evidence, systems, file)
    return replace(
        known,
        roles=roles,
        systems=systems,
        kinds={name: evidence[name].kind for name in systems},
        raw=raw,
        left_aside=aside,
        index_base=_index_base(systems, evidence, index_base, file),
        remarks=[*known.remarks, *remarks],
    )


def _index_base(
    systems: Sequence[str], evidence: Mapping[str, Evidence], index_base: int | None, file: str
) -> int | None:
    """What numbers as answers count from; None where no system gives numbers."""
    numbers = [name for name in systems if evidence[name].kind == "numbers"]
    known = [index_base, *(found.base for found in evidence.values())]
    base = next((base for base in known if base is not None), None)
    if numbers and base is None:
        raise InputError(
            f"{file}: {numbers[0]} holds numbers, which may count options from 0 or from 1; "
            "say which with `index_base=0` or `index_base=1`"
        )
    for name in numbers if index_base is None else ():
        fitting = evidence[name].fitting_base
        if fitting not in (None, base):
            raise InputError(
                f"{file}: the exam's answers count options from {base}, but the numbers in {name} fit {fitting} better; "
                "say which with `index_base=0` or `index_base=1`"
            )
    return base if numbers else None


def _perfect_models(evidence: Mapping[str, Evidence]) -> list[str]:
    """Columns named after models that equal the exam's answers, beside a key, or beside other models and no key."""
    keys = [found for name, found in evidence.items() if standing_of(name) == 1 and found.answers]
    models = [
        name
        for name, found in evidence.items()
        if owner_of(name) and standing_of(name) == 3 and found.answers
    ]
    if not any(found.is_gold for found in keys) and (keys or all(evidence[name].is_gold for name in models)):
        return []
    return [name for name in models if evidence[name].is_gold]


def _are_alike(name: str, other: str, evidence: Mapping[str, Evidence]) -> bool:
    """Whether neither names nor kinds tell which of two columns is the key."""
    kinds = evidence[name].kind, evidence[other].kind
    return standing_of(name) == standing_of(other) and kinds[0] == kinds[1] in ("letters", "numbers")


def _gold_column(evidence: Mapping[str, Evidence], by_user: Sequence[str]) -> str | None:
    """The exam's answers by content; of several such columns the one whose name is the least a model's."""
    answers = [found for found in evidence.values() if found.kind in READ_KINDS and found.read >= READABLE]
    others = not all(found.is_gold for found in answers)
    # A model that is always right may say so in words, where the file holds no other answers.
    golden = [
        name
        for name, found in evidence.items()
        if found.is_gold and name not in by_user and (others or not _may_be_perfect(name, found))
    ]

    def rank(name: str) -> tuple[int, bool]:
        # An answer by letters alone is likelier to be the key than a reply that leads to it.
        return abs(standing_of(name) - 1), evidence[name].kind not in ("letters", "numbers", "constant")

    return min(golden, key=rank, default=None)


def _may_be_perfect(name: str, found: Evidence) -> bool:
    return standing_of(name) == 3 and found.kind in ("text", "samples", "scores") and not found.explained


def _candidates(
    columns: Columns,
    evidence: Mapping[str, Evidence],
    seen: Seen,
    gold: str | None,
    models: Sequence[str],
    aside: dict[str, str],
) -> list[str]:
    """Columns that may be a model's answers; what speaks against the others goes to `aside`."""
    free = {name: found for name, found in evidence.items() if name != gold and found.kind != "empty"}
    aside |= {
        name: reason for name, found in free.items() if (reason := _objection(name, found, name in models))
    }
    candidates = [name for name in free if name not in aside]
    for name in list(candidates):
        rank = standing_of(name)
        others = [evidence[other] for other in candidates if other != name and standing_of(other) >= rank]
        few = len({cell_text(columns[name][row]).strip() for row in seen.rows}) <= 4
        if few and evidence[name].kind in ("letters", "numbers"):
            readable = [other for other in others if other.kind in READ_KINDS]
            if any(_is_verdict_on(columns[name], other, seen) for other in readable):
                candidates.remove(name)
                aside[name] = "verdict"
    return candidates


def _is_verdict_on(values: Sequence[object], answer: Evidence, seen: Seen) -> bool:
    """Whether a column of few values tells for every row no more than whether `answer` is right."""
    by_value: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for place, mask in answer.answers.items():
        text = cell_text(values[seen.rows[place]]).strip()
        by_value[mask == int(seen.exam.answers[seen.questions[place]])][text] += 1
    right, wrong = (by_value[key].most_common(1) for key in (True, False))
    if len(answer.answers) < FEW_ROWS or not right or not wrong or right[0][0] == wrong[0][0]:
        return False
    return right[0][1] + wrong[0][1] >= GOLD_AGREEMENT * len(answer.answers)


def _objection(name: str, found: Evidence, is_model: bool = False) -> str:
    """Why a column cannot be a model's answers, "" where it can."""
    if found.kind in ("question", "explanation", REPEATED, "annotation"):
        return f"the exam's own {found.kind}"
    if found.kind in ("options", "verdict", "constant"):
        return found.kind
    if found.is_gold and not is_model and not _may_be_perfect(name, found):
        return "the exam's answers"
    if is_called("question", name) or is_called("question", name.rpartition(".")[0]):
        return "a prompt"
    if _is_explanation(name):
        return "an explanation"
    unread = found.kind in ("text", "samples") and found.read < READABLE and standing_of(name) < 3
    empty = found.kind == "text" and not found.read and not _are_conventional(name)
    return "no answers in it" if unread or empty else ""


def _is_explanation(name: str) -> bool:
    return is_called("explanation", name) or is_called("reference", name)


def _systems(candidates: Sequence[str], evidence: Mapping[str, Evidence], aside: dict[str, str]) -> list[str]:
    """The candidates whose names are the most a model's."""
    texts = [name for name in candidates if evidence[name].kind != "numbers" or standing_of(name) == 3]
    pool = texts or list(candidates)
    best = max(map(standing_of, pool), default=0)
    systems = [name for name in pool if standing_of(name) == best > 0]
    reasons = ["a category, verdict or second choice by its name"]
    reasons += ["called the exam's answers, which it differs from"]
    reasons += ["its name says less than that of the answers"] * 2
    aside |= {name: reasons[standing_of(name)] for name in candidates if name not in systems}
    return systems


def _paired(
    systems: Sequence[str], evidence: Mapping[str, Evidence], aside: dict[str, str], file: str
) -> tuple[list[str], dict[str, str]]:
    """Columns that say the same, as one system: letters with the replies they came from, a reply kept twice."""
    kept = list(systems)
    raw: dict[str, str] = {}
    usual = {name: min(name_rank("answer", name), name_rank("raw", name)) for name in kept}
    order = sorted(kept, key=lambda name: (evidence[name].kind != "letters", usual[name]))
    for name, other in combinations(order, 2):
        if name not in kept or other not in kept:
            continue
        same = evidence[name].same_share(evidence[other])
        conventional = _are_conventional(name, other)
        if evidence[name].kind == "letters" and evidence[other].kind in ("text", "samples"):
            of_one = conventional or "" != owner_of(name) == owner_of(other)
            if not of_one and (same < SAME_ANSWERS or len(systems) > 2):
                continue
            if same < SAME_ANSWERS:
                raise InputError(
                    f"{file}: {name} and {other} give different answers in {1 - same:.0%} of the rows; "
                    f"choose with `answer_column={name!r}` or `raw_column={other!r}`"
                )
            raw.setdefault(name, other)
            kept.remove(other)
        elif evidence[name].kind == evidence[other].kind and conventional:
            if same < 1:
                raise InputError(
                    f"{file}: {name} and {other} may both be the model's answers and differ in {1 - same:.0%} of "
                    f"the rows; choose with `answer_column={name!r}` or `answer_column={other!r}`"
                )
            kept.remove(other)
            aside[other] = f"the same as {name}"
    return kept, raw


def _constant(evidence: Mapping[str, Evidence], aside: dict[str, str], gold: str | None) -> list[str]:
    """A column with an answer's name whose cells are all the same, where there is no other."""
    constant = [name for name, found in evidence.items() if found.kind == "constant"]
    found = first_of_role("answer", constant) or first_of_role("raw", constant)
    if gold is None:  # else a column called answer is rather another key
        found = found or next((name for name in constant if standing_of(name) == 1), None)
    if found is None:
        return []
    del aside[found]
    return [found]


def _explanation(evidence: Mapping[str, Evidence], taken: set[str]) -> str | None:
    # A name that says whose they are, such as predicted_explanation, is believed.
    said = [
        name for name, found in evidence.items() if found.kind == REPEATED and _PREDICTED.search(name.lower())
    ]
    free = [name for name, found in evidence.items() if found.kind in ("text", "letters")] + said
    return first_of_role("explanation", [name for name in free if name not in taken])


def _refuse_own_answers(
    evidence: Mapping[str, Evidence], system: str, aside: Mapping[str, str], file: str
) -> None:
    """Raise `InputError` where letters under a name of both, as in "answer", are not the exam's nor those of the reply."""
    for name in aside:
        found = evidence.get(name)
        if found is None or leaf_key(name) not in _OF_BOTH or found.kind != "letters" or found.n < FEW_ROWS:
            continue
        same = found.same_share(evidence[system])
        if (
            evidence[system].kind in ("text", "samples")
            and found.agreement < _NEAR_GOLD
            and same < SAME_ANSWERS
        ):
            raise InputError(
                f"{file}: {name} and {system} give different answers in {1 - same:.0%} of the rows, and {name} is not the "
                f"exam's answers; choose with `answer_column={name!r}` or `raw_column={system!r}`"
            )


def _refuse_another_order(evidence: Mapping[str, Evidence], systems: Sequence[str], file: str) -> None:
    """Raise `InputError` where answers that are called the exam's show that the rows are in another order."""
    for name, found in evidence.items():
        called_gold = standing_of(name) == 1 and found.kind in ("letters", "numbers") and name not in systems
        if called_gold and found.n >= FEW_ROWS and found.agreement < SAME_ANSWERS:
            raise InputError(
                f"{file}: nothing but order or position tells the questions of the rows, and {name} agrees with the exam's "
                f"answers in {found.agreement:.0%} of them; give ids or question texts, or, if the order is the exam's, "
                f"decide with `answer_column={(list(systems) or ['NAME'])[0]!r}`"
            )


def _refuse(columns: Columns, roles: Mapping[str, str], aside: Mapping[str, str], file: str) -> None:
    """Raise `InputError` unless there are explanations to score; say what was found instead of answers."""
    gold = roles.get("gold")
    hint = excerpt_of("".join(f"; {name}: {reason}" for name, reason in aside.items()), 200)
    if gold is not None:
        raise InputError(
            f"{file} holds the exam's answers ({gold}) and no answers of a model{hint}; "
            "name the model's column with `answer_column` or `raw_column`"
        )
    if "explanation" in roles:
        return
    shown = excerpt_of(", ".join(list(columns)[:12]) + (", …" if len(columns) > 12 else ""), 300)
    text = f"{file} has no column that looks like a model's answers (found: {shown}{hint})"
    raise InputError(f"{text}; name it with `answer_column` or `raw_column`")


def _are_conventional(*names: str) -> bool:
    """Whether all are names that a file uses for the answers and replies of one model, not names of models."""
    usual = all(is_called("answer", name) or is_called("raw", name) for name in names)
    return usual and len(set(map(owner_of, names))) == 1
