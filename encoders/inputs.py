"""An exam and its evidence to token sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmexam_baseline.encoders.ragged import gather, sums, within
from cmexam_baseline.encoders.sequences import Layout, Sequences, make_sequences
from cmexam_baseline.encoders.tokens import TextTokenizer, TokenTable
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, offsets_of
from cmexam_baseline.exam.progress import Progress

Evidence = Sequence[Sequence[str]]


def encode_exam(
    exam: Exam, tokenizer: TextTokenizer, layout: Layout, evidence: Evidence | None = None,
    evidence_tokens: int = 128, progress: Progress | None = None,
) -> Sequences:  # fmt: skip
    """The token sequences of an exam; `evidence` holds sentences for every question, or for every option.

    Sentences are taken in their order up to `evidence_tokens` tokens. Raises `InputError` if there are as
    many lists of sentences as neither questions nor options.
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
    """`question` or `option`, whichever the lists of sentences belong to; "" for no evidence."""
    if evidence is None:
        return ""
    if len(evidence) == len(exam):
        return "question"
    if len(evidence) == len(exam.option_texts):
        return "option"
    raise InputError(
        f"evidence has {len(evidence)} lists of sentences, expected one a question ({len(exam)}) or one an"
        f" option ({len(exam.option_texts)})"
    )


def refuse_other_evidence(exam: Exam, evidence: Evidence | None, trained_with: str) -> None:
    """Raise `InputError` unless the evidence is of the kind that a model was trained with."""
    if evidence_kind(exam, evidence) != trained_with:
        wanted = f"evidence sentences for every {trained_with}" if trained_with else "no evidence"
        raise InputError(f"the model was trained with {wanted}; predict with the same")


def _rows(table: TokenTable, first: int, last: int) -> TokenTable:
    return TokenTable(table.ids, table.starts[first:last], table.lengths[first:last])


def _join(sentences: TokenTable, counts: np.ndarray[tuple[int], np.dtype[np.int64]], most: int) -> TokenTable:
    """One row a unit: its sentences one after the other, at most `most` tokens."""
    offsets = offsets_of(counts)
    whole = sums(sentences.lengths, offsets)
    flat = gather(sentences.ids, sentences.starts, sentences.lengths)[within(whole) < most]
    lengths = np.minimum(whole, most)
    return TokenTable(flat, offsets_of(lengths)[:-1], lengths)
