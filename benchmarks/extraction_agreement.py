"""How often extraction reads public model replies as a reader does who labelled them beforehand.

The replies are not part of this repository. Clone their sources into one folder and name it:

    mkdir replies && cd replies
    git clone https://github.com/open-compass/LawBench
    git clone https://github.com/TIGER-AI-Lab/MMLU-Pro
    git clone https://github.com/FudanDISC/DISC-LawLLM
    git clone https://github.com/OpenLMLab/GAOKAO-Bench
    git clone https://github.com/OpenBioLink/ThoughtSource
    python benchmarks/extraction_agreement.py replies

`extraction_labels.csv` holds the letters that the reader found, empty for no answer; `note` marks replies on
which readers may differ. Disagreements are printed, then a table; sources that are not there are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from cmexam_baseline.scoring import extract

LABELS = Path(__file__).with_name("extraction_labels.csv")
# Chat templates of the models continue the last option of a prompt.
TEMPLATE = re.compile(r"\s*(?:\n|<\||<eo|</s>|### ?|韩非|\[\|).*$", re.DOTALL)
OPTIONS = re.compile(r"A:(.*?)[;；]?B:(.*?)[;；]?C:(.*?)[;；]?D:(.*?)[。;；]?\s*$", re.DOTALL)
GAOKAO_OPTIONS = re.compile(
    r"A\s*[．.、:：](.*?)B\s*[．.、:：](.*?)C\s*[．.、:：](.*?)D\s*[．.、:：](.*)$", re.DOTALL
)
INSTRUCTION_ENDS = "严格按照这个格式回答。"

Reply = tuple[str, list[str], str]  # stem, options, text


@lru_cache(maxsize=8)
def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def lawbench_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to question `question`, "12" of LawBench's task 1-2 or "3-6:12", and what was asked."""
    task, _, number = question.rpartition(":")
    row = _json(clone / "predictions" / "zero_shot" / model / f"{task or '1-2'}.json")[number]
    prompt = row["origin_prompt"]
    if not isinstance(prompt, str):
        prompt = prompt[-1 if len(prompt) == 1 else 0]["prompt"]
    asked = prompt.split("\n", 1)[-1].strip()
    start = asked.rfind("A:")
    options = OPTIONS.search(asked[start:])
    if options is None:
        raise SystemExit(
            f"{clone}: question {question} of {model} has no options A–D; use the version of 2023"
        )
    stem = asked[:start].split(INSTRUCTION_ENDS)[-1].strip()
    return stem, [TEMPLATE.sub("", option.strip()) for option in options.groups()], row["prediction"]


@lru_cache(maxsize=4)
def _mmlu_pro(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".json") and "__MACOSX" not in n)
        rows = json.loads(archive.read(name))
        return {str(row["question_id"]): row for row in rows if isinstance(row, dict)}


def mmlu_pro_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to question `question` of MMLU-Pro and what was asked."""
    row = _mmlu_pro(clone / "eval_results" / f"model_outputs_{model}_5shots.zip")[question]
    return row["question"], row["options"], row.get("generated_text") or row["model_outputs"]


def disc_lawllm_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to row 83 of an exam with one ("single/nje:83") or several right letters ("multi/nje:83")."""
    kind, exam, number = re.split(r"[/:]", question)
    file = clone / "eval" / "stats" / "objective" / model / kind / f"{exam}_results.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        row = list(csv.DictReader(lines))[int(number)]
    return row["input"].strip(), [row[letter].strip() for letter in "ABCD"], row["model_output"]


def gaokao_bench_reply(clone: Path, model: str, question: str) -> Reply:
    """A reply to question 12 of a year and subject, "2010-2022_History_MCQs:12"."""
    name, index = question.split(":")
    rows = _json(clone / "Results" / "gpt_4_0314_obj" / f"{model}_{name}.json")["example"]
    row = next(row for row in rows if row["index"] == int(index))
    asked = row["question"]
    options = GAOKAO_OPTIONS.search(asked, max(asked.rfind("A．" if "A．" in asked else "A."), 0))
    assert options is not None
    return asked[: options.start()].strip(), [o.strip() for o in options.groups()], row["model_output"]


def thoughtsource_reply(clone: Path, _: str, question: str) -> Reply:
    """A reply with ("cot/") or without a chain of thought; its data set and the beginnings of two ids follow."""
    kind, data_set, start, reply_start = re.split(r"[/:]", question)
    name = "only_zhou-cot" if kind == "cot" else "none_cot"
    folder = clone / "notebooks" / "internal_documentation" / "paper_2"
    for split in _json(folder / f"chat-gpt_vs_gpt4_{name}.json")[data_set].values():
        for row in split:
            for reply in row["generated_cot"] if row["id"].startswith(start) else ():
                if reply["id"].startswith(reply_start):
                    return f"{row.get('context') or ''}\n{row['question']}", row["choices"], reply["cot"]
    raise SystemExit(f"{clone}: {question} is not there")


SOURCES = {
    "lawbench": ("LawBench", lawbench_reply),
    "mmlu-pro": ("MMLU-Pro", mmlu_pro_reply),
    "disc-lawllm": ("DISC-LawLLM", disc_lawllm_reply),
    "gaokao-bench": ("GAOKAO-Bench", gaokao_bench_reply),
    "thoughtsource": ("ThoughtSource", thoughtsource_reply),
}


def agreements(folder: Path) -> Iterator[tuple[dict[str, str], str, str]]:
    """Every label of a source in `folder` with the letters that were read and the rule that read them."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = sorted(csv.DictReader(file), key=lambda label: (label["source"], label["model"]))
    for label in labels:
        name, reply_of = SOURCES[label["source"]]
        if (folder / name).exists():
            stem, options, text = reply_of(folder / name, label["model"], label["question"])
            found = extract(text, options, stem)
            yield label, found.letters or "", found.rule


def main() -> None:
    """Print disagreements and the share of agreement by sample and source."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder that holds the clones")
    counts: Counter[tuple[str, str, str, bool]] = Counter()
    for label, letters, rule in agreements(parser.parse_args().folder):
        agrees = letters == label["choice"]
        counts[label["sample"], label["source"], label["note"], agrees] += 1
        if not agrees:
            print(*label.values(), f"read as {letters or 'none'} by {rule or 'no rule'}", sep="  ")
    for sample, source in sorted({key[:2] for key in counts}):
        clear = [counts[sample, source, "", agrees] for agrees in (True, False)]
        every = [
            n + counts[sample, source, "debatable", agrees]
            for n, agrees in zip(clear, (True, False), strict=True)
        ]
        shares = "  ".join(f"{n} of {n + other} ({n / (n + other):.1%})" for n, other in (every, clear))
        print(f"sample {sample}, {source}: {shares} without debatable ones")


if __name__ == "__main__":
    main()
