"""Tables of facts: what holds for whom, in a form that questions can be drawn from.

To add a fact, write a line into a table under `facts/`, or a new table, and run
`python -m cmexam_baseline.exam.sample.make`. Three forms cover the whole sample:

- `Pairs`: a subject and what holds for it (drug and mechanism, sign and disease). Any other value of
  the table is offered as a wrong option, so a value that holds for a subject beside the one asked for,
  or that somebody might defend, stands in `also`.
- `Groups`: a group and its members (drug class and drugs), which can also be asked for several members
  or for the one that is none.
- `Item`: one question written out with its own wrong options, for figures, laws and cases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from cmexam_baseline.exam.sample.labels import Labels


class Fact(NamedTuple):
    """`value` holds for `subject`."""

    subject: str
    value: str
    labels: Labels


@dataclass(frozen=True, eq=False, kw_only=True)
class FactTable(ABC):
    """Facts about one topic; `{s}` and `{v}` stand for subject and value in every template.

    `rows` gives the facts by their labels. `statement` says a fact in a sentence without its full stop,
    `forward` stems ask for the value. `also` lists values of the table that hold, or might be held to,
    for a subject without being asked for. `background` is whole sentences that some explanations begin
    with.
    """

    topic: str
    rows: Mapping[Labels, Mapping[str, str]]
    statement: str
    forward: tuple[str, ...]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    background: str = ""

    @property
    @abstractmethod
    def backward_stems(self) -> tuple[str, ...]:
        """Stems that ask for a subject by its value."""

    @abstractmethod
    def _read(self) -> Iterator[Fact]: ...

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact in the order written."""
        return tuple(self._read())

    @cached_property
    def values(self) -> tuple[str, ...]:
        """Every value once, in the order written."""
        return tuple(dict.fromkeys(fact.value for fact in self.facts))

    def fact_of(self, subject: str) -> Fact:
        """The one fact about `subject`."""
        return self._by_subject[subject]

    @cached_property
    def _by_subject(self) -> dict[str, Fact]:
        return {fact.subject: fact for fact in self.facts}

    def example_of(self, value: str) -> Fact:
        """The first fact with `value`."""
        return next(fact for fact in self.facts if fact.value == value)

    def may_hold(self, subject: str, value: str) -> bool:
        """Whether `value` holds for `subject`, or might be held to."""
        return self.fact_of(subject).value == value or value in self.also.get(subject, ())

    def say(self, subject: str, value: str) -> str:
        """The statement that `value` holds for `subject`."""
        return self.statement.format(s=subject, v=value)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs(FactTable):
    """Subjects and the value that holds for each; `backward` stems ask for the subject.

    >>> labels = Labels("不符合", "医学基础知识", "不符合", "临床医学")
    >>> organs = Pairs(topic="表里", rows={labels: {"肝": "胆", "肺": "大肠"}}, statement="{s}与{v}相表里",
    ...                forward=("与{s}相表里的是",), backward=("与{v}相表里的是",))
    >>> organs.say("肝", "胆"), organs.may_hold("肝", "大肠")
    ('肝与胆相表里', False)
    """

    backward: tuple[str, ...]

    @property
    def backward_stems(self) -> tuple[str, ...]:
        """The `backward` stems."""
        return self.backward

    def _read(self) -> Iterator[Fact]:
        for labels, row in self.rows.items():
            for subject, value in row.items():
                yield Fact(subject, value, labels)


@dataclass(frozen=True, eq=False, kw_only=True)
class Groups(FactTable):
    """Groups and their members, a member being one word; members of a row are separated by blanks.

    `kind` is what the members are called ("药物"); `belongs` and `belongs_not` are the predicates that
    the stems are built from which ask for members.

    >>> labels = Labels("不符合", "医学基础知识", "不符合", "药学")
    >>> drugs = Groups(topic="分类", kind="药物", rows={labels: {"糖肽类": "万古霉素 替考拉宁"}})
    >>> drugs.facts[1].subject, drugs.negated[0].format(v="糖肽类")
    ('替考拉宁', '下列药物中，不属于糖肽类的是')
    """

    kind: str
    statement: str = "{s}属于{v}"
    forward: tuple[str, ...] = ("{s}属于", "按类别划分，{s}属于")
    belongs: str = "属于{v}"
    belongs_not: str = "不属于{v}"

    def _read(self) -> Iterator[Fact]:
        for labels, row in self.rows.items():
            for group, members in row.items():
                for member in members.split():
                    yield Fact(member, group, labels)

    @property
    def backward_stems(self) -> tuple[str, ...]:
        """Stems that ask for one member."""
        return self._stems(self.belongs, "是")

    @property
    def negated(self) -> tuple[str, ...]:
        """Stems that ask for the one that is no member."""
        return self._stems(self.belongs_not, "是")

    @property
    def several(self) -> tuple[str, ...]:
        """Stems that ask for every member on offer."""
        return self._stems(self.belongs, "有")

    def _stems(self, predicate: str, ending: str) -> tuple[str, ...]:
        which = "哪些" if ending == "有" else "哪种"
        return (
            f"下列{self.kind}中，{predicate}的{ending}",
            f"{predicate}的{self.kind}{ending}",
            f"以下{predicate}的{self.kind}{ending}",
            f"下列{which}{self.kind}{predicate}",
        )


class Item(NamedTuple):
    """A question written out: stems that ask the same, right and wrong options, and why.

    `right` is one text or several; `wrong` holds what five options need, or more. `last` is the right
    option that stands at the end whatever the order ("以上均是").
    """

    topic: str
    stems: tuple[str, ...]
    right: str | tuple[str, ...]
    wrong: tuple[str, ...]
    because: str
    labels: Labels
    difficulty: int = 2
    last: str = ""
