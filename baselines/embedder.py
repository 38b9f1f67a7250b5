"""A frozen encoder for LightGBM's features: found before the data are read, and again for a trained run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cmexam_baseline.baselines.protocol import Baseline
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.features import Embedder


def make_embedder(name_or_path: str) -> Embedder:
    """The `features.Embedder` over an encoder's mean-pooled vectors; `InputError` if it is not available."""
    from cmexam_baseline.encoders import embed_texts, find_model, weights_fingerprint
    from cmexam_baseline.features import Embedder

    fingerprint = weights_fingerprint(find_model(name_or_path))
    return Embedder(name_or_path, fingerprint, partial(embed_texts, name_or_path))


def restore_embedder(model: Baseline, name_or_path: str | None) -> None:
    """Give a loaded model the encoder it was trained with: `name_or_path`, or the place in its settings."""
    remembered = model.settings.get("embeddings")
    if remembered is None:
        if name_or_path is not None:
            raise InputError("this run was trained without embeddings; omit `embeddings`")
        return
    try:
        embedder = make_embedder(name_or_path or remembered["name"])
    except InputError as error:
        raise InputError(
            f"the run was trained with embeddings of {remembered['name']}, and {error}; or name the place of "
            "those weights with `embeddings`"
        ) from error
    model.use_embedder(embedder)  # type: ignore[attr-defined]  # models with embeddings have it
