"""Token sequences built one token at a time: the obviously right twin of encoders.sequences."""

from __future__ import annotations

from cmexam_baseline.encoders.tokens import Template


def pairwise_sequences(
    template: Template, questions: list[list[int]], options: list[list[list[int]]]
) -> list[tuple[list[int], list[int]]]:
    """Ids and segments of every option of every question; nothing is cut."""
    sequences = []
    for question, own in zip(questions, options, strict=True):
        for option in own:
            first = [*template.prefix, *question, *template.middle]
            second = [*option, *template.suffix]
            segments = [0] * len(first) + [1] * len(second)
            sequences.append((first + second, segments))
    return sequences


def joint_sequences(
    template: Template, questions: list[list[int]], options: list[list[list[int]]]
) -> list[tuple[list[int], list[int], list[int]]]:
    """Ids, segments and positions, those of options beginning alike, for every question."""
    sequences = []
    for question, own in zip(questions, options, strict=True):
        ids = [*template.prefix, *question, *template.middle]
        segments, positions = [0] * len(ids), list(range(len(ids)))
        shared = len(ids)
        for number, option in enumerate(own, 1):
            block = [template.marker, *option, *template.suffix]
            ids += block
            segments += [number] * len(block)
            positions += list(range(shared, shared + len(block)))
        sequences.append((ids, segments, positions))
    return sequences
