"""What the columns of a prediction file were taken for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recognition:
    """What was taken for what.

    roles:         role -> column: id, question, options, model, explanation, reference, gold
    systems:       one column of answers or replies a system
    kinds:         column of a system -> "letters", "numbers", "text", "samples" or "scores"
    raw:           column of letters -> the column of the replies that they were taken from
    option_columns, probabilities: columns of single options
    left_aside:    column -> why it is none of these
    index_base:    of answers that are numbers
    by_order:      whether nothing but the order of the rows, or their position, tells their questions
    remarks:       single lines on what was assumed
    """

    roles: dict[str, str]
    systems: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    option_columns: list[str] = field(default_factory=list)
    probabilities: dict[str, str] = field(default_factory=dict)
    left_aside: dict[str, str] = field(default_factory=dict)
    index_base: int | None = None
    by_order: bool = False
    remarks: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """What was taken for what, in one line.

        >>> Recognition({"id": "question_id"}, ["pred"]).describe()
        'answer = pred; id = question_id'
        """
        shown = {
            f"{name} (from {self.raw[name]})" if name in self.raw else name: None for name in self.systems
        }
        parts = [f"answer = {', '.join(shown)}"] if self.systems else []
        parts += [f"{role} = {column}" for role, column in self.roles.items()]
        if self.option_columns and "options" not in self.roles:
            parts.append(f"options = {', '.join(self.option_columns)}")
        if self.probabilities:
            parts.append(f"probabilities = {', '.join(self.probabilities.values())}")
        if self.index_base is not None:
            parts.append(f"numbers count options from {self.index_base}")
        return "; ".join(parts)

    def describe_left_aside(self) -> str:
        """What was left aside and why, in one line; "" where nothing was.

        >>> Recognition({}, ["pred"], left_aside={"题型": "constant"}).describe_left_aside()
        '题型 (constant)'
        """
        return "; ".join(f"{name} ({reason})" for name, reason in self.left_aside.items())
