"""Token sequences put together one token at a time: the obviously right twin of encoders.sequences."""

from __future__ import annotations

from cmexam_baseline.encoders.tokens import Template


def pairwise_sequences(
    template: Template, questions: list[list[int]], options: list[list[list[int]]], marker: bool
) -> list[tuple[list[int], list[int], int]]:
    """Ids, segments and the place of the score, for every option of every question; nothing is cut."""
    sequences = []
    for question, own in zip(questions, options, strict=True):
        for option in own:
            first = [*template.prefix, *question, *template.middle]
            second = [*([template.marker] if marker else []), *option, *template.suffix]
            segments = [0] * len(first) + [1] * len(second)
            sequences.append((first + second, segments, len(first) if marker else 0))
    return sequences


def joint_sequences(
    template: Template, questions: list[list[int]], options: list[list[list[int]]]
) -> list[tuple[list[int], list[int], list[int], list[int]]]:
    """Ids, segments, positions side by side, and the places of the scores, for every question."""
    sequences = []
    for question, own in zip(questions, options, strict=True):
        ids = [*template.prefix, *question, *template.middle]
        segments, positions, places = [0] * len(ids), list(range(len(ids))), []
        shared = len(ids)
        for number, option in enumerate(own, 1):
            places.append(len(ids))
            block = [template.marker, *option, *template.suffix]
            ids += block
            segments += [number] * len(block)
            positions += list(range(shared, shared + len(block)))
        sequences.append((ids, segments, positions, places))
    return sequences
