"""An obviously right twin of `features.word_associations`."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

import slow_retrieval

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.features.text import split_sentences


def word_associations(
    train: Exam, keys: list[int], asked: Exam, asked_keys: list[int]
) -> dict[str, list[float]]:
    """The columns that begin with `association_`, but for `association_odds_best`, for the options of `asked`."""
    texts, documents = list(train.questions), list(range(len(train)))
    for row in range(len(train)):
        texts += train.options(row)
        documents += [row] * len(train.options(row))
    idf = slow_retrieval.idf(texts, documents)
    stems = [_words(stem) for stem in train.questions]
    in_stems = Counter(word for words in stems for word in words)
    in_options = Counter(word for text in texts[len(train) :] for word in _words(text))
    negated = is_negated(train.questions).tolist()
    columns: dict[str, list[float]] = {"odds": [], "lift": [], "information": []}
    columns |= {"alone": [], "alone_best": [], "alone_worst": []}
    for row, own_key in enumerate(asked_keys):
        sign = -1 if is_negated([asked.questions[row]])[0] else 1
        left = _unit(asked.questions[row], idf, {word for word, count in in_stems.items() if count > 1})
        for option in asked.options(row):
            sums = dict.fromkeys(("odds", "lift", "information"), 0.0)
            for word, weight in left.items():
                for other, other_weight in _unit(option, idf, set(in_options)).items():
                    true, false, together = 0, 0, 0
                    for place, key in enumerate(keys):
                        if key == own_key:
                            continue
                        for number, text in enumerate(train.options(place)):
                            if word in stems[place] and other in _words(text):
                                right = bool(train.answers[place] >> number & 1)
                                true += right != negated[place]
                                false += right == negated[place]
                        together += sum(
                            word in _words(sentence) and other in _words(sentence)
                            for sentence in split_sentences(train.explanations[place])
                        )
                    by_chance = 0.2 * in_stems[word] * in_options[other] / len(train)
                    both = weight * other_weight
                    sums["odds"] += sign * both * math.log((true + 0.2) / (false + 0.8) * 4)
                    sums["lift"] += sign * both * math.log((true + 0.5) / (by_chance + 0.5))
                    if together:
                        sums["information"] += both * max(0, math.log((together + 0.05) / (by_chance + 0.05)))
            weights = slow_retrieval.tfidf(option, idf)
            odds = [sign * _odds_alone(train, keys, negated, own_key, term) for term in weights]
            sums["alone"] = sum(map(math.prod, zip(weights.values(), odds, strict=True))) / (
                sum(weights.values()) or 1.0
            )
            sums["alone_best"] = sign * max((sign * one for one in odds), default=0.0)
            sums["alone_worst"] = sign * min((sign * one for one in odds), default=0.0)
            for name, value in sums.items():
                columns[name].append(value)
    return {f"association_{name}": values for name, values in columns.items()}


def _odds_alone(train: Exam, keys: list[int], negated: list[bool], own_key: int, term: str) -> float:
    """Log odds that an option with this term made its stem true, over the questions with another key."""
    verdicts = [
        bool(train.answers[place] >> number & 1) != negated[place]
        for place, key in enumerate(keys)
        if key != own_key
        for number, text in enumerate(train.options(place))
        if term in slow_retrieval.terms(text)
    ]
    true = sum(verdicts)
    return math.log((true + 1) / (len(verdicts) - true + 4) * 4)


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(term for term in slow_retrieval.terms(text) if not term.startswith("#"))


def _unit(text: str, idf: dict[str, float], known: set[str]) -> dict[str, float]:
    """The TF-IDF weights of the known words of a text, of length 1."""
    row = {
        word: weight
        for word, weight in slow_retrieval.tfidf(text, idf).items()
        if word in known and not word.startswith("#")
    }
    length = math.sqrt(sum(weight**2 for weight in row.values())) or 1.0
    return {word: weight / length for word, weight in row.items()}
