"""What each group of features is worth to the LightGBM baseline, measured on held-out training questions.

    python benchmarks/ablation.py CMExam/data --work /tmp/ablation --corpus books --embeddings e5-small-zh

Trees learn from one half of the training questions and answer the other half; copies of a question are in the same half, and
evidence comes from all questions but those copies. Val and test are not read. The features are computed once and
kept under --work, and so is every fit: run again, it goes on where it was stopped. Accuracy is that of the best option
(argmax), in percent of questions answered exactly right: the mean over seeds and their standard deviation. Groups alone
are fitted with the first seed only.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.evidence_encoder import make_embedder
from cmexam_baseline.exam import Exam, read_splits
from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.corpus import Corpus
from cmexam_baseline.features.corpus_index import CorpusIndex
from cmexam_baseline.features.dense_index import DenseIndex
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import TrainingIndex, right_options
from cmexam_baseline.metrics.ragged import offsets_of, row_numbers

# What a group is called: the beginnings of its features' names.
GROUPS = {
    "votes of similar options": ("votes_",),
    "the nearest question": ("nearest_",),
    "history of the option's text": ("history",),
    "associations of words": ("association_",),
    "sentences of explanations, by similarity": ("explanation_",),
    "sentences of explanations, by coverage": ("sentence_",),
    "literal matches in the nearest sentences": ("literal_",),
    "answered questions as statements": ("answered_",),
    "questions read backwards": ("reversed_",),
    "surface of options and stem": (
        "length", "digits", "shared_", "place", "n_options", "stem_", "all_or_none", "option_negated",
    ),
}  # fmt: skip
FURTHER = {"passages of a corpus": ("corpus_",), "embeddings": ("meant_",)}
INDICES = {
    "explanations": ("explanation_", "sentence_", "literal_", "association_information"),
    "options": ("votes_", "nearest_", "association_", "history_"),
}


def features(
    data: Path, work: Path, corpus: Path | None, embeddings: str | None
) -> tuple[Exam, FeatureTable]:
    """The training questions and their features, computed on the first run."""
    train = read_splits(data)["train"]
    train = train[train.answers > 0]
    file = work / f"{train.fingerprint()[:12]}.npz"
    if not file.exists():
        further: Columns = {}
        if corpus is not None:
            passages = Corpus.read(corpus).without_questions({"train": train})
            further |= CorpusIndex.fit(passages, train).evidence(train)
        if embeddings is not None:
            embedder = make_embedder(embeddings)
            further |= DenseIndex.fit(train, embedder).evidence(train, embedder)
        table = FeatureTable.build(TrainingIndex.fit(train), train, extra_columns=further)
        np.savez(file, values=table.values, names=np.array(table.names))
    with np.load(file, allow_pickle=False) as saved:
        return train, FeatureTable(saved["names"].tolist(), saved["values"], train.option_offsets)


def first_half(exam: Exam) -> NDArray[np.bool_]:
    """Which questions the trees learn from: about a half, copies together, the same in every run."""
    mixed = copy_keys(exam) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)
    half: NDArray[np.bool_] = mixed % np.uint64(2) == 0
    return half


def part(table: FeatureTable, rows: NDArray[np.bool_], columns: list[int]) -> FeatureTable:
    """The chosen questions and features of `table`."""
    values = table.values[rows[row_numbers(table.offsets)]][:, columns]
    return FeatureTable(
        [table.names[i] for i in columns],
        np.ascontiguousarray(values),
        offsets_of(np.diff(table.offsets)[rows]),
    )


def main() -> None:
    """Fit what has not been fitted yet, then print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bag", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--embeddings")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    train, table = features(arguments.data, arguments.work, arguments.corpus, arguments.embeddings)
    learned = first_half(train)
    asked, right = train[~learned], right_options(train[learned])
    store = arguments.work / "fits.json"
    fits: dict[str, float] = json.loads(store.read_text()) if store.exists() else {}

    def accuracies(name: str, columns: list[int], seeds: list[int]) -> list[float]:
        for seed in seeds:
            if f"{name} {seed}" not in fits:
                settings = LightGBMBaseline(random_state=seed, bag=arguments.bag).tree_settings()
                model = trees.train(part(table, learned, columns), right, settings, arguments.jobs)
                scores = trees.probabilities(model, part(table, ~learned, columns))
                answers = Decoder.argmax().decode(scores, asked.option_offsets)
                fits[f"{name} {seed}"] = float((answers == asked.answers).mean() * 100)
                store.write_text(json.dumps(fits, indent=1))
        return [fits[f"{name} {seed}"] for seed in seeds]

    def named(prefixes: tuple[str, ...]) -> list[int]:
        return [i for i, name in enumerate(table.names) if name.startswith(prefixes)]

    further = {name: found for name, prefixes in FURTHER.items() if (found := named(prefixes))}
    default = sorted(set(range(len(table.names))).difference(*further.values()))
    rows = {"all features, the default": accuracies("all", default, arguments.seeds)}
    added = dict(further, **({"both": sorted(sum(further.values(), []))} if len(further) > 1 else {}))
    for name, columns in added.items():
        rows[f"with {name}"] = accuracies(f"with {name}", default + columns, arguments.seeds)
    left_out = {**GROUPS, **{f"the index of {name}": prefixes for name, prefixes in INDICES.items()}}
    for name, prefixes in left_out.items():
        kept = sorted(set(default).difference(named(prefixes)))
        rows[f"without {name}"] = accuracies(f"without {name}", kept, arguments.seeds)
    for name, columns in {**{name: named(prefixes) for name, prefixes in GROUPS.items()}, **further}.items():
        rows[f"{name} alone"] = accuracies(f"{name} alone", columns, arguments.seeds[:1])
    full = mean(rows["all features, the default"])
    print(f"{learned.sum():,} questions learned from, {len(asked):,} answered, seeds {arguments.seeds}")
    print("\n| features | accuracy | difference |\n|---|---:|---:|")
    for name, found in rows.items():
        spread = f" ± {stdev(found):.2f}" if len(found) > 1 else ""
        print(f"| {name} | {mean(found):.2f}{spread} | {mean(found) - full:+.2f} |")


if __name__ == "__main__":
    main()
