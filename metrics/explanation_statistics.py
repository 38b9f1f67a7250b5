"""From texts to the statistics of every pair: batches, threads, and nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.cpu_count import cpu_count
from cmexam_baseline.metrics.ngrams import MAX_ORDER, SET_ORDERS
from cmexam_baseline.metrics.pair_counts import chunks, count_pairs
from cmexam_baseline.metrics.pairs import Pairs, read_pairs
from cmexam_baseline.metrics.profiles import CALLABLE, Profile
from cmexam_baseline.metrics.statistics import STATISTICS, statistics_of
from cmexam_baseline.metrics.tokens import GIVEN, Tokenizer, tokenize

Explanations = str | Sequence[str] | None
"""One side of a pair: a text, a list of tokens, or None where it is missing."""

Needs = dict[Tokenizer, dict[str, tuple[int, bool]]]
"""By tokenizer and treatment of whitespace: the highest order to count, and whether the LCS is wanted."""

BATCH_CHARACTERS = 1 << 18
"""Characters a batch, which bounds the memory in use however many pairs there are."""

_SMALLEST_BATCH = 1 << 15
_MOST_THREADS = 8
_WORTH_THREADS = 1 << 20
"""Characters below which threads wait for each other longer than they help: measured with 2 on a million."""


def profile_statistics(
    references: Iterable[Explanations],
    predictions: Iterable[Explanations],
    profiles: Sequence[Profile],
    threads: int | None = None,
) -> list[FloatArray]:
    """For each profile a matrix of `STATISTICS`, one row a row of the input; see `score_explanations`."""
    _refuse_mixed(profiles)
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, or None for all processors, not {threads}")
    pairs = read_pairs(references, predictions, any(GIVEN in profile.tokenizers for profile in profiles))
    scored = [pairs.scored(profile.empty_rows) for profile in profiles]
    matrices = [np.zeros((len(pairs), len(STATISTICS))) for _ in profiles]
    needs = _needs(profiles)

    def score_batch(index: IntArray) -> None:
        sides = pairs.sides(index)
        counts = {
            (tokenizer, whitespace): of_tokens
            for tokenizer, treatments in needs.items()
            for whitespace, of_tokens in _count(sides, tokenizer, treatments).items()
        }
        for profile, statistics in zip(profiles, matrices, strict=True):
            statistics[index] = statistics_of(
                counts[profile.bleu_tokenizer, profile.bleu_whitespace],
                counts[profile.rouge_tokenizer, profile.rouge_whitespace],
                profile,
            )

    lengths = pairs.lengths()
    wanted = np.flatnonzero(np.any(scored, axis=0)) if scored else np.zeros(0, np.int64)
    n_characters = int(lengths.sum())
    n_threads = _threads_for(n_characters) if threads is None else threads
    limit = n_characters // (4 * n_threads)
    batches = [
        wanted[batch] for batch in chunks(lengths[wanted], min(max(limit, _SMALLEST_BATCH), BATCH_CHARACTERS))
    ]
    _for_each(score_batch, batches, n_threads)
    for statistics, rows in zip(matrices, scored, strict=True):
        _describe_rows(statistics, pairs, rows)
    return matrices


def _count(
    sides: list[Any], tokenizer: Tokenizer, treatments: dict[str, tuple[int, bool]]
) -> dict[str, NDArray[Any]]:
    """The counts of a batch under each treatment of whitespace; where that does not matter, counted once."""
    tokens = tokenize(sides, tokenizer)
    first, *others = treatments
    max_order = max(order for order, _ in treatments.values())
    with_lcs = any(lcs for _, lcs in treatments.values())
    counts = {first: count_pairs(tokens.streams(first), max_order, with_lcs)}
    apart = np.flatnonzero(~tokens.treated_alike()) if others else np.zeros(0, np.int64)
    for treatment in others:
        counts[treatment] = counts[first].copy()
        if len(apart):
            streams = tokens.pairs(apart).streams(treatment)
            counts[treatment][apart] = count_pairs(streams, *treatments[treatment])
    return counts


def _needs(profiles: Sequence[Profile]) -> Needs:
    needs: Needs = {}
    for profile in profiles:
        wanted = (
            (profile.bleu_tokenizer, profile.bleu_whitespace, MAX_ORDER, False),
            (profile.rouge_tokenizer, profile.rouge_whitespace, SET_ORDERS, True),
        )
        for tokenizer, whitespace, max_order, with_lcs in wanted:
            treatments = needs.setdefault(tokenizer, {})
            known_order, known_lcs = treatments.get(whitespace, (SET_ORDERS, False))
            treatments[whitespace] = (max(known_order, max_order), known_lcs or with_lcs)
    return needs


def _describe_rows(statistics: FloatArray, pairs: Pairs, scored: BoolArray) -> None:
    """Clear the rows that are left out, and say of every row what it lacks."""
    statistics[~scored] = 0
    at = STATISTICS.index("rows")
    statistics[:, at] = 1
    statistics[:, at + 1 : at + 3] = pairs.missing.T
    statistics[:, at + 3 : at + 5] = pairs.empty.T


def _refuse_mixed(profiles: Sequence[Profile]) -> None:
    tokenizers = [tokenizer for profile in profiles for tokenizer in profile.tokenizers]
    if GIVEN in tokenizers and any(tokenizer != GIVEN for tokenizer in tokenizers):
        raise ValueError(f"profiles with the tokenizer {GIVEN!r} cannot be scored together with others")
    for tokenizer in tokenizers:
        if isinstance(tokenizer, str) and tokenizer.startswith(CALLABLE):
            raise ValueError(
                f"the tokenizer {tokenizer!r} is a name from a signature; give the function itself"
            )


def _for_each(task: Callable[[IntArray], None], batches: Sequence[IntArray], n_threads: int) -> None:
    if n_threads == 1 or len(batches) < 2:
        for batch in batches:
            task(batch)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(task, batches))


def _threads_for(n_characters: int) -> int:
    return min(cpu_count(), _MOST_THREADS) if n_characters >= _WORTH_THREADS else 1
