"""Domain-adaptive pretraining: continued masked-language modelling on the texts of training questions.

Source: Gururangan et al. 2020, "Don't Stop Pretraining", arXiv 2004.10964; masking as in Devlin et al. 2019 (80% of the
chosen tokens are masked, 10% replaced at random, 10% kept), by transformers' collator.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cmexam_baseline.encoders.devices import device_facts
from cmexam_baseline.encoders.model_io import save_errors
from cmexam_baseline.encoders.models import (
    check_ids,
    find_model,
    load_encoder,
    load_tokenizer,
    quiet,
    weights_fingerprint,
)
from cmexam_baseline.encoders.optimization import schedule_factor, seed_everything
from cmexam_baseline.encoders.runtime import Runtime, device_memory, is_out_of_memory, start_runtime
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.duplicates import find_overlap
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.exam.progress import DetailedStage, Progress, no_progress

REPORT = "pretraining.json"
# Rows of the sequences -> the model's inputs with some tokens masked, and labels, -100 where there is nothing to predict.
Mask = Callable[[NDArray[np.int64]], dict[str, torch.Tensor]]
_GRAM = 10
_HELD_OUT = 0.02
_MAX_HELD_OUT = 500


@dataclass(frozen=True)
class PretrainingTexts:
    """Texts to learn from, and the numbers of questions and texts that were left out to keep held-out exams unseen."""

    texts: list[str]
    left_out_questions: int
    left_out_texts: int


@dataclass(frozen=True)
class PretrainingReport:
    """What pretraining did: losses are mean cross-entropies of masked tokens of texts that were not trained on.

    new_head: the base model came without weights that predict tokens, so that `loss_before` is that of guessing
    """

    base: str
    base_fingerprint: str
    new_head: bool
    texts: int
    left_out_questions: int
    left_out_texts: int
    tokens: int
    steps: int
    loss_before: float
    loss_after: float
    device: str
    precision: str


def collect_texts(train: Exam, held_out: Sequence[Exam] = (), corpus: Iterable[str] = ()) -> PretrainingTexts:
    """Stems with their options and explanations of `train`, and the texts of `corpus`, each once.

    Questions that overlap with a held-out exam (`find_overlap`) are left out, and so is every text that contains
    a held-out stem or explanation of at least ten characters.

    >>> from cmexam_baseline.exam.exam import Question
    >>> train = Exam.from_questions([Question("1", "夜盲症缺乏的维生素是", ("维生素A", "维生素C"), "A", "维生素A。")])
    >>> collect_texts(train).texts
    ['夜盲症缺乏的维生素是 维生素A 维生素C', '维生素A。']
    >>> collect_texts(train, [train]).left_out_questions
    1
    """
    seen = np.zeros(len(train), np.bool_)
    for exam in held_out:
        seen |= find_overlap(exam, train).overlaps
    kept = train[np.flatnonzero(~seen)]
    texts = [" ".join([stem, *kept.options(row)]) for row, stem in enumerate(kept.questions)]
    texts = [text.strip() for text in (*texts, *kept.explanations, *corpus) if text and text.strip()]
    texts = list(dict.fromkeys(texts))
    begins: dict[str, list[str]] = {}
    for exam in held_out:
        for unseen in dict.fromkeys([*exam.normalised_questions, *normalise_texts(exam.explanations)]):
            if len(unseen) >= _GRAM:
                begins.setdefault(unseen[:_GRAM], []).append(unseen)
    clean = [
        text
        for text, plain in zip(texts, normalise_texts(texts), strict=True)
        if not _contains(plain, begins)
    ]
    return PretrainingTexts(clean, int(seen.sum()), len(texts) - len(clean))


def pretrain(
    model: str, found: PretrainingTexts, folder: str | os.PathLike[str], *, epochs: int = 1, lr: float = 5e-5,
    batch_size: int = 32, max_length: int = 128, mask_share: float = 0.15, random_state: int = 0,
    device: str = "auto", precision: str = "auto", overwrite: bool = False, progress: Progress | None = None,
) -> PretrainingReport:  # fmt: skip
    """Train `model` on masked tokens of the texts and write it to a new folder, which `EncoderBaseline` takes.

    Longer texts are cut into sequences of `max_length` tokens. The loss is measured before and after on 2% of
    the texts (at most 500), which are not trained on. A model without a masked-language head gets a new one. Raises
    `InputError` if it is of a kind that has none, if there is no mask token, if there are too few texts, if the memory
    does not suffice, or under torchrun. A run that is interrupted starts again.

    >>> texts = PretrainingTexts(["夜盲症缺乏的维生素是"], left_out_questions=0, left_out_texts=0)
    >>> pretrain("no/such/folder", texts, "out")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no/such/folder is not a folder; give one with config.json, a \
tokenizer and model.safetensors, or a name on the hub
    """
    from transformers import AutoModel, AutoModelForMaskedLM, DataCollatorForLanguageModeling

    settings = EncoderSettings(
        model, epochs=epochs, lr=lr, batch_size=batch_size, max_length=max_length,
        random_state=random_state, device=device, precision=precision,
    )  # fmt: skip
    if not 0 < mask_share < 1:
        raise InputError(f"mask_share is {mask_share}, expected a number between 0 and 1")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("pretraining runs in one process; start it without torchrun")
    runtime, base, report = start_runtime(settings), find_model(model), progress or no_progress
    tokenizer = load_tokenizer(base)
    if tokenizer.mask_token_id is None:
        raise InputError(f"{model} has no mask token; pretrain an encoder of BERT's kind")
    torch.manual_seed(random_state)
    network, missing = load_encoder(base, AutoModelForMaskedLM)
    new_head = not all(name.startswith(f"{network.base_model_prefix}.") for name in missing)
    text_tokenizer = TextTokenizer.from_transformers(tokenizer)
    most = getattr(network.config, "max_position_embeddings", max_length + 8) - 8
    template, table = text_tokenizer.template, text_tokenizer.tokenize(found.texts, report)
    check_ids(table.ids, network)
    size = min(max_length, most) - len(template.prefix) - len(template.suffix)
    sequences = [
        [*template.prefix, *tokens[begin : begin + size].tolist(), *template.suffix]
        for tokens in map(table.__getitem__, range(len(table)))
        for begin in range(0, len(tokens), size)
    ]
    if len(sequences) < 2:
        raise InputError(f"{len(found.texts)} texts are too few to pretrain on; give more")
    order = np.random.default_rng(random_state).permutation(len(sequences))
    n_held_out = min(max(int(_HELD_OUT * len(sequences)), 1), _MAX_HELD_OUT)
    held_out, trained = order[:n_held_out], order[n_held_out:]
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mask_share)

    def mask(rows: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        return dict(collate([{"input_ids": sequences[row]} for row in rows.tolist()]))

    plan: list[NDArray[np.int64]] = []
    for epoch in range(epochs):
        random = np.random.default_rng([random_state, epoch])
        batches = _batches(sequences, random.permutation(trained), batch_size)
        plan += [batches[number] for number in random.permutation(len(batches))]
    asked = _batches(sequences, held_out, batch_size)
    with _enough_memory(runtime):
        network.to(runtime.device)
        before = _loss(network, mask, asked, runtime)
        _train(network, mask, plan, runtime, settings, report)
        after = _loss(network, mask, asked, runtime)
    done = PretrainingReport(
        model, weights_fingerprint(base), new_head, len(found.texts), found.left_out_questions, found.left_out_texts,
        sum(len(sequences[row]) for row in trained), len(plan), before, after,
        device_facts(device).name, runtime.precision,
    )  # fmt: skip
    # A masked-language model has no pooler: that of the base, if any, is kept beside.
    with_pooler, missing = load_encoder(base, AutoModel)
    pooler = {
        f"{network.base_model_prefix}.{name}": weight.contiguous()
        for name, weight in with_pooler.state_dict().items()
        if name.startswith("pooler.") and name not in missing
    }
    with save_errors(Path(folder)), new_folder(folder, overwrite) as temporary, quiet():
        network.save_pretrained(temporary, state_dict={**network.state_dict(), **pooler})
        tokenizer.save_pretrained(temporary)
        write_atomically(temporary / REPORT, json.dumps(asdict(done), ensure_ascii=False, indent=1))
    return done


def _contains(text: str, begins: Mapping[str, list[str]]) -> bool:
    """Whether a text contains one of these, which are found by their first ten characters."""
    return any(
        text.startswith(stem, i)
        for i in range(len(text) - _GRAM + 1)
        for stem in begins.get(text[i : i + _GRAM], ())
    )


def _batches(sequences: list[list[int]], rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Rows in batches of similar length."""
    order = rows[np.argsort([len(sequences[row]) for row in rows], kind="stable")]
    return [order[begin : begin + size] for begin in range(0, len(order), size)]


def _loss(network: Any, mask: Mask, batches: list[NDArray[np.int64]], runtime: Runtime) -> float:
    """Mean loss of masked tokens; the masks are the same in every call."""
    network.eval()
    seed_everything(0)
    total, count = 0.0, 0
    with torch.no_grad():
        for rows in batches:
            inputs = mask(rows)
            n_masked = int((inputs["labels"] >= 0).sum())
            if n_masked:
                total += float(_step_loss(network, inputs, runtime)) * n_masked
                count += n_masked
    return total / max(count, 1)


def _train(
    network: Any, mask: Mask, plan: list[NDArray[np.int64]], runtime: Runtime, settings: EncoderSettings,
    progress: Progress,
) -> None:  # fmt: skip
    """Train on these batches, one after the other."""
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)
    scaler = runtime.scaler()
    network.train()
    for step, rows in enumerate(plan):
        for group in optimizer.param_groups:
            factor = schedule_factor("linear", step, len(plan), settings.warmup)
            group["lr"] = settings.learning_rate() * factor
        optimizer.zero_grad(set_to_none=True)
        seed_everything(settings.random_state, step)
        inputs = mask(rows)
        if not (inputs["labels"] >= 0).any():
            continue
        loss = _step_loss(network, inputs, runtime)
        scaler.scale(loss).backward()
        if not math.isfinite(loss.item()):
            raise InputError(f"the loss became NaN or infinite at step {step + 1} of {len(plan)}; lower `lr`")
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.max_grad_norm)
        scaler.step(optimizer)
        scaler.update()
        progress(DetailedStage("pretraining", f"loss {loss.item():.3f}"), step + 1, len(plan))


@contextmanager
def _enough_memory(runtime: Runtime) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        memory = device_memory(runtime.device)
        raise InputError(f"{memory} does not suffice; lower `batch_size` or `max_length`") from error


def _step_loss(network: Any, inputs: dict[str, torch.Tensor], runtime: Runtime) -> torch.Tensor:
    with runtime.autocast():
        loss: torch.Tensor = network(**{name: one.to(runtime.device) for name, one in inputs.items()}).loss
    return loss
