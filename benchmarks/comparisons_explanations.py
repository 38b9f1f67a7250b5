"""Explanations: every figure of two definitions in one call, against scorers that give some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from comparison import Comparison, Contender
from official_scripts import official_scores
from pairs import BenchmarkPairs, benchmark_pairs

from cmexam_baseline import metrics

ROUGES = ("rouge1", "rouge2", "rougeL")
FIGURES = "BLEU-1 to 4, ROUGE-1/2 over sets and clipped, ROUGE-L with both F"
COMPILED = "bleuscore + rouge-score-rs"
WORD_PROFILES = [
    replace(metrics.PROFILES[name], name=name, bleu_tokenizer="jieba", rouge_tokenizer="jieba")
    for name in ("cmexam", "google")
]


def comparisons() -> Iterator[Comparison]:
    """The full input, with the floors that the project has set itself."""
    pairs = benchmark_pairs()
    work = _describe(pairs)
    yield Comparison(
        "compiled",
        f"{FIGURES}, on characters, against compiled scorers",
        work,
        _ours(pairs),
        [
            Contender("bleuscore", lambda: bleuscore(pairs), 9),
            Contender("rouge-score-rs", lambda: rouge_score_rs(pairs), 9),
            Contender("rouge-score-rs (same tokens)", lambda: rouge_score_rs(pairs, same_tokens=True), 5),
        ],
        {COMPILED: 5},
        lambda: agree(pairs.first(300)),
    )
    yield Comparison(
        "characters",
        f"{FIGURES}, on characters, against scorers in Python",
        work,
        _ours(pairs),
        [
            Contender("sacrebleu char", lambda: sacrebleu(pairs, "char"), 2),
            Contender("sacrebleu zh", lambda: sacrebleu(pairs, "zh"), 1),
            Contender("rouge-score", lambda: rouge_score(pairs), 1),
            Contender("CMExam's definition", lambda: official(pairs), 1),
        ],
        {"rouge-score": 400, "CMExam's definition": 1200},
    )
    yield Comparison(
        "words",
        f"{FIGURES}, on jieba's words, segmentation counted",
        work,
        Contender("cmexam-baseline", lambda: score_words(pairs)),
        [Contender("jieba.lcut alone", lambda: cut_by_jieba(pairs), 1)],
        {"jieba.lcut alone": 10},
    )


def small() -> Iterator[Comparison]:
    """A small generated input, peers of the test extra, lower floors: fixed costs of a call weigh more."""
    pairs = benchmark_pairs(1200, real=False)
    few = pairs.first(20)
    yield Comparison(
        "small-google",
        "explanations against rouge-score",
        _describe(pairs),
        _ours(pairs),
        [Contender("rouge-score", lambda: rouge_score(pairs), 1)],
        {"rouge-score": 100},
        lambda: agree(few, compiled=False),
    )
    yield Comparison(
        "small-official",
        "explanations against CMExam's definition",
        _describe(few),
        _ours(few),
        [Contender("CMExam's definition", lambda: official(few), 1)],
        {"CMExam's definition": 100},
    )
    yield Comparison(
        "small-one-thread",
        "all figures of one definition on one thread against the longest common subsequences alone",
        _describe(pairs),
        Contender("cmexam-baseline", lambda: score_one_thread(pairs), 9),
        [Contender("rapidfuzz LCSseq", lambda: lcs_alone(pairs), 9)],
        {"rapidfuzz LCSseq": 0.13},
    )
    yield Comparison(
        "small-words",
        "explanations on words against jieba.lcut",
        _describe(pairs),
        Contender("cmexam-baseline", lambda: score_words(pairs)),
        [Contender("jieba.lcut alone", lambda: cut_by_jieba(pairs), 1)],
        {"jieba.lcut alone": 4},
    )


def score_all(pairs: BenchmarkPairs) -> dict[str, metrics.ExplanationScores]:
    return metrics.score_profiles(pairs.references, pairs.predictions, ["cmexam", "google"])


def score_one_thread(pairs: BenchmarkPairs) -> metrics.ExplanationScores:
    return metrics.score_explanations(pairs.references, pairs.predictions, threads=1)


def lcs_alone(pairs: BenchmarkPairs) -> object:
    from rapidfuzz import process
    from rapidfuzz.distance import LCSseq

    return process.cpdist(pairs.references, pairs.predictions, scorer=LCSseq.similarity)


def score_words(pairs: BenchmarkPairs) -> dict[str, metrics.ExplanationScores]:
    return metrics.score_profiles(pairs.references, pairs.predictions, WORD_PROFILES)


def bleuscore(pairs: BenchmarkPairs) -> float:
    """BLEU-4; its tokenizer splits at blanks, so that the characters have to be spaced."""
    import bleuscore as peer

    result = peer.compute(
        predictions=[" ".join("".join(text.split())) for text in pairs.predictions],
        references=[[" ".join("".join(text.split()))] for text in pairs.references],
    )
    return 100 * float(result["bleu"])


def rouge_score_rs(pairs: BenchmarkPairs, same_tokens: bool = False) -> dict[str, float]:
    """Its own tokenizer of characters drops punctuation; with ours it is equal to rouge-score, in one thread."""
    from rouge_score_rs import rouge_scorer, tokenizers

    tokenizer = Characters() if same_tokens else tokenizers.CharacterTokenizer()
    scorer = rouge_scorer.RougeScorer(list(ROUGES), tokenizer=tokenizer)
    return _mean_f(scorer.score_batch(pairs.references, pairs.predictions))


def rouge_score(pairs: BenchmarkPairs) -> dict[str, float]:
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(list(ROUGES), tokenizer=Characters())
    return _mean_f([scorer.score(*pair) for pair in zip(pairs.references, pairs.predictions, strict=True)])


def sacrebleu(pairs: BenchmarkPairs, tokenizer: str) -> float:
    from sacrebleu.metrics import BLEU

    return float(BLEU(tokenize=tokenizer).corpus_score(pairs.predictions, [pairs.references]).score)


def official(pairs: BenchmarkPairs) -> dict[str, float]:
    return official_scores(pairs.references, pairs.predictions)


def cut_by_jieba(pairs: BenchmarkPairs) -> list[list[str]]:
    import jieba

    jieba.setLogLevel(60)
    jieba.initialize()
    return [jieba.lcut(text) for side in (pairs.references, pairs.predictions) for text in side]


class Characters:
    """The tokenizer that makes rouge-score's figures ours: its own drops all Chinese."""

    def tokenize(self, text: str) -> list[str]:
        return list("".join(text.split()))


def agree(pairs: BenchmarkPairs, compiled: bool = True) -> None:
    """Contenders that claim the same figures give the same figures."""
    ours = score_all(pairs)
    _assert_close(official(pairs), ours["cmexam"].figures)
    _assert_close(rouge_score(pairs), ours["google"].figures)
    _assert_close({"bleu4": sacrebleu(pairs, "char")}, ours["cmexam"].figures)
    if compiled:
        _assert_close({"bleu4": bleuscore(pairs)}, ours["cmexam"].figures)
        _assert_close(rouge_score_rs(pairs, same_tokens=True), ours["google"].figures)


def _assert_close(theirs: dict[str, float], ours: dict[str, float]) -> None:
    for name, figure in theirs.items():
        if abs(figure - ours[name]) > 1e-9:
            raise AssertionError(f"{name}: {figure} is not {ours[name]}")


def _ours(pairs: BenchmarkPairs) -> Contender:
    return Contender("cmexam-baseline", lambda: score_all(pairs), 9)


def _mean_f(scores: list[dict[str, object]]) -> dict[str, float]:
    return {rouge: 100 * sum(score[rouge].fmeasure for score in scores) / len(scores) for rouge in ROUGES}


def _describe(pairs: BenchmarkPairs) -> str:
    return f"{len(pairs.references):,} pairs, {pairs.n_characters:,} characters: {pairs.source}"
