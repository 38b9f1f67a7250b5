"""What was read out of many replies, in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import overload

from cmexam_baseline.scoring.extraction import Extraction, Overruled

Found = Extraction | None
_NOWHERE = -1


class Extractions(Sequence[Found]):
    """Extractions of n texts, None where there is no text: 20 bytes each beside the explanation.

    >>> one = Extraction("AC", 5, "letters", (0, 2), "")
    >>> found = Extractions([one, None])
    >>> found[0] == one, found[1:], len(found)
    (True, [None], 2)
    """

    def __init__(self, found: Iterable[Found] = ()) -> None:
        # Of letters, mask and rule together there are few.
        self._readings: list[tuple[str | None, int, str] | None] = []
        self._known: dict[tuple[str | None, int, str], tuple[str | None, int, str]] = {}
        self._spans = array("i")
        # Few replies say more than one thing.
        self._overruled: dict[int, tuple[Overruled, ...]] = {}
        self._explanations: list[str] = []
        self.extend(found)

    def extend(self, found: Iterable[Found]) -> None:
        """Add extractions at the end."""
        for each in found:
            if each is None:
                self._readings.append(None)
                self._spans.extend((_NOWHERE, _NOWHERE))
                self._explanations.append("")
                continue
            reading = (each.letters, each.mask, each.rule)
            if each.overruled:
                self._overruled[len(self._readings)] = each.overruled
            self._readings.append(self._known.setdefault(reading, reading))
            self._spans.extend(each.span or (_NOWHERE, _NOWHERE))
            self._explanations.append(each.explanation)

    def __len__(self) -> int:
        return len(self._readings)

    @overload
    def __getitem__(self, key: int) -> Found: ...
    @overload
    def __getitem__(self, key: slice) -> list[Found]: ...
    def __getitem__(self, key: int | slice) -> Found | list[Found]:
        if isinstance(key, slice):
            return [self[place] for place in range(*key.indices(len(self)))]
        reading = self._readings[key]
        if reading is None:
            return None
        place = key % len(self)
        start, end = self._spans[2 * place : 2 * place + 2]
        span = None if start == _NOWHERE else (start, end)
        return Extraction(*reading, span, self._explanations[place], self._overruled.get(place, ()))

    def rules(self) -> list[str]:
        """The rule that read each text, "" where it read no answer; texts that are not there are left out."""
        return [rule if mask else "" for _, mask, rule in filter(None, self._readings)]

    def masks(self) -> list[int]:
        """The mask of each text's answer, 0 without one."""
        return [0 if reading is None else reading[1] for reading in self._readings]

    def explanations(self) -> Sequence[str]:
        """The explanation in each text, "" where there is none."""
        return self._explanations
