"""OpenCompass config: `from .cmexam_gen import cmexam_datasets` within `read_base()`, or a list of its own."""

from cmexam_opencompass import CMExamDataset, CMExamEvaluator
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.openicl.icl_prompt_template import PromptTemplate
from opencompass.openicl.icl_retriever import ZeroRetriever

cmexam_datasets = [
    {
        "abbr": "cmexam",
        "type": CMExamDataset,
        "path": "CMExam/data",
        "reader_cfg": {
            "input_columns": ["prompt"],
            "output_column": "answer",
            "train_split": "train",
            "test_split": "test",
        },
        "infer_cfg": {
            "prompt_template": {
                "type": PromptTemplate,
                "template": {
                    "begin": [
                        {
                            "role": "SYSTEM",
                            "fallback_role": "HUMAN",
                            "prompt": "你是一名医学专家，正在参加中国国家执业医师资格考试。",
                        }
                    ],
                    "round": [{"role": "HUMAN", "prompt": "{prompt}"}],
                },
            },
            "retriever": {"type": ZeroRetriever},
            "inferencer": {"type": GenInferencer},
        },
        "eval_cfg": {"evaluator": {"type": CMExamEvaluator}, "pred_role": "BOT"},
    }
]
