"""Our words are jieba's, character for character, by every way that they are cut."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jieba_reference import quiet_jieba
from shared_data import needs_shared
from texts_to_cut import EDGE_TEXTS, random_texts, shared_texts

from cmexam_baseline import metrics
from cmexam_baseline.metrics import segment
from cmexam_baseline.metrics.segmentation import vectorised_cutter
from cmexam_baseline.metrics.tokens import encode

# Characters of which a good part of all short strings are words, or nearly.
_FEW = "的中国人民心力衰竭大学生一不患者医院上0123.%ab-+C#&_ \r\n，\ud800\U00020000"
texts = st.one_of(
    st.text(st.sampled_from(_FEW), max_size=40), st.text(st.characters(exclude_categories=()), max_size=20)
)


@pytest.fixture(params=["short texts", "arrays", "arrays, chunk by chunk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way that texts can be cut, for texts of any length."""
    monkeypatch.setattr(segment, "_FEW_CHARACTERS", 1 << 40 if request.param == "short texts" else 0)
    if request.param == "arrays, chunk by chunk":
        monkeypatch.setattr(vectorised_cutter, "_CHUNK_CHARACTERS", 50)
        monkeypatch.setattr(segment, "_CHARACTERS_AT_ONCE", 70)
    return str(request.param)


def expected(texts: list[str]) -> list[list[str]]:
    jieba = quiet_jieba()
    return [jieba.lcut(text) for text in texts]


def assert_cut_as_by_jieba(texts: list[str]) -> None:
    reference = expected(texts)
    found = metrics.cut(texts)
    assert len(found) == len(reference)
    wrong = [i for i, words in enumerate(reference) if found[i] != words]
    assert not wrong, f"{texts[wrong[0]]!r}: {found[wrong[0]]} instead of {reference[wrong[0]]}"
    codes, text_offsets, starts = metrics.word_starts(texts)
    assert codes.dtype == np.uint32
    assert text_offsets.dtype == np.int64
    assert "".join(map(chr, codes.tolist())) == "".join(texts)
    assert text_offsets.tolist() == np.cumsum([0, *map(len, texts)]).tolist()
    lengths = [len(word) for words in reference for word in words]
    assert np.flatnonzero(starts).tolist() == np.cumsum([0, *lengths]).tolist()


@pytest.mark.parametrize("text", EDGE_TEXTS, ids=lambda text: repr(text[:12]))
@pytest.mark.usefixtures("way")
def test_edge_texts(text: str) -> None:
    assert_cut_as_by_jieba([text])


@pytest.mark.usefixtures("way")
def test_edge_texts_end_to_end() -> None:
    # A text that ends in a carriage return before one that begins with a line feed, words across texts, ...
    assert_cut_as_by_jieba(["心力", "衰竭", "\r", "\n", "1.", "5", "", "%", *EDGE_TEXTS])


@pytest.mark.parametrize("few", [1 << 40, 0])
@given(st.lists(texts, max_size=6))
def test_any_texts(few: int, texts: list[str]) -> None:
    before, segment._FEW_CHARACTERS = segment._FEW_CHARACTERS, few
    try:
        assert_cut_as_by_jieba(texts)
    finally:
        segment._FEW_CHARACTERS = before


@given(st.lists(texts, min_size=1, max_size=8), st.integers(1, 40))
def test_chunks_change_nothing(texts: list[str], chunk: int) -> None:
    segmenter = segment._default.get()
    encoded = encode(texts)
    whole = segmenter._long.word_starts(*encoded)
    before, vectorised_cutter._CHUNK_CHARACTERS = vectorised_cutter._CHUNK_CHARACTERS, chunk
    try:
        parts = segmenter._long.word_starts(*encoded)
    finally:
        vectorised_cutter._CHUNK_CHARACTERS = before
    assert whole.tolist() == parts.tolist()


def test_random_texts() -> None:
    assert_cut_as_by_jieba(random_texts(20_000, seed=1))


@needs_shared
def test_shared_predictions_and_test_split() -> None:
    assert_cut_as_by_jieba(shared_texts("cmexam/test*") + shared_texts("predictions/*.jsonl"))


@needs_shared
@pytest.mark.minutes
def test_every_shared_text() -> None:
    texts = shared_texts()
    assert sum(map(len, texts)) > 4_000_000
    assert_cut_as_by_jieba(texts)


def test_one_text_among_many_is_cut_as_alone() -> None:
    texts = random_texts(300, seed=3)
    assert metrics.cut(texts) == [metrics.cut([text])[0] for text in texts]


def test_a_text_of_a_single_long_block() -> None:
    text = "".join(random_texts(2_400, seed=4))
    block = "".join(character for character in text if "\u4e00" <= character <= "\u9fd5")[:20_000]
    assert len(block) == 20_000
    assert_cut_as_by_jieba([block])


def test_no_texts() -> None:
    codes, text_offsets, starts = metrics.word_starts([])
    assert metrics.cut([]) == []
    assert (codes.tolist(), text_offsets.tolist(), starts.tolist()) == ([], [0], [True])


def test_every_iterable_of_strings() -> None:
    texts = ["患者出现", "发热"]
    for form in (tuple(texts), iter(texts), np.array(texts), np.array(texts, object)):
        assert metrics.cut(form) == [["患者", "出现"], ["发热"]]


@pytest.mark.parametrize("call", [metrics.cut, metrics.word_starts])
def test_what_is_no_list_of_strings(call: object) -> None:
    assert callable(call)
    with pytest.raises(TypeError, match=r"give \[text\]"):
        call("患者")
    with pytest.raises(TypeError, match="text 1 is NoneType"):
        call(["患者", None])
    with pytest.raises(TypeError, match="text 0 is bytes"):
        call([b"abc"])


def test_threads_share_one_segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "_default", segment._Default())
    texts = random_texts(500, seed=5)
    reference = expected(texts)
    found: list[list[list[str]]] = []
    threads = [threading.Thread(target=lambda: found.append(metrics.cut(texts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [reference] * 4
