"""A frozen encoder for LightGBM's features: found before the data are read, and again for a trained run."""

from __future__ import annotations

from typing import Any

from cmexam_baseline.exam.errors import InputError


def make_embedder(name_or_path: str) -> Any:
    """The `features.Embedder` over an encoder's mean-pooled vectors; `InputError` where it is not at hand."""
    from cmexam_baseline.encoders import embed_texts, find_model, weights_fingerprint
    from cmexam_baseline.features import Embedder

    fingerprint = weights_fingerprint(find_model(name_or_path))
    return Embedder(
        name_or_path, fingerprint, lambda texts, progress: embed_texts(name_or_path, texts, progress)
    )


def give_embedder(model: Any, name_or_path: str | None) -> None:
    """Give a loaded model the encoder it was trained with: `name_or_path`, or the place the run remembers."""
    remembered = model.settings.get("embeddings")
    if remembered is None:
        if name_or_path is not None:
            raise InputError("--embeddings: this run was trained without embeddings; leave the option away")
        return
    try:
        embedder = make_embedder(name_or_path or remembered["name"])
    except InputError as error:
        raise InputError(
            f"the run was trained with embeddings of {remembered['name']}, and {error}; or name the place of "
            "those weights with --embeddings"
        ) from error
    model.use_embedder(embedder)
