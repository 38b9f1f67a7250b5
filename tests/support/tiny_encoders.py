"""Encoders of a few thousand weights, and exams that they can learn by heart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cmexam_baseline.exam.exam import Exam

CHARACTERS = (
    "的是病人药物治疗心肝脾肺肾血管炎症状热寒痛方剂下列哪项属于不包括首选诊断检查一二三四五六七八九十甲乙丙丁"
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def make_encoder(folder: Path, kind: str = "bert", characters: str = CHARACTERS, **changes: Any) -> Path:
    """A random encoder of a kind that transformers knows, with a character vocabulary, saved in its form."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *characters])}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(handle_chinese_chars=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    like_roberta = kind in ("roberta", "xlm-roberta", "mpnet")
    types = ("0", "0") if like_roberta or kind == "modernbert" else ("0", "1")
    middle = "[SEP]:0 [SEP]:0" if like_roberta else "[SEP]:0"
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair=f"[CLS]:0 $A:{types[0]} {middle} $B:{types[1]} [SEP]:{types[1]}",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        mask_token="[MASK]",
        model_input_names=["input_ids", *(["token_type_ids"] if types[1] == "1" else []), "attention_mask"],
    )  # fmt: skip
    settings = {
        "vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 160, "pad_token_id": 0, "initializer_range": 0.2,
        **_EXTRA.get(kind, {}),
        **changes,
    }  # fmt: skip
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.for_model(kind, **settings)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


_TOKENS = {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
_EXTRA: dict[str, dict[str, Any]] = {
    "electra": {"embedding_size": 32},
    "deberta-v2": {"pooler_hidden_size": 32},
    "modernbert": {**_TOKENS, "global_attn_every_n_layers": 2, "local_attention": 16},
}


def characters_of(exam: Exam) -> str:
    """Every character of the questions and options, for `make_encoder`."""
    return "".join(dict.fromkeys("".join([*exam.questions, *exam.option_texts])))


def quick_options(epochs: int, max_length: int) -> tuple[str, ...]:
    """Options of `train` under which a tiny encoder learns in seconds, on a CPU."""
    sizes = ("--max-length", str(max_length), "--batch-tokens", str(16 * max_length))
    return ("--epochs", str(epochs), "--lr", "1e-3", *sizes, "--device", "cpu", "-q")


def make_exam(n: int, seed: int = 0, options: tuple[int, ...] = (5,), several: float = 0.1) -> Exam:
    """n questions of random characters with these numbers of options in turn and random answers."""
    random = np.random.default_rng(seed)
    counts = [options[i % len(options)] for i in range(n)]
    answers = []
    for count in counts:
        size = 2 if random.random() < several else 1
        answers.append(sum(1 << int(i) for i in random.choice(count, size, replace=False)))
    return Exam(
        ids=[f"q{i}" for i in range(n)],
        questions=[_text(random, 4, 14) for _ in range(n)],
        option_texts=[_text(random, 2, 6) for count in counts for _ in range(count)],
        option_offsets=np.concatenate([[0], np.cumsum(counts)]),
        answers=np.array(answers, np.uint8),
        explanations=[""] * n,
    )


def make_rule_exam(n: int, seed: int = 0) -> Exam:
    """As `make_exam` with 4 or 5 options, but with a rule to learn: 甲 occurs only in right options."""
    exam = make_exam(n, seed, options=(5, 4))
    texts = []
    for answer, question in zip(exam.answers.tolist(), exam, strict=True):
        for i, text in enumerate(question.options):
            plain = text.replace("甲", "乙")
            texts.append(f"{plain[:1]}甲{plain[1:]}" if answer >> i & 1 else plain)
    return replace(exam, option_texts=texts)


def _text(random: np.random.Generator, least: int, most: int) -> str:
    return "".join(random.choice(list(CHARACTERS), int(random.integers(least, most + 1))))
