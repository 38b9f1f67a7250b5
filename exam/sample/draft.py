"""A question before its options have letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cmexam_baseline.exam.sample.labels import Labels


class Ask(NamedTuple):
    """What is asked: a fact of the table `topic` in one of the ways of asking, with one of its stems.

    `subject` is empty where a group is asked about, `value` too where a whole table is. An `Item` is
    asked for by its first stem as `subject`, with "item" as `kind`.
    """

    topic: str
    kind: str
    subject: str
    value: str
    wording: int
    n_options: int = 5


class Choice(NamedTuple):
    """An option, whether it is to be chosen, and a clause on why or why not.

    `holds` says whether the clause agrees with the option; in a negated question the option to be
    chosen is the one that does not hold.
    """

    text: str
    chosen: bool
    because: str
    holds: bool


@dataclass(frozen=True)
class Draft:
    """A question whose options still stand in any order; `last` is the option that must stay last."""

    ask: Ask
    stem: str
    choices: tuple[Choice, ...]
    labels: Labels
    difficulty: int
    topic: str
    background: str = ""
    last: str = ""
