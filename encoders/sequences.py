"""An exam and its evidence as token sequences: one per option (pairwise) or one per question (joint)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.lengths import Lengths, Truncation, joint_blocks, joint_full, pairwise
from cmexam_baseline.encoders.tokens import Template, TextTokenizer, TokenTable
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress
from cmexam_baseline.metrics.ragged import offsets_of, positions, row_max, row_sums, take_spans

Evidence = Sequence[Sequence[str]]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sequences:
    """The token sequences of n questions, flat: sequence s is ids[offsets[s] : offsets[s + 1]].

    `segments` holds 0 for the question's tokens and k for those of the sequence's k-th option. `positions`
    is given where options share their positions (joint head, blocks); None if they count up. `sequence_of`
    is the sequence of each option. Question q has the sequences firsts[q] : firsts[q + 1].
    """

    ids: NDArray[np.int32]
    segments: NDArray[np.int16]
    positions: NDArray[np.int32] | None
    offsets: Ints
    firsts: Ints
    sequence_of: Ints
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
        return row_max(self.lengths, self.firsts)


@dataclass(frozen=True)
class Layout:
    """Which sequences to make; `blocks`: the options of a joint sequence do not attend to each other."""

    head: str
    blocks: bool
    max_length: int


def encode_exam(
    exam: Exam, tokenizer: TextTokenizer, layout: Layout, evidence: Evidence | None = None,
    evidence_tokens: int = 128, progress: Progress | None = None,
) -> Sequences:  # fmt: skip
    """The token sequences of an exam; `evidence` has a list of sentences per question, or per option.

    Sentences are read in order up to `evidence_tokens` tokens. Raises `InputError` if the number of lists is
    neither that of the questions nor that of the options.
    """
    kind = evidence_kind(exam, evidence)
    sentences = [] if evidence is None else [sentence for unit in evidence for sentence in unit]
    texts = [*exam.questions, *exam.option_texts, *sentences]
    table = tokenizer.tokenize(texts, progress)
    n, n_options = len(exam), len(exam.option_texts)
    units = None
    if evidence is not None and kind:
        lengths = np.array([len(unit) for unit in evidence], np.int64)
        units = _join(_rows(table, n + n_options, len(texts)), lengths, evidence_tokens)
    return make_sequences(
        layout,
        tokenizer.template,
        _rows(table, 0, n),
        _rows(table, n, n + n_options),
        exam.option_offsets,
        units,
    )


def evidence_kind(exam: Exam, evidence: Evidence | None) -> str:
    """`question` or `option`, to which the lists of sentences belong; "" for no evidence."""
    if evidence is None:
        return ""
    if len(evidence) == len(exam):
        return "question"
    if len(evidence) == len(exam.option_texts):
        return "option"
    raise InputError(
        f"evidence has {len(evidence)} lists of sentences, expected one per question ({len(exam)}) or one"
        f" per option ({len(exam.option_texts)})"
    )


def refuse_other_evidence(exam: Exam, evidence: Evidence | None, trained_with: str) -> None:
    """Raise `InputError` unless the evidence is of the kind that a model was trained with."""
    if evidence_kind(exam, evidence) != trained_with:
        wanted = f"evidence sentences per {trained_with}" if trained_with else "no evidence"
        raise InputError(f"the model was trained with {wanted}; predict with the same")


def make_sequences(
    layout: Layout,
    template: Template,
    questions: TokenTable,
    options: TokenTable,
    option_offsets: Ints,
    evidence: TokenTable | None = None,
) -> Sequences:
    """The sequences of all questions; `evidence` has a row per question or per option.

    What is too long loses evidence first, then the beginning of the question (its end asks), and only then
    the ends of the longest options. Raises `InputError` if max_length leaves an option no token.
    """
    make = _joint if layout.head == "joint" else _pairwise
    return make(layout, template, _Pool(template, questions, options, evidence), option_offsets)


class _Pool:
    """All tokens in one flat array, and where the texts of each kind begin."""

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
    """Columns of pieces, one row per sequence or option, to be concatenated."""

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
    specials = len(template.prefix) + len(template.middle) + len(template.suffix)
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
    pieces.add(pool.options.starts, kept.options, 1)
    if pool.has_evidence:
        pieces.add(pool.middle, len(template.middle) * (kept.evidence > 0), 1)
        pieces.add(pool.evidence.starts[evidence_of], kept.evidence, 1)
    pieces.add(pool.suffix, len(template.suffix), 1)
    starts, lengths, segments = pieces.stacked()
    return Sequences(
        ids=take_spans(pool.ids, starts.ravel(), lengths.ravel()),
        segments=np.repeat(segments.ravel(), lengths.ravel()).astype(np.int16),
        positions=None,
        offsets=offsets_of(lengths.sum(1)),
        firsts=option_offsets,
        sequence_of=np.arange(len(question_of)),
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
    block_segments = np.concatenate([np.zeros(n, np.int64), positions(offsets_of(n_options)) + 1])[order]
    block_sequence = np.concatenate([np.arange(n), question_of])[order]
    columns = max(shared_starts.shape[1], own_starts.shape[1])
    starts = np.concatenate([_wide(shared_starts, columns), _wide(own_starts, columns)])[order]
    lengths = np.concatenate([_wide(shared_lengths, columns), _wide(own_lengths, columns)])[order]

    sequence_lengths = row_sums(block_lengths, offsets_of(n_options + 1))
    offsets = offsets_of(sequence_lengths)
    block_starts = offsets_of(block_lengths)
    token_positions = None
    if layout.blocks:
        begins = np.where(block_segments > 0, shared_lengths.sum(1)[block_sequence], 0)
        token_positions = (np.repeat(begins, block_lengths) + positions(block_starts)).astype(np.int32)
    return Sequences(
        ids=take_spans(pool.ids, starts.ravel(), lengths.ravel()),
        segments=np.repeat(block_segments, block_lengths).astype(np.int16),
        positions=token_positions,
        offsets=offsets,
        firsts=np.arange(n + 1),
        sequence_of=question_of,
        option_offsets=option_offsets,
        truncation=kept.truncation,
    )


def _wide(columns: Ints, width: int) -> Ints:
    return np.pad(columns, ((0, 0), (0, width - columns.shape[1])))


def _rows(table: TokenTable, first: int, last: int) -> TokenTable:
    return TokenTable(table.ids, table.starts[first:last], table.lengths[first:last])


def _join(sentences: TokenTable, counts: np.ndarray[tuple[int], np.dtype[np.int64]], most: int) -> TokenTable:
    """One row per unit: its sentences one after the other, at most `most` tokens."""
    offsets = offsets_of(counts)
    whole = row_sums(sentences.lengths, offsets)
    flat = take_spans(sentences.ids, sentences.starts, sentences.lengths)
    lengths = np.minimum(whole, most)
    flat = flat[positions(offsets_of(whole)) < most]
    return TokenTable(flat, offsets_of(lengths)[:-1], lengths)
