"""Tokens and embeddings: computed once, cached, and never trusted when damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import make_exam

from cmexam_baseline.encoders import EncoderBaseline, embed_texts
from cmexam_baseline.encoders.cache import fingerprint, load_arrays, prune, store_arrays
from cmexam_baseline.encoders.models import load_tokenizer
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.errors import InputError

TEXTS = ["的是病人", "", "药物治疗心肝脾肺肾", "的是病人", "甲", "生僻字和latin 12.5mg"]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tokenizer(bert) -> TextTokenizer:
    return TextTokenizer.from_transformers(load_tokenizer(bert))


def lists(table) -> list[list[int]]:
    return [table[i].tolist() for i in range(len(table))]


def test_tokens_are_the_tokenizers_own(bert, tokenizer, cache):
    own = load_tokenizer(bert)
    expected = [own(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    assert lists(tokenizer.tokenize(TEXTS)) == expected
    assert lists(tokenizer.tokenize(TEXTS)) == expected  # from the cache
    assert lists(tokenizer.encode(TEXTS)) == expected
    assert lists(tokenizer.tokenize([])) == []


def test_texts_are_tokenised_once(tokenizer, cache, monkeypatch):
    counted = []
    original = TextTokenizer.encode

    def counting(self, texts, progress=None):
        counted.append(list(texts))
        return original(self, texts, progress)

    monkeypatch.setattr(TextTokenizer, "encode", counting)
    first = lists(tokenizer.tokenize(TEXTS))
    assert lists(tokenizer.tokenize(TEXTS)) == first
    assert counted == [list(dict.fromkeys(TEXTS))]
    tokenizer.tokenize([*TEXTS, "乙"])
    assert len(counted) == 2


@pytest.mark.parametrize("damage", ["truncated", "other arrays", "pickle", "wrong lengths"])
def test_a_damaged_cache_is_computed_anew(damage, tokenizer, cache, tmp_path):
    expected = lists(tokenizer.tokenize(TEXTS))
    (file,) = (cache / "tokens").glob("*.npz")
    marker = tmp_path / "ran"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-30])
    elif damage == "other arrays":
        store_arrays(file, {"ids": np.zeros(3)})
    elif damage == "wrong lengths":
        arrays = load_arrays(file)
        store_arrays(file, {**arrays, "lengths": arrays["lengths"] + 1})
    else:

        class Attack:
            def __reduce__(self):
                return (Path.touch, (marker,))

        np.savez(file, ids=np.array([Attack()], object), starts=np.zeros(1), lengths=np.zeros(1))
    assert lists(tokenizer.tokenize(TEXTS)) == expected
    assert not marker.exists()
    assert load_arrays(file)["ids"].dtype == np.int32


@pytest.mark.filterwarnings("ignore")
def test_no_changed_byte_of_a_cache_is_an_error(tmp_path):
    file = tmp_path / "arrays.npz"
    store_arrays(file, {"keys": np.zeros((3, 4), np.uint8), "vectors": np.ones((3, 2), np.float16)})
    stored = file.read_bytes()
    for place in range(len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 0x81
        file.write_bytes(changed)
        found = load_arrays(file)
        assert all(isinstance(array, np.ndarray) for array in found.values())


def test_a_cache_that_cannot_be_written_is_done_without(tokenizer, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "file" / "cache"))
    assert lists(tokenizer.tokenize(["甲"])) == lists(tokenizer.encode(["甲"]))


def test_half_a_surrogate_is_an_unknown_character(tokenizer, cache):
    assert lists(tokenizer.tokenize(["甲\ud800"]))[0][0] == lists(tokenizer.tokenize(["甲"]))[0][0]


def test_progress_counts_the_texts(tokenizer, cache):
    told = []
    tokenizer.tokenize(TEXTS, lambda *call: told.append(call))
    assert told == [("tokenising", 5, 5)]


def test_a_user_without_a_home_has_no_cache_and_the_same_tokens(tokenizer, cache, monkeypatch):
    expected = lists(tokenizer.tokenize(TEXTS))

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CMEXAM_BASELINE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert lists(tokenizer.tokenize(TEXTS)) == expected


def test_the_oldest_go_when_the_cache_grows(tmp_path):
    import os

    for i in range(4):
        (tmp_path / f"{i}.npz").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"{i}.npz", (i, i))
    prune(tmp_path, max_bytes=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.npz", "3.npz"]


def test_fingerprints_tell_parts_apart():
    assert len({fingerprint(parts) for parts in (["ab"], ["a", "b"], ["", "ab"], ["ab", ""])}) == 4


def test_embeddings_are_means_over_the_texts_tokens(bert, cache, monkeypatch):
    from transformers import AutoModel

    monkeypatch.setattr("cmexam_baseline.encoders.embeddings._precision", lambda facts: "fp32")
    tokenizer, encoder = load_tokenizer(bert), AutoModel.from_pretrained(bert).eval()
    vectors = embed_texts(str(bert), TEXTS)
    assert vectors.shape == (6, 32)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
            states = encoder(**inputs).last_hidden_state
        np.testing.assert_allclose(vector, states[0].mean(0), atol=2e-3)
    assert embed_texts(str(bert), []).shape == (0, 32)


def test_embeddings_in_bf16_are_nearly_those_in_fp32(bert, cache, monkeypatch):
    vectors = []
    for precision in ("bf16", "fp32"):
        monkeypatch.setattr("cmexam_baseline.encoders.embeddings._precision", lambda facts, p=precision: p)
        monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(cache / precision))
        vectors.append(embed_texts(str(bert), TEXTS))
    half, full = vectors
    lengths = np.linalg.norm(half, axis=1) * np.linalg.norm(full, axis=1)
    assert ((half * full).sum(axis=1) / lengths).min() > 0.999
    assert (half != full).any()


def test_embeddings_are_computed_once_for_each_text(bert, cache, monkeypatch):
    monkeypatch.setattr("cmexam_baseline.encoders.embeddings._PART", 2)
    told = []
    first = embed_texts(str(bert), TEXTS, lambda *call: told.append(call))
    assert told[-1] == ("embedding", 5, 5)
    told.clear()
    again = embed_texts(str(bert), [*TEXTS[::-1], "乙"], lambda *call: told.append(call))
    assert told == [("embedding", 1, 1)]
    np.testing.assert_array_equal(again[:-1], first[::-1])
    parts = sorted(cache.glob("embeddings/*/*.npz"))
    assert len(parts) == 4
    parts[0].write_bytes(parts[0].read_bytes()[:-20])  # damaged: computed anew, as after an interruption
    np.testing.assert_allclose(embed_texts(str(bert), TEXTS), first, atol=2e-3)


def test_other_weights_have_other_embeddings(bert, roberta, cache):
    assert np.abs(embed_texts(str(bert), ["甲"]) - embed_texts(str(roberta), ["甲"])).max() > 0.01


def test_a_seed_gives_the_same_again_and_another_something_else(bert):
    exam = make_exam(16)
    settings = EncoderSettings(model=str(bert), epochs=1, lr=1e-3)
    one, again, other = (
        EncoderBaseline.from_settings(replace(settings, random_state=seed))
        .fit(exam, exam)
        .predict(exam)
        .option_scores
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-4


def test_evidence_is_read_and_asked_for_again(bert, tmp_path):
    """The right option can be known from its evidence alone; without, there is nothing to learn."""
    train, val = make_exam(96, options=(5, 4)), make_exam(48, seed=1, options=(5, 4))

    def sentences(exam):
        return [
            ["病人", "甲甲甲甲" if letter in question.answer else "乙乙乙乙"]
            for question in exam
            for letter, _ in zip("ABCDEFGH", question.options, strict=False)
        ]

    common = {"model": str(bert), "lr": 3e-3, "batch_size": 8, "epochs": 6, "dropout": 0.0, "pooling": "mean"}
    for head in ("pairwise", "joint"):
        settings = {**common, "head": head}
        baseline = EncoderBaseline(**settings, find_evidence=lambda exam, progress: sentences(exam))
        answers = baseline.fit(train, val).predict(val).answers
        assert (answers == val.answers).mean() >= 0.6
        baseline.save(tmp_path / head)
        loaded = EncoderBaseline.load(tmp_path / head)
        with pytest.raises(InputError, match="trained with evidence sentences per option; predict"):
            loaded.predict(val)
        loaded.set_params(find_evidence=lambda exam, progress: sentences(exam))
        np.testing.assert_array_equal(loaded.predict(val).answers, answers)
        loaded.set_params(find_evidence=lambda exam, progress: [["病人"]] * len(exam))
        with pytest.raises(InputError, match="trained with evidence sentences per option"):
            loaded.predict(val)
    mixed = EncoderBaseline(
        **settings, find_evidence=lambda exam, _: sentences(exam) if exam is train else [["病"]] * len(exam)
    )
    with pytest.raises(InputError, match="val needs evidence of the same kind"):
        mixed.fit(train, val)


def test_settings_that_want_evidence_are_refused_without_it(bert, exam):
    with pytest.raises(InputError, match="evidence is 3, but nothing finds sentences; pass `find_evidence`"):
        EncoderBaseline(model=str(bert), evidence=3).fit(exam)
