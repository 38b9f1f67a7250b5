"""Questions and options to token sequences: one an option (pairwise) or one a question (joint)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.lengths import Lengths, Truncation, joint_blocks, joint_full, pairwise
from cmexam_baseline.encoders.ragged import gather, largest, sums, within
from cmexam_baseline.encoders.tokens import Template, TokenTable
from cmexam_baseline.exam.exam import offsets_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sequences:
    """The token sequences of n questions, flat: sequence s is ids[offsets[s] : offsets[s + 1]].

    `segments` holds 0 for the question's tokens and k for those of the sequence's k-th option. `positions`
    is given where options lie side by side (joint head, blocks), otherwise None: they count up.
    `sequence_of` and `place_of` say for every option in which sequence, and there at which token, its score
    is read. Question q has the sequences firsts[q] : firsts[q + 1].
    """

    ids: NDArray[np.int32]
    segments: NDArray[np.int16]
    positions: NDArray[np.int32] | None
    offsets: Ints
    firsts: Ints
    sequence_of: Ints
    place_of: Ints
    option_offsets: Ints
    truncation: Truncation

    def __len__(self) -> int:
        return len(self.firsts) - 1

    @property
    def lengths(self) -> Ints:
        """Tokens of each sequence."""
        return np.diff(self.offsets)

    @property
    def question_lengths(self) -> Ints:
        """Tokens of each question's longest sequence."""
        return largest(self.lengths, self.firsts)


@dataclass(frozen=True)
class Layout:
    """Which sequences to make; `marker` puts a marker before the option of a pairwise sequence too."""

    head: str
    blocks: bool
    marker: bool
    max_length: int


def make_sequences(
    layout: Layout,
    template: Template,
    questions: TokenTable,
    options: TokenTable,
    option_offsets: Ints,
    evidence: TokenTable | None = None,
) -> Sequences:
    """The sequences of all questions; `evidence` has a row a question or a row an option.

    What is too long loses evidence first, then the beginning of the question (what is asked stands at its
    end), and only then the ends of the longest options. Raises `InputError` if max_length leaves an option
    no token.
    """
    make = _joint if layout.head == "joint" else _pairwise
    return make(layout, template, _Pool(template, questions, options, evidence), option_offsets)


class _Pool:
    """All tokens in one flat array, and where the texts of each kind begin in it."""

    def __init__(
        self, template: Template, questions: TokenTable, options: TokenTable, evidence: TokenTable | None
    ) -> None:
        empty = TokenTable(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))
        special = [*template.prefix, *template.middle, *template.suffix, template.marker]
        tables = [questions, options, evidence or empty]
        self.ids = np.concatenate([np.array(special, np.int32), *(table.ids for table in tables)])
        begins = len(special) + offsets_of(np.array([len(table.ids) for table in tables]))
        self.questions, self.options, self.evidence = (
            TokenTable(self.ids, table.starts + begin, table.lengths)
            for table, begin in zip(tables, begins, strict=False)
        )
        self.has_evidence = evidence is not None
        at = np.cumsum([0, len(template.prefix), len(template.middle), len(template.suffix)])
        self.prefix, self.middle, self.suffix, self.marker = (int(start) for start in at)


class _Pieces:
    """Columns of pieces, one row a sequence or option, to be laid one after the other."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.starts: list[Ints] = []
        self.lengths: list[Ints] = []
        self.segments: list[int] = []

    def add(self, start: Ints | int, length: Ints | int, segment: int) -> None:
        self.starts.append(np.broadcast_to(np.asarray(start, np.int64), self.rows))
        self.lengths.append(np.broadcast_to(np.asarray(length, np.int64), self.rows))
        self.segments.append(segment)

    def stacked(self) -> tuple[Ints, Ints, Ints]:
        segments = np.broadcast_to(np.array(self.segments, np.int64), (self.rows, len(self.segments)))
        return np.stack(self.starts, 1), np.stack(self.lengths, 1), segments


def _pairwise(layout: Layout, template: Template, pool: _Pool, option_offsets: Ints) -> Sequences:
    question_of = np.repeat(np.arange(len(option_offsets) - 1), np.diff(option_offsets))
    specials = len(template.prefix) + len(template.middle) + len(template.suffix) + layout.marker
    evidence_of = (
        question_of if len(pool.evidence) == len(option_offsets) - 1 else np.arange(len(question_of))
    )
    kept = pairwise(
        layout.max_length, specials, len(template.middle), pool.questions.lengths, pool.options.lengths,
        option_offsets, pool.evidence.lengths[evidence_of] if pool.has_evidence else None,
    )  # fmt: skip
    pieces = _Pieces(len(question_of))
    pieces.add(pool.prefix, len(template.prefix), 0)
    pieces.add(
        (pool.questions.starts + pool.questions.lengths)[question_of] - kept.questions, kept.questions, 0
    )
    pieces.add(pool.middle, len(template.middle), 0)
    if layout.marker:
        pieces.add(pool.marker, 1, 1)
    pieces.add(pool.options.starts, kept.options, 1)
    if pool.has_evidence:
        pieces.add(pool.middle, len(template.middle) * (kept.evidence > 0), 1)
        pieces.add(pool.evidence.starts[evidence_of], kept.evidence, 1)
    pieces.add(pool.suffix, len(template.suffix), 1)
    starts, lengths, segments = pieces.stacked()
    places = lengths[:, :3].sum(1) if layout.marker else np.zeros(len(question_of), np.int64)
    return Sequences(
        ids=gather(pool.ids, starts.ravel(), lengths.ravel()),
        segments=np.repeat(segments.ravel(), lengths.ravel()).astype(np.int16),
        positions=None,
        offsets=offsets_of(lengths.sum(1)),
        firsts=option_offsets,
        sequence_of=np.arange(len(question_of)),
        place_of=places,
        option_offsets=option_offsets,
        truncation=kept.truncation,
    )


def _joint(layout: Layout, template: Template, pool: _Pool, option_offsets: Ints) -> Sequences:
    n, n_options = len(option_offsets) - 1, np.diff(option_offsets)
    by_question = pool.has_evidence and len(pool.evidence) == n
    by_option = pool.has_evidence and not by_question
    measure = joint_blocks if layout.blocks else joint_full
    kept: Lengths = measure(
        layout.max_length, len(template.prefix) + len(template.middle), 1 + len(template.suffix),
        len(template.middle), pool.questions.lengths, pool.options.lengths, option_offsets,
        pool.evidence.lengths if pool.has_evidence else None,
    )  # fmt: skip
    shared = _Pieces(n)
    shared.add(pool.prefix, len(template.prefix), 0)
    shared.add(pool.questions.starts + pool.questions.lengths - kept.questions, kept.questions, 0)
    shared.add(pool.middle, len(template.middle), 0)
    if by_question:
        shared.add(pool.evidence.starts, kept.evidence, 0)
        shared.add(pool.middle, len(template.middle) * (kept.evidence > 0), 0)
    own = _Pieces(int(option_offsets[-1]))
    own.add(pool.marker, 1, 1)
    own.add(pool.options.starts, kept.options, 1)
    if by_option:
        own.add(pool.middle, len(template.middle) * (kept.evidence > 0), 1)
        own.add(pool.evidence.starts, kept.evidence, 1)
    own.add(pool.suffix, len(template.suffix), 1)

    shared_starts, shared_lengths, _ = shared.stacked()
    own_starts, own_lengths, _ = own.stacked()
    # The rows of a sequence: the question's pieces, then those of its first option, of its second, ...
    question_of = np.repeat(np.arange(n), n_options)
    order = np.argsort(np.concatenate([np.arange(n) * 2, question_of * 2 + 1]), kind="stable")
    block_lengths = np.concatenate([shared_lengths.sum(1), own_lengths.sum(1)])[order]
    block_segments = np.concatenate([np.zeros(n, np.int64), within(n_options) + 1])[order]
    block_sequence = np.concatenate([np.arange(n), question_of])[order]
    columns = max(shared_starts.shape[1], own_starts.shape[1])
    starts = np.concatenate([_wide(shared_starts, columns), _wide(own_starts, columns)])[order]
    lengths = np.concatenate([_wide(shared_lengths, columns), _wide(own_lengths, columns)])[order]

    sequence_lengths = sums(block_lengths, offsets_of(n_options + 1))
    offsets = offsets_of(sequence_lengths)
    block_starts = offsets_of(block_lengths)[:-1]
    is_option = block_segments > 0
    positions = None
    if layout.blocks:
        begins = np.where(is_option, shared_lengths.sum(1)[block_sequence], 0)
        positions = (np.repeat(begins, block_lengths) + within(block_lengths)).astype(np.int32)
    return Sequences(
        ids=gather(pool.ids, starts.ravel(), lengths.ravel()),
        segments=np.repeat(block_segments, block_lengths).astype(np.int16),
        positions=positions,
        offsets=offsets,
        firsts=np.arange(n + 1),
        sequence_of=question_of,
        place_of=(block_starts - offsets[:-1][block_sequence])[is_option],
        option_offsets=option_offsets,
        truncation=kept.truncation,
    )


def _wide(columns: Ints, width: int) -> Ints:
    return np.pad(columns, ((0, 0), (0, width - columns.shape[1])))
