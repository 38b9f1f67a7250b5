"""OpenCompass config: `from .cmexam_gen import cmexam_datasets` within `read_base()`, or a list of its own."""

from cmexam_opencompass import CMExamDataset, CMExamEvaluator
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.openicl.icl_prompt_template import PromptTemplate
from opencompass.openicl.icl_retriever import ZeroRetriever

cmexam_datasets = [
    dict(
        abbr="cmexam",
        type=CMExamDataset,
        path="CMExam/data",
        reader_cfg=dict(
            input_columns=["prompt"], output_column="answer", train_split="train", test_split="test"
        ),
        infer_cfg=dict(
            prompt_template=dict(
                type=PromptTemplate,
                template=dict(
                    begin=[
                        dict(
                            role="SYSTEM",
                            fallback_role="HUMAN",
                            prompt="你是一名医学专家，正在参加中国国家执业医师资格考试。",
                        )
                    ],
                    round=[dict(role="HUMAN", prompt="{prompt}")],
                ),
            ),
            retriever=dict(type=ZeroRetriever),
            inferencer=dict(type=GenInferencer),
        ),
        eval_cfg=dict(evaluator=dict(type=CMExamEvaluator), pred_role="BOT"),
    )
]
