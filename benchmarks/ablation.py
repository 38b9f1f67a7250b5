"""What each group of features and each index is worth to the LightGBM baseline, measured on val.

    python benchmarks/ablation.py CMExam/data --seeds 1 2 3 --work /tmp/ablation --corpus books --embeddings e5

The features of train and val are computed once and kept under --work, and so is every fit: run again, it goes
on where it was stopped. Accuracy is that of the best option (argmax), so that no decoder is fitted on val.
Percent of rows answered exactly right; the mean over seeds and their standard deviation. Groups alone are
fitted with the first seed only.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from cmexam_baseline.baselines.evidence_encoder import make_embedder
from cmexam_baseline.exam import Exam, read_splits
from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.corpus import Corpus
from cmexam_baseline.features.corpus_index import CorpusIndex
from cmexam_baseline.features.dense_index import DenseIndex
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import TrainingIndex, right_options

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
    "passages of the corpus": ("corpus_",),
    "embeddings": ("meant_",),
}  # fmt: skip
INDICES = {
    "explanations (sentences)": ("explanation_", "sentence_", "literal_", "association_information"),
    "options": (
        "votes_",
        "nearest_",
        "association_",
        "history_like",
        "history_right_like",
        "history_wrong_like",
    ),
    "option texts": ("history",),
    "statements": ("answered_",),
    "right and wrong options of questions": ("reversed_right", "reversed_wrong", "reversed_balance"),
}


def tables(
    data: Path, work: Path, corpus: Path | None, embeddings: str | None
) -> tuple[Exam, Exam, FeatureTable, FeatureTable]:
    """Both exams and their features, computed on the first run."""
    splits = read_splits(data)
    train, val = splits["train"][splits["train"].answers > 0], splits["val"]
    file = work / f"{train.fingerprint()[:12]}-{val.fingerprint()[:12]}.npz"
    if not file.exists():
        index = TrainingIndex.fit(train)
        further: tuple[Columns, Columns] = {}, {}
        if corpus is not None:
            passages = Corpus.read(corpus).without_questions({"train": train, "val": val})
            known = CorpusIndex.fit(passages, train)
            for columns, exam in zip(further, (train, val), strict=True):
                columns |= known.evidence(exam)
        if embeddings is not None:
            embedder = make_embedder(embeddings)
            meant = DenseIndex.fit(train, embedder)
            for columns, exam in zip(further, (train, val), strict=True):
                columns |= meant.evidence(exam, embedder)
        seen, asked = (
            FeatureTable.build(index, exam, extra_columns=columns)
            for exam, columns in zip((train, val), further, strict=True)
        )
        np.savez(file, train=seen.values, val=asked.values, names=np.array(seen.names))
    with np.load(file, allow_pickle=False) as saved:
        names = saved["names"].tolist()
        seen = FeatureTable(names, saved["train"], train.option_offsets)
        return train, val, seen, FeatureTable(names, saved["val"], val.option_offsets)


def without(table: FeatureTable, prefixes: tuple[str, ...], only: bool = False) -> FeatureTable:
    """`table` without the features that begin so, or with them alone."""
    kept = [i for i, name in enumerate(table.names) if name.startswith(prefixes) == only]
    return FeatureTable(
        [table.names[i] for i in kept], np.ascontiguousarray(table.values[:, kept]), table.offsets
    )


def main() -> None:
    """Fit what has not been fitted yet, then print the Markdown document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bag", type=int, default=2)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--embeddings")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    train, val, seen, asked = tables(arguments.data, arguments.work, arguments.corpus, arguments.embeddings)
    store = arguments.work / "fits.json"
    fits: dict[str, float] = json.loads(store.read_text()) if store.exists() else {}

    def accuracies(name: str, prefixes: tuple[str, ...], only: bool = False) -> list[float]:
        seeds = arguments.seeds[:1] if only else arguments.seeds
        for seed in seeds:
            if f"{name} {seed}" not in fits:
                settings = LightGBMBaseline(random_state=seed, bag=arguments.bag).tree_settings()
                model = trees.train(
                    without(seen, prefixes, only), right_options(train), settings, arguments.jobs
                )
                scores = trees.probabilities(model, without(asked, prefixes, only))
                answers = Decoder.argmax().decode(scores, val.option_offsets)
                fits[f"{name} {seed}"] = float((answers == val.answers).mean() * 100)
                store.write_text(json.dumps(fits, indent=1))
        return [fits[f"{name} {seed}"] for seed in seeds]

    full = accuracies("all features", ())
    rows = [("all features", full)]
    groups = {name: own for name, own in GROUPS.items() if any(one.startswith(own) for one in seen.names)}
    parts = [(f"without {name}", prefixes, False) for name, prefixes in groups.items()]
    parts += [(f"{name} alone", prefixes, True) for name, prefixes in groups.items()]
    parts += [(f"without the index of {name}", prefixes, False) for name, prefixes in INDICES.items()]
    rows += [(name, accuracies(name, prefixes, only)) for name, prefixes, only in parts]
    print(document(rows, len(train), len(val), arguments.seeds))


def document(rows: list[tuple[str, list[float]]], n_train: int, n_val: int, seeds: list[int]) -> str:
    """The table as Markdown."""
    full = mean(rows[0][1])
    lines = [
        "# What the features are worth",
        "",
        f"Accuracy of the best option in percent on {n_val:,} val questions, {n_train:,} training questions,",
        f"mean ± standard deviation over seeds {', '.join(map(str, seeds))}. Made by `benchmarks/ablation.py`.",
        f"The sampling error of one figure on {n_val:,} questions is about "
        f"{100 * (full / 100 * (1 - full / 100) / n_val) ** 0.5:.1f} points; differences below one point say little.",
        "",
        "| features | accuracy | difference |",
        "|---|---|---|",
    ]
    for name, found in rows:
        spread = f" ± {stdev(found):.2f}" if len(found) > 1 else ""
        lines.append(f"| {name} | {mean(found):.2f}{spread} | {mean(found) - full:+.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
