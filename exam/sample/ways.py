"""The ways of asking for a fact. Each draws wrong options that the table says are wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from cmexam_baseline.exam.sample.draft import Ask, Choice, Draft
from cmexam_baseline.exam.sample.fact_table import Fact, FactTable, Groups, Item

Drawn = TypeVar("Drawn")

ALL = "以上均是"
NONE = "以上均不是"

MATCHING = (
    "关于{topic}，下列叙述正确的是",
    "下列有关{topic}的说法，正确的是",
)
MISMATCHING = (
    "关于{topic}，下列叙述错误的是",
    "下列有关{topic}的说法，不正确的是",
    "关于{topic}的叙述，下列各项中有误的是",
    "下列各项叙述均符合{topic}，除外",
)


def draw(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    """The question that `ask` describes, or None where the table has too few wrong options for it."""
    return WAYS[ask.kind](ask, table, rng)


def draw_item(ask: Ask, item: Item, rng: Random) -> Draft:
    """The question of `item` with the stem that `ask` names and as many options as it says."""
    right = (item.right,) if isinstance(item.right, str) else item.right
    wrong = rng.sample(item.wrong, min(len(item.wrong), ask.n_options - len(right)))
    choices = tuple(
        Choice(text, text in right, "", text in right or ALL in right) for text in (*right, *wrong)
    )
    stem = item.stems[ask.wording]
    return Draft(ask, stem, choices, item.labels, item.difficulty, item.topic, item.because, item.last)


def _forward(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    fact = table.fact_of(ask.subject)
    others = [value for value in table.values if not table.may_hold(fact.subject, value)]
    wrong = _some(others, ask.n_options - 1, rng)
    if wrong is None:
        return None
    choices = [Choice(fact.value, True, table.say(fact.subject, fact.value), True)]
    choices += [
        Choice(value, False, table.say(table.example_of(value).subject, value), False) for value in wrong
    ]
    return _draft(ask, table, table.forward[ask.wording], choices, fact, rng.choice((1, 1, 2, 2, 3)))


def _backward(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    fact = table.fact_of(ask.subject)
    wrong = _some(_strangers(table, fact.value), ask.n_options - 1, rng)
    if wrong is None:
        return None
    choices = [_member(table, fact.subject, chosen=True, holds=True)]
    choices += [_member(table, subject, chosen=False, holds=False) for subject in wrong]
    return _draft(ask, table, table.backward_stems[ask.wording], choices, fact, rng.choice((1, 1, 2, 2, 3)))


def _backward_with(last: str) -> Callable[[Ask, FactTable, Random], Draft | None]:
    """`_backward` with `last` in the place of one wrong option, and wrong as well."""

    def draw_with_last(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
        draft = _backward(ask._replace(n_options=ask.n_options - 1), table, rng)
        if draft is None:
            return None
        choices = (*draft.choices, Choice(last, False, f"“{last}”不成立", False))
        return replace(draft, ask=ask, choices=choices, last=last)

    return draw_with_last


def _negated(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    members = _some(_members(table, ask.value), ask.n_options - 1, rng)
    stranger = _some(_strangers(table, ask.value), 1, rng)
    if members is None or stranger is None or not isinstance(table, Groups):
        return None
    choices = [_member(table, stranger[0], chosen=True, holds=False)]
    choices += [_member(table, member, chosen=False, holds=True) for member in members]
    fact = table.example_of(ask.value)
    return _draft(ask, table, table.negated[ask.wording], choices, fact, rng.choice((2, 2, 3)))


def _several(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    members = _members(table, ask.value)
    n_right = min(rng.choice((2, 3, 3, 4)), len(members), ask.n_options)
    strangers = _some(_strangers(table, ask.value), ask.n_options - n_right, rng)
    if n_right < 2 or strangers is None or not isinstance(table, Groups):
        return None
    choices = [_member(table, member, chosen=True, holds=True) for member in rng.sample(members, n_right)]
    choices += [_member(table, stranger, chosen=False, holds=False) for stranger in strangers]
    fact = table.example_of(ask.value)
    return _draft(ask, table, table.several[ask.wording], choices, fact, rng.choice((3, 4, 4, 5)))


def _all(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    members = _some(_members(table, ask.value), ask.n_options - 1, rng)
    if members is None:
        return None
    choices = [_member(table, member, chosen=False, holds=True) for member in members]
    choices.append(Choice(ALL, True, "以上各项均符合题意", True))
    fact = table.example_of(ask.value)
    return _draft(
        ask, table, table.backward_stems[ask.wording], choices, fact, rng.choice((1, 2, 3)), last=ALL
    )


def _none(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    strangers = _some(_strangers(table, ask.value), ask.n_options - 1, rng)
    if strangers is None:
        return None
    choices = [_member(table, stranger, chosen=False, holds=False) for stranger in strangers]
    choices.append(Choice(NONE, True, "以上各项均不符合题意", True))
    fact = table.example_of(ask.value)
    draft = _draft(ask, table, table.backward_stems[ask.wording], choices, fact, rng.choice((2, 3, 3)))
    return replace(draft, last=NONE)


def _matching(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    """One statement is right, the others give a subject a value that is not its own."""
    return _statements(ask, table, MATCHING[ask.wording], 1, rng)


def _mismatching(ask: Ask, table: FactTable, rng: Random) -> Draft | None:
    """One statement is wrong."""
    return _statements(ask, table, MISMATCHING[ask.wording], ask.n_options - 1, rng)


def _statements(ask: Ask, table: FactTable, stem: str, n_right: int, rng: Random) -> Draft | None:
    facts = _some(table.facts, ask.n_options, rng)
    if facts is None:
        return None
    said = [fact.value for fact in facts[:n_right]]
    for fact in facts[n_right:]:
        others = [value for value in table.values if not table.may_hold(fact.subject, value)]
        fresh = [value for value in others if value not in said]
        if not others:
            return None
        said.append(rng.choice(fresh or others))
    choices = [
        Choice(
            text=table.say(fact.subject, value),
            chosen=(value == fact.value) == (n_right == 1),
            because=table.say(fact.subject, fact.value),
            holds=value == fact.value,
        )
        for fact, value in zip(facts, said, strict=True)
    ]
    return _draft(
        ask, table, stem.replace("{topic}", table.topic), choices, facts[0], rng.choice((2, 3, 3, 4))
    )


def _draft(
    ask: Ask,
    table: FactTable,
    stem: str,
    choices: Sequence[Choice],
    fact: Fact,
    difficulty: int,
    last: str = "",
) -> Draft:
    asked = stem.format(s=ask.subject, v=ask.value)
    return Draft(ask, asked, tuple(choices), fact.labels, difficulty, table.topic, table.background, last)


def _member(table: FactTable, subject: str, *, chosen: bool, holds: bool) -> Choice:
    return Choice(subject, chosen, table.say(*table.fact_of(subject)[:2]), holds)


def _members(table: FactTable, value: str) -> list[str]:
    return [fact.subject for fact in table.facts if fact.value == value]


def _strangers(table: FactTable, value: str) -> list[str]:
    return [fact.subject for fact in table.facts if not table.may_hold(fact.subject, value)]


def _some(pool: Sequence[Drawn], n: int, rng: Random) -> list[Drawn] | None:
    return rng.sample(list(pool), n) if len(pool) >= n else None


WAYS: dict[str, Callable[[Ask, FactTable, Random], Draft | None]] = {
    "forward": _forward,
    "backward": _backward,
    "backward, none": _backward_with(NONE),
    "negated": _negated,
    "several": _several,
    "all": _all,
    "none": _none,
    "backward, all": _backward_with(ALL),
    "matching": _matching,
    "mismatching": _mismatching,
}
