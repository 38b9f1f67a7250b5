"""An exam and its evidence as token sequences: one per option (pairwise) or one per question (joint)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.tokens import Template, TextTokenizer, TokenTable
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.metrics.ragged import (
    offsets_of,
    positions,
    row_max,
    row_numbers,
    row_sums,
    take_spans,
)

Evidence = Sequence[Sequence[str]]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Truncation:
    """Numbers of cut questions and options, of the tokens cut off them, and of cut rows of evidence."""

    questions: int = 0
    options: int = 0
    tokens: int = 0
    evidence: int = 0


@dataclass(frozen=True, eq=False)
class Sequences:
    """The token sequences of n questions, flat: sequence s is ids[offsets[s] : offsets[s + 1]].

    `segments` holds 0 for the question's tokens and k for those of the sequence's k-th option. `positions`
    is given where options share their positions (joint head); None if they count up. `sequence_of` is the
    sequence of each option. Question q has the sequences firsts[q] : firsts[q + 1].
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


@dataclass(frozen=True)
class Layout:
    """Which sequences to make, and their maximum number of tokens (joint: of positions)."""

    head: str
    max_length: int


def encode_exam(
    exam: Exam, tokenizer: TextTokenizer, layout: Layout, evidence: Evidence | None = None,
    evidence_tokens: int = 128, progress: Progress = no_progress,
) -> Sequences:  # fmt: skip
    """The token sequences of an exam; `evidence` has a list of sentences per question, or per option.

    Sentences are read in order up to `evidence_tokens` tokens. Raises `InputError` if the number of lists is
    neither that of the questions nor that of the options.
    """
    evidence_kind(exam, evidence)
    sentences = [sentence for unit in evidence or () for sentence in unit]
    table = tokenizer.tokenize([*exam.questions, *exam.option_texts, *sentences], progress)
    first_option, first_sentence = len(exam), len(exam) + len(exam.option_texts)
    joined = None
    if evidence is not None:
        found = table.take(slice(first_sentence, None))
        joined = _join(found, [len(unit) for unit in evidence], evidence_tokens)
    return make_sequences(
        layout, tokenizer.template, table.take(slice(first_option)),
        table.take(slice(first_option, first_sentence)), exam.option_offsets, joined,
    )  # fmt: skip


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
    layout: Layout, template: Template, questions: TokenTable, options: TokenTable, option_offsets: Ints,
    evidence: TokenTable | None = None,
) -> Sequences:  # fmt: skip
    """The sequences of all questions; `evidence` has a row per question or per option.

    A sequence is a question's block of tokens and a block for each of its options: all of the question's
    (joint, in which each option's positions follow those of the question), or a single one (pairwise). What is
    too long loses evidence first, then the beginning of the question (its end asks), and only then the ends
    of options.
    """
    joint, n = layout.head == "joint", len(option_offsets) - 1
    n_prefix, n_middle, n_suffix = len(template.prefix), len(template.middle), len(template.suffix)
    with_option = evidence is not None and (not joint or len(evidence) != n)
    # The options of each sequence, and the sequences of each question.
    groups, firsts = option_offsets, np.arange(n + 1)
    if not joint:
        groups, firsts = np.arange(option_offsets[-1] + 1), option_offsets
        questions = questions.take(row_numbers(option_offsets))
        if evidence is not None and len(evidence) == n:
            evidence = evidence.take(row_numbers(option_offsets))
    sequence_of = row_numbers(groups)

    room = layout.max_length - n_prefix - n_middle - n_suffix - joint
    kept_options = np.minimum(options.lengths, room)
    longest = row_max(kept_options, groups)
    kept_questions = np.minimum(questions.lengths, room - longest)
    left = room - kept_questions - n_middle

    special = np.array([*template.prefix, *template.middle, *template.suffix, template.marker], np.int32)
    tables = [questions, options, *([] if evidence is None else [evidence])]
    ids = np.concatenate([special, *(table.ids for table in tables)])
    begins = len(special) + offsets_of([len(table.ids) for table in tables])
    # Pieces are pairs of starts in `ids` and lengths, a number or one per block.
    shared: list[tuple[Ints | int, Ints | int]] = [
        (0, n_prefix),
        (begins[0] + questions.starts + questions.lengths - kept_questions, kept_questions),
        (n_prefix, n_middle),
    ]
    own: list[tuple[Ints | int, Ints | int]] = [
        (len(special) - 1, int(joint)),
        (begins[1] + options.starts, kept_options),
    ]
    cut_evidence = 0
    if evidence is not None:
        space = left[sequence_of] - kept_options if with_option else left - longest
        kept_evidence = np.clip(space, 0, evidence.lengths)
        cut_evidence = int((kept_evidence < evidence.lengths).sum())
        sentences = (begins[2] + evidence.starts, kept_evidence)
        separator = (n_prefix, n_middle * (kept_evidence > 0))
        if with_option:
            own += [separator, sentences]
        else:
            shared += [sentences, separator]
    own.append((n_prefix + n_middle, n_suffix))

    # The blocks of a sequence: the question's, then those of its first option, of its second, ...
    n_sequences, n_options = len(groups) - 1, np.diff(groups)
    order = np.argsort(np.concatenate([np.arange(n_sequences) * 2, sequence_of * 2 + 1]), kind="stable")
    width = max(len(shared), len(own))
    blocks = np.concatenate([_stack(shared, n_sequences, width), _stack(own, len(sequence_of), width)], 1)
    blocks = blocks[:, order]
    block_lengths = blocks[1].sum(1)
    block_segments = np.concatenate([np.zeros(n_sequences, np.int64), positions(groups) + 1])[order]
    token_positions = None
    if joint:
        question_lengths = np.repeat(block_lengths[block_segments == 0], n_options + 1)
        first = np.where(block_segments > 0, question_lengths, 0)
        in_block = positions(offsets_of(block_lengths))
        token_positions = (np.repeat(first, block_lengths) + in_block).astype(np.int32)
    cut_questions = row_max(questions.lengths - kept_questions, firsts)
    cut_options = options.lengths - kept_options
    return Sequences(
        ids=take_spans(ids, blocks[0].ravel(), blocks[1].ravel()),
        segments=np.repeat(block_segments, block_lengths).astype(np.int16),
        positions=token_positions,
        offsets=offsets_of(row_sums(block_lengths, offsets_of(n_options + 1))),
        firsts=firsts,
        sequence_of=sequence_of,
        option_offsets=option_offsets,
        truncation=Truncation(
            int((cut_questions > 0).sum()), int((cut_options > 0).sum()),
            int(cut_questions.sum() + cut_options.sum()), cut_evidence,
        ),
    )  # fmt: skip


def _stack(pieces: list[tuple[Ints | int, Ints | int]], rows: int, width: int) -> Ints:
    """Starts and lengths of the pieces of blocks, (2, blocks, width); the last columns may be empty."""
    stacked = np.zeros((2, rows, width), np.int64)
    for column, (starts, lengths) in enumerate(pieces):
        stacked[0, :, column], stacked[1, :, column] = starts, lengths
    return stacked


def _join(sentences: TokenTable, counts: Sequence[int], most: int) -> TokenTable:
    """One row per unit: its sentences one after the other, at most `most` tokens."""
    whole = row_sums(sentences.lengths, offsets_of(counts))
    flat = take_spans(sentences.ids, sentences.starts, sentences.lengths)
    lengths = np.minimum(whole, most)
    return TokenTable(flat[positions(offsets_of(whole)) < most], offsets_of(lengths)[:-1], lengths)
