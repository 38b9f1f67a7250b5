"""From texts to the statistics of every pair: batches, threads, shared counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.cpu_count import cpu_count
from cmexam_baseline.metrics.ngrams import MAX_ORDER, SET_ORDERS, chunks, count_pairs
from cmexam_baseline.metrics.pairs import Pairs, read_pairs
from cmexam_baseline.metrics.profiles import CALLABLE, NO_ANSWER_TEXT, Profile
from cmexam_baseline.metrics.several_references import best_references
from cmexam_baseline.metrics.statistics import STATISTICS, statistics_of
from cmexam_baseline.metrics.tokens import GIVEN, Tokenizer, tokenize

Explanations = str | Sequence[str] | Sequence[Sequence[str]] | None
"""One side of a pair: a text, a list of tokens, a list of several references, or None where it is missing."""

Needs = dict[Any, dict[str, tuple[int, bool]]]
"""By tokenizer (see `_key`) and treatment of whitespace: the highest order to count, and whether to find the LCS."""

BATCH_CHARACTERS = 1 << 18
"""Characters in a batch, which bounds the memory in use for any number of pairs."""

_SMALLEST_BATCH = 1 << 15
_MOST_THREADS = 8
_WORTH_THREADS = 1 << 20
"""Characters below which threads cost more than they save: measured with 2 on a million."""


def profile_statistics(
    references: Iterable[Explanations],
    predictions: Iterable[Explanations],
    profiles: Sequence[Profile],
    threads: int | None = None,
) -> list[FloatArray]:
    """For each profile a matrix of `STATISTICS`, one row per row of the input; see `score_explanations`."""
    _refuse_mixed(profiles)
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads must be at least 1, or None for all processors, not {threads!r}")
    are_tokens = any(GIVEN in profile.tokenizers for profile in profiles)
    given = read_pairs(references, predictions, are_tokens)
    # A missing prediction is scored both as an empty text and as the text that CMExam's script uses.
    absent = given.without_prediction()
    if not any(profile.missing_predictions == "script" for profile in profiles):
        absent = absent[:0]
    pairs = given.with_predictions(absent, [NO_ANSWER_TEXT] if are_tokens else NO_ANSWER_TEXT)
    scored = [pairs.scored(profile) for profile in profiles]
    matrices = [np.zeros((len(pairs), len(STATISTICS))) for _ in profiles]
    needs, tokenizers = _needs(profiles)

    def score_batch(index: IntArray) -> None:
        sides = pairs.sides(index)
        counts = {
            (key, whitespace): of_tokens
            for key, treatments in needs.items()
            for whitespace, of_tokens in _count(sides, tokenizers[key], treatments).items()
        }
        for profile, statistics in zip(profiles, matrices, strict=True):
            statistics[index] = statistics_of(
                counts[_key(profile.bleu_tokenizer), profile.bleu_whitespace],
                counts[_key(profile.rouge_tokenizer), profile.rouge_whitespace],
                profile,
            )

    lengths = pairs.lengths()
    wanted = np.flatnonzero(np.any(scored, axis=0)[pairs.rows]) if scored else np.zeros(0, np.int64)
    n_characters = int(lengths.sum())
    n_threads = _threads_for(n_characters) if threads is None else threads
    limit = min(max(n_characters // (4 * n_threads), _SMALLEST_BATCH), BATCH_CHARACTERS)
    if all(isinstance(tokenizer, str) for tokenizer in tokenizers.values()):
        batches = [wanted[batch] for batch in chunks(lengths[wanted], limit)]
    else:
        # A function may keep state: it is called in this thread, with the texts in their order.
        n_threads = 1
        bounds = np.flatnonzero(np.diff(np.cumsum(lengths[wanted]) // limit)) + 1
        batches = np.split(wanted, bounds)
    _for_each(score_batch, batches, n_threads)
    results = []
    for profile, statistics, rows in zip(profiles, matrices, scored, strict=True):
        if profile.missing_predictions == "script":
            statistics[absent] = statistics[len(given) :]
        best = best_references(statistics[: len(given)], given, profile)
        results.append(_described(best, given, rows))
    return results


def _count(
    sides: list[Any], tokenizer: Tokenizer, treatments: dict[str, tuple[int, bool]]
) -> dict[str, NDArray[Any]]:
    """The counts of a batch under each treatment of whitespace; pairs that all treatments leave equal are counted once."""
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


def _key(tokenizer: Tokenizer) -> Any:
    """A name, or of a function, which need not be hashable, its identity."""
    return tokenizer if isinstance(tokenizer, str) else id(tokenizer)


def _needs(profiles: Sequence[Profile]) -> tuple[Needs, dict[Any, Tokenizer]]:
    needs: Needs = {}
    tokenizers: dict[Any, Tokenizer] = {}
    for profile in profiles:
        wanted = (
            (profile.bleu_tokenizer, profile.bleu_whitespace, MAX_ORDER, False),
            (profile.rouge_tokenizer, profile.rouge_whitespace, SET_ORDERS, True),
        )
        for tokenizer, whitespace, max_order, with_lcs in wanted:
            tokenizers[_key(tokenizer)] = tokenizer
            treatments = needs.setdefault(_key(tokenizer), {})
            known_order, known_lcs = treatments.get(whitespace, (SET_ORDERS, False))
            treatments[whitespace] = (max(known_order, max_order), known_lcs or with_lcs)
    return needs, tokenizers


def _described(statistics: FloatArray, pairs: Pairs, scored: BoolArray) -> FloatArray:
    """Clear the omitted rows, and record for every row which texts are missing or empty."""
    statistics[~scored] = 0
    at = STATISTICS.index("rows")
    no_reference, no_prediction = pairs.missing
    statistics[:, at] = 1
    statistics[:, at + 1 : at + 3] = np.transpose([no_reference, no_prediction & ~no_reference])
    statistics[:, at + 3 : at + 5] = pairs.empty.T
    statistics[:, at + 5] = np.bincount(pairs.rows, minlength=pairs.n_rows) > 1
    statistics[:, at + 6] = np.bincount(pairs.rows, pairs.reference_checksums(), pairs.n_rows)
    return statistics


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
