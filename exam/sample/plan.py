"""Which questions are drawn from the facts."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from cmexam_baseline.exam.sample.draft import Ask, Draft
from cmexam_baseline.exam.sample.fact_table import Fact, FactTable, Groups, Item
from cmexam_baseline.exam.sample.ways import MATCHING, MISMATCHING, draw, draw_item

SHARE_OF_FACTS = 0.36
"""Of the facts of a table, asked forward and backward; the others stand as wrong options."""
SHARE_OF_MEMBERS = 0.12
"""Of the memberships of a group, asked forward."""
SHARE_OF_GROUPS = {
    "backward": 0.35,
    "negated": 0.3,
    "several": 0.3,
    "all": 0.06,
    "backward, all": 0.12,
    "none": 0.06,
}
"""Of the groups, asked in each of these ways."""
SHARE_NONE = 0.04
"""Of backward questions, with a last option that none is right."""
SHARE_OF_FOUR = 0.02
"""Of all questions, with four options where five would do."""
MATCHES_PER_TABLE = (0, 1, 1, 2)


def draft_all(tables: dict[str, FactTable], items: dict[str, Item], seed: int) -> list[Draft]:
    """Every question of the exam, no two with the same stem."""
    drafts: dict[str, Draft] = {}
    for topic, table in tables.items():
        rng = Random(f"{seed} {topic}")
        for ask in _asks(table, rng):
            draft = draw(ask, table, rng) or draw(ask._replace(n_options=4), table, rng)
            if draft is not None:
                drafts.setdefault(draft.stem, draft)
    for item in items.values():
        rng = Random(f"{seed} {item.stems[0]}")
        for wording in range(len(item.stems)):
            ask = Ask(item.topic, "item", item.stems[0], "", wording)
            draft = draw_item(ask, item, rng)
            drafts.setdefault(draft.stem, draft)
    return list(drafts.values())


def redraw(draft: Draft, tables: dict[str, FactTable], rng: Random) -> Draft | None:
    """The same stem with other wrong options, or None where there are no others."""
    other = draw(draft.ask, tables[draft.ask.topic], rng) if draft.ask.kind != "item" else None
    texts = {choice.text for choice in draft.choices}
    return other if other and {choice.text for choice in other.choices} != texts else None


def _asks(table: FactTable, rng: Random) -> Iterator[Ask]:
    facts = [fact for fact in table.facts if not _gives_itself_away(fact, table)]
    rng.shuffle(facts)
    if isinstance(table, Groups):
        yield from _asks_of_groups(table, facts, rng)
    else:
        for fact in facts[: round(SHARE_OF_FACTS * len(table.facts))]:
            yield _ask(table, "forward", fact, rng)
            yield _ask(table, "backward, none" if rng.random() < SHARE_NONE else "backward", fact, rng)
    n_matches = rng.choice(MATCHES_PER_TABLE)
    stems = [("matching", wording) for wording in range(len(MATCHING))]
    stems += [("mismatching", wording) for wording in range(len(MISMATCHING))]
    for kind, wording in rng.sample(stems, n_matches):
        yield Ask(table.topic, kind, "", "", wording)


def _asks_of_groups(table: Groups, facts: list[Fact], rng: Random) -> Iterator[Ask]:
    for fact in facts[: round(SHARE_OF_MEMBERS * len(facts))]:
        yield _ask(table, "forward", fact, rng)
    for value in table.values:
        for kind, share in SHARE_OF_GROUPS.items():
            # "不属于不依赖维生素K的因子" is a riddle, not a question.
            if rng.random() < share and not (kind == "negated" and value.startswith(("不", "非"))):
                member = rng.choice([fact for fact in table.facts if fact.value == value])
                asked = member if kind.startswith("backward") else member._replace(subject="")
                yield _ask(table, kind, asked, rng)


def _ask(table: FactTable, kind: str, fact: Fact, rng: Random) -> Ask:
    stems = table.forward if kind == "forward" else table.backward_stems
    n_options = 4 if rng.random() < SHARE_OF_FOUR else 5
    return Ask(table.topic, kind, fact.subject, fact.value, rng.randrange(len(stems)), n_options)


def _gives_itself_away(fact: Fact, table: FactTable) -> bool:
    """Whether subject and value share words that hardly any other value has (麻黄汤, 麻黄)."""
    shorter, longer = sorted((fact.subject, fact.value), key=len)
    least = max(2, round(0.4 * len(shorter)))
    runs = (shorter[start : start + least] for start in range(len(shorter) - least + 1))
    return any(run in longer and sum(run in value for value in table.values) < 3 for run in runs)
