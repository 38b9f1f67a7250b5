"""From texts to the statistics of every row: batches, threads, shared counts, several references.

Against several references BLEU clips each n-gram at its greatest count in any of them and takes the one whose
length is nearest (the shorter of two equally near), as in sacrebleu; ROUGE-1, 2 and L each take the one with the
highest F, as in rouge-score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.bleu_rouge import AT, MATCHES, ROUGES, STATISTICS, statistics_of
from cmexam_baseline.metrics.inputs import Pairs, read_pairs
from cmexam_baseline.metrics.ngrams import MAX_ORDER, SET_ORDERS, chunks, count_pairs
from cmexam_baseline.metrics.profiles import CALLABLE, NO_ANSWER_TEXT, Profile
from cmexam_baseline.metrics.significance import check_count
from cmexam_baseline.metrics.threads import cpu_count
from cmexam_baseline.metrics.tokens import GIVEN, Tokenizer, tokenize

Explanations = str | Sequence[str] | Sequence[Sequence[str]] | None
"""One side of a pair: a text, a list of tokens, a list of several references, or None where it is missing."""

BATCH_CHARACTERS = 1 << 19
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
    if threads is not None:
        check_count(threads, "threads")
    tokenizers = {_key(tokenizer): tokenizer for profile in profiles for tokenizer in profile.tokenizers}
    for tokenizer in tokenizers.values():
        if isinstance(tokenizer, str) and tokenizer.startswith(CALLABLE):
            raise ValueError(
                f"the tokenizer {tokenizer!r} is a name from a signature; give the function itself"
            )
    are_tokens = GIVEN in tokenizers
    if are_tokens and len(tokenizers) > 1:
        raise ValueError(f"profiles with the tokenizer {GIVEN!r} cannot be scored together with others")
    given = read_pairs(references, predictions, are_tokens)
    # A missing prediction is scored both as an empty text and as the text that CMExam's script uses.
    by_script = any(profile.missing_predictions == "script" for profile in profiles)
    absent = np.flatnonzero(given.missing[1][given.rows] & by_script)
    pairs = given.with_predictions(absent, [NO_ANSWER_TEXT] if are_tokens else NO_ANSWER_TEXT)
    scored = [pairs.scored(profile) for profile in profiles]
    matrices = [np.zeros((len(pairs), len(STATISTICS))) for _ in profiles]
    needs = _needs(profiles)

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
    wanted = np.flatnonzero(np.logical_or.reduce(scored)[pairs.rows]) if profiles else absent
    n_characters = int(lengths.sum())
    if threads is None:
        threads = min(cpu_count(), _MOST_THREADS) if n_characters >= _WORTH_THREADS else 1
    limit = min(max(n_characters // (4 * threads), _SMALLEST_BATCH), BATCH_CHARACTERS)
    if all(isinstance(tokenizer, str) for tokenizer in tokenizers.values()):
        batches = [wanted[batch] for batch in chunks(lengths[wanted], limit)]
    else:
        # A function may keep state: it is called in this thread, with the texts in their order.
        threads = 1
        batches = np.split(wanted, np.flatnonzero(np.diff(np.cumsum(lengths[wanted]) // limit)) + 1)
    if threads == 1 or len(batches) < 2:
        for batch in batches:
            score_batch(batch)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(score_batch, batches))
    results = []
    for profile, statistics, rows in zip(profiles, matrices, scored, strict=True):
        if profile.missing_predictions == "script":
            statistics[absent] = statistics[len(given) :]
        best = _best_references(statistics[: len(given)], given, profile)
        results.append(_described(best, given, rows))
    return results


def _key(tokenizer: Tokenizer) -> Any:
    """A name, or of a function, which need not be hashable, its identity."""
    return tokenizer if isinstance(tokenizer, str) else id(tokenizer)


def _needs(profiles: Sequence[Profile]) -> dict[Any, dict[str, tuple[int, bool]]]:
    """By tokenizer and treatment of whitespace: the highest order to count, and whether to find the LCS."""
    needs: dict[Any, dict[str, tuple[int, bool]]] = {}
    for profile in profiles:
        for tokenizer, whitespace, max_order, with_lcs in (
            (profile.bleu_tokenizer, profile.bleu_whitespace, MAX_ORDER, False),
            (profile.rouge_tokenizer, profile.rouge_whitespace, SET_ORDERS, True),
        ):
            treatments = needs.setdefault(_key(tokenizer), {})
            known_order, known_lcs = treatments.get(whitespace, (SET_ORDERS, False))
            treatments[whitespace] = (max(known_order, max_order), known_lcs or with_lcs)
    return needs


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


def _best_references(statistics: FloatArray, pairs: Pairs, profile: Profile) -> FloatArray:
    """One row of statistics per row of the input, from one per pair: (pairs, k) to (rows, k)."""
    if len(pairs) == pairs.n_rows:
        return statistics
    starts = np.searchsorted(pairs.rows, np.arange(pairs.n_rows + 1))
    best = statistics[starts[:-1]]
    for row in np.flatnonzero(np.diff(starts) > 1).tolist():
        first, end = starts[row : row + 2].tolist()
        own = statistics[first:end]
        for rouge in ROUGES:
            highest = own[own[:, AT[rouge]].argmax()]
            for name in (rouge, f"{rouge}_common"):
                best[row, AT[name] : AT[name] + 3] = highest[AT[name] : AT[name] + 3]
        lengths = own[:, AT["bleu_reference_tokens"]]
        distances = np.abs(lengths - own[0, AT["bleu_prediction_tokens"]])
        best[row, AT["bleu_reference_tokens"]] = lengths[distances == distances.min()].min()
        prediction = pairs.predictions[first]
        if pairs.missing[1, row] and profile.missing_predictions == "script":
            prediction = [NO_ANSWER_TEXT] if profile.bleu_tokenizer == GIVEN else NO_ANSWER_TEXT
        best[row, MATCHES] = _matches(prediction, pairs.references[first:end], profile)
    return best


def _matches(prediction: Any, references: list[Any], profile: Profile) -> list[int]:
    """For each order the n-grams of the prediction, each clipped at its greatest count in a reference."""
    texts = [text for reference in references for text in (reference, prediction)]
    streams = tokenize(texts, profile.bleu_tokenizer).streams(profile.bleu_whitespace)
    *theirs, ours = np.split(streams.ids, streams.offsets[1:-1])
    matches = []
    for order in range(1, MAX_ORDER + 1):
        most: Counter[tuple[int, ...]] = Counter()
        for reference in theirs[::2]:
            most |= _ngram_counts(reference, order)
        matches.append((_ngram_counts(ours, order) & most).total())
    return matches


def _ngram_counts(ids: NDArray[np.uint32], order: int) -> Counter[tuple[int, ...]]:
    tokens = ids.tolist()
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))


def _described(statistics: FloatArray, pairs: Pairs, scored: BoolArray) -> FloatArray:
    """Clear the omitted rows, and record for every row which texts are missing or empty."""
    statistics[~scored] = 0
    no_reference, no_prediction = pairs.missing
    checksums = np.bincount(pairs.rows, pairs.reference_checksums(), pairs.n_rows)
    has_several = np.bincount(pairs.rows, minlength=pairs.n_rows) > 1
    described = (no_reference, no_prediction & ~no_reference, *pairs.empty, has_several, checksums)
    statistics[:, AT["rows"]] = 1
    statistics[:, AT["missing_references"] :] = np.transpose(described)
    return statistics
