"""Loads the CMExam config as OpenCompass does and evaluates replies with it: run_opencompass.py SPLITS REPLIES OUT.

Run by a Python that has opencompass. REPLIES is a JSON list of one text per question of the test split; OUT gets the
evaluator's result, and the first question's prompt, as JSON.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.registry import ICL_EVALUATORS, ICL_PROMPT_TEMPLATES, ICL_RETRIEVERS
from opencompass.utils.build import build_dataset_from_cfg

HARNESS = Path(__file__).resolve().parents[2] / "harnesses" / "opencompass"


def main(splits: str, replies: Path, out: Path) -> None:
    """Evaluate, and write what was found."""
    sys.path.insert(0, str(HARNESS))
    config = Config.fromfile(str(HARNESS / "cmexam_gen.py"), format_python_code=False)
    # Between its tasks OpenCompass writes a config to a file and reads it again.
    dumped = out.with_suffix(".config.py")
    config.dump(str(dumped))
    (dataset,) = Config.fromfile(str(dumped), format_python_code=False)["cmexam_datasets"]
    dataset["path"] = splits
    built = build_dataset_from_cfg(deepcopy(dataset))
    infer = dataset["infer_cfg"]
    template = ICL_PROMPT_TEMPLATES.build(infer["prompt_template"])
    retriever = ICL_RETRIEVERS.build({**infer["retriever"], "dataset": built})
    prompt = retriever.generate_prompt_for_generate_task(0, "", prompt_template=template)
    assert infer["inferencer"]["type"] in (GenInferencer, "opencompass.openicl.icl_inferencer.GenInferencer")
    evaluator = ICL_EVALUATORS.build(dataset["eval_cfg"]["evaluator"])
    found = evaluator.evaluate(
        1,
        1,
        built.test,
        predictions=json.loads(replies.read_text("utf-8")),
        references=built.test["answer"],
        test_set=built.test,
    )
    out.write_text(json.dumps({**found, "prompt": prompt}, ensure_ascii=False, default=str), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
