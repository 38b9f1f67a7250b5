"""Mean-pooled embeddings of texts by a frozen encoder, computed once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cmexam_baseline.encoders.batches import PADDING, Batches
from cmexam_baseline.encoders.cache import fingerprint, load_arrays, place_in_cache, store_arrays
from cmexam_baseline.encoders.devices import DeviceFacts, check_kernels, choose_precision, device_facts
from cmexam_baseline.encoders.models import (
    check_ids,
    find_model,
    load_config,
    load_encoder,
    load_tokenizer,
    weights_fingerprint,
)
from cmexam_baseline.encoders.runtime import Runtime, tokens_to_predict
from cmexam_baseline.encoders.sequences import Layout, make_sequences
from cmexam_baseline.encoders.tokens import Template, TextTokenizer, TokenTable
from cmexam_baseline.exam.progress import Progress, no_progress

_PART = 16_384
_TOKENS_A_TEXT = 512
_KEY_BYTES = 16
_VERSION = "1"


def embed_texts(
    name_or_path: str, texts: Sequence[str], progress: Progress | None = None, device: str = "auto"
) -> NDArray[np.float32]:
    """(n, hidden size): the mean of an encoder's last states over each text's tokens, not normalised.

    The model is a name or folder as for `find_model`; texts are cut at 512 tokens. Every distinct text is
    embedded once per model and cached for the user (in fp16, to which fresh ones are rounded, too), in parts,
    so that an interrupted run is resumed. Raises `InputError` if the model is missing or the GPU cannot be
    used.
    """
    folder = find_model(name_or_path)
    place = place_in_cache("embeddings", fingerprint([_VERSION, weights_fingerprint(folder)])[:32])
    contents = (text.encode("utf-8", "surrogatepass") for text in texts)
    keys = [hashlib.blake2b(content, digest_size=_KEY_BYTES).digest() for content in contents]
    known: Vectors = {}
    for path in [] if place is None else sorted(place.glob("*.npz")):
        arrays = load_arrays(path)
        if set(arrays) == {"keys", "vectors"}:
            vectors = arrays["vectors"].astype(np.float16)
            known.update(zip((key.tobytes() for key in arrays["keys"]), vectors, strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        known.update(_embed(folder, missing, place, progress or no_progress, device))
    if not keys:
        return np.zeros((0, int(load_config(folder).hidden_size)), np.float32)
    return np.stack([known[key] for key in keys]).astype(np.float32)


Vectors = dict[bytes, NDArray[np.float16]]


def _embed(
    folder: Path, texts: dict[bytes, str], place: Path | None, progress: Progress, device: str
) -> Vectors:
    """The vectors of these texts by their keys; each part is stored as soon as it is computed."""
    from transformers import AutoModel

    facts = device_facts(device)
    check_kernels(facts)
    runtime = Runtime(torch.device(facts.kind), _precision(facts))
    tokenizer = TextTokenizer.from_transformers(load_tokenizer(folder))
    encoder, _ = load_encoder(folder, AutoModel)
    encoder.to(runtime.device).eval()
    result: Vectors = {}
    keys = list(texts)
    for begin in range(0, len(keys), _PART):
        part = keys[begin : begin + _PART]
        batches = _alone(tokenizer.encode([texts[key] for key in part]), tokenizer.template)
        check_ids(batches.sequences.ids, encoder)
        vectors = np.zeros((len(part), encoder.config.hidden_size), np.float16)
        done = begin
        for rows in batches.by_length(tokens_to_predict(0, runtime.device))[::-1]:
            batch = runtime.move(batches.tensors(rows))
            mask = (batch.segments != PADDING).long()
            with torch.inference_mode(), runtime.autocast():
                states = encoder(batch.input_ids, attention_mask=mask).last_hidden_state.float()
            means = (mask[:, None].float() @ states)[:, 0] / mask.sum(1, keepdim=True)
            vectors[rows] = means.cpu().numpy().astype(np.float16)
            done += len(rows)
            progress("embedding", done, len(keys))
        result.update(zip(part, vectors, strict=True))
        if place is not None:
            stored = np.frombuffer(b"".join(part), np.uint8).reshape(-1, _KEY_BYTES)
            store_arrays(place / f"{fingerprint(part)[:32]}.npz", {"keys": stored, "vectors": vectors})
    return result


def _precision(facts: DeviceFacts) -> str:
    """As `choose_precision`, but bf16 on a CPU with instructions for it, which halves the time."""
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bf16" if facts.kind == "cpu" and native is not None and native() else choose_precision(facts)


def _alone(table: TokenTable, template: Template) -> Batches:
    """Each text as a sequence of its own, its end cut off where it is too long: as an option without a question."""
    offsets = np.arange(len(table) + 1)
    nothing = TokenTable.from_lengths(np.zeros(0, np.int32), np.zeros(len(table), np.int64))
    alone = replace(template, middle=())
    return Batches(make_sequences(Layout("pairwise", _TOKENS_A_TEXT), alone, nothing, table, offsets), alone)
