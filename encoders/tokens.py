"""Texts to tokens: once, on all cores, cached by fingerprint, without torch or transformers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.cache import fingerprint, load_arrays, place_in_cache, store_arrays
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import Progress, no_progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CHUNK = 20_000
_VERSION = "2"


@dataclass(frozen=True)
class Template:
    """How an encoder reads a pair of texts: `prefix` first `middle` second `suffix`, as token ids.

    Of bert-base-chinese: prefix ([CLS],), middle ([SEP],), suffix ([SEP],), token types 0 and 1.
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    marker: int
    second_type: int
    unknown: int = -1


@dataclass(frozen=True)
class TextTokenizer:
    """The tokens of texts without special tokens, and the template that combines them."""

    backend: Tokenizer
    template: Template

    @classmethod
    def from_transformers(cls, tokenizer: Any, config: Any = None) -> TextTokenizer:
        """How a fast transformers tokenizer encodes a pair of texts, found by giving it one.

        The marker before an option is the mask token, which pretraining has taught to summarise its context;
        the separator where there is none. `config` is the encoder's: one with a single token type gets no
        other. Raises `InputError` if there is no pad token.
        """
        example = tokenizer("甲", "乙")
        ids, sides = example["input_ids"], example.sequence_ids(0)
        first, second = sides.index(0), sides.index(1)
        # An encoder with token types gets 0 everywhere from a tokenizer that has none.
        has_types = "token_type_ids" in example and getattr(config, "type_vocab_size", 2) > 1
        pad, marker, unknown = tokenizer.pad_token_id, tokenizer.mask_token_id, tokenizer.unk_token_id
        if pad is None:
            raise InputError("the tokenizer has no pad token; use an encoder that was trained with one")
        middle = tuple(ids[first + sides.count(0) : second])
        suffix = tuple(ids[second + sides.count(1) :])
        template = Template(
            tuple(ids[:first]), middle, suffix, pad,
            (middle or suffix or (pad,))[0] if marker is None else marker,
            example["token_type_ids"][second] if has_types else 0,
            -1 if unknown is None else unknown,
        )  # fmt: skip
        return cls(_plain(tokenizer.backend_tokenizer), template)

    @classmethod
    def from_file(cls, path: Path, template: Template) -> TextTokenizer:
        """The tokenizer in a `tokenizer.json`; raises `InputError` if it cannot be read."""
        from tokenizers import Tokenizer

        try:
            text = path.read_text(encoding="utf-8")
            return cls(_plain(Tokenizer.from_str(text)), template)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}; train the model again"
            ) from error
        except Exception as error:  # tokenizers raises nothing narrower for a malformed file
            raise InputError(f"{path} is not a tokenizer: {error}; train the model again") from error

    def tokenize(self, texts: Sequence[str], progress: Progress = no_progress) -> TokenTable:
        """The tokens of every text, without special tokens; each distinct text is tokenised once.

        Runs on all cores and caches the result for the user under a fingerprint of texts and tokenizer.
        """
        distinct = list(dict.fromkeys(texts))
        number = {text: i for i, text in enumerate(distinct)}
        of_text = np.fromiter((number[text] for text in texts), np.int64, len(texts))
        name = fingerprint([_VERSION, self.backend.to_str(), *distinct])
        path = place_in_cache("tokens", f"{name}.npz")
        arrays = {} if path is None else load_arrays(path)
        table = None
        if set(arrays) == {"ids", "lengths"} and len(arrays["lengths"]) == len(distinct):
            table = TokenTable.from_lengths(
                arrays["ids"].astype(np.int32), arrays["lengths"].astype(np.int64)
            )
        if table is None or table.lengths.sum() != len(table.ids):
            table = self.encode(distinct, progress)
            if path is not None:
                store_arrays(path, {"ids": table.ids, "lengths": table.lengths})
        return table.take(of_text)

    def encode(self, texts: Sequence[str], progress: Progress = no_progress) -> TokenTable:
        """The tokens of every text, without special tokens; on all cores, without the cache."""
        # Set explicitly, or tokenizers warns when a process that makes batches is forked later.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        parts: list[NDArray[np.int32]] = []
        for begin in range(0, len(texts), _CHUNK):
            chunk = [_encodable(text) for text in texts[begin : begin + _CHUNK]]
            encodings = self.backend.encode_batch_fast(chunk, add_special_tokens=False)
            parts.extend(np.array(encoding.ids, np.int32) for encoding in encodings)
            progress("tokenising", len(parts), len(texts))
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        return TokenTable.from_lengths(ids, np.array([len(part) for part in parts], np.int64))


@dataclass(frozen=True, eq=False)
class TokenTable:
    """Tokens of n texts: text i is ids[starts[i] : starts[i] + lengths[i]]."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def from_lengths(cls, ids: NDArray[np.int32], lengths: NDArray[np.int64]) -> TokenTable:
        """Texts of these lengths, one after the other."""
        return cls(ids, np.cumsum(lengths) - lengths, lengths)

    def take(self, texts: NDArray[np.int64] | slice) -> TokenTable:
        """These texts, of the same tokens."""
        return TokenTable(self.ids, self.starts[texts], self.lengths[texts])

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, text: int) -> NDArray[np.int32]:
        return self.ids[self.starts[text] : self.starts[text] + self.lengths[text]]


def _plain(backend: Tokenizer) -> Tokenizer:
    from tokenizers import Tokenizer

    copy: Tokenizer = Tokenizer.from_str(backend.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy


def _encodable(text: str) -> str:
    # Half a surrogate pair is not a character; Rust strings cannot hold one.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
