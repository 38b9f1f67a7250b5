"""The double array holds exactly the words that it was made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.metrics.segmentation.dictionary import (
    Dictionary,
    jieba_folder,
    parse_dictionary,
    read_unknown_word_model,
)
from cmexam_baseline.metrics.segmentation.trie import WordTable, build_table, lay_out, word_nodes
from cmexam_baseline.metrics.segmentation.vectorised_cutter import StepSchedule

_words = st.text(st.sampled_from("abcdefghij\ud800\U00020000"), min_size=1, max_size=6)
_dictionaries = st.dictionaries(_words, st.integers(0, 5), max_size=60)


def ids_of(frequencies: dict[str, int], spread: int = 1) -> np.ndarray:
    ids = np.zeros(0x110000, np.int32)
    for number, character in enumerate(sorted({c for word in frequencies for c in word}), 1):
        ids[ord(character)] = number * spread
    return ids


def slot_of(bases: np.ndarray, parents: np.ndarray, ids: np.ndarray, word: str) -> int | None:
    slot = -1
    for character in word:
        child = int(ids[ord(character)]) + (int(bases[slot]) if slot >= 0 else 0)
        if not ids[ord(character)] or parents[child] != slot:
            return None
        slot = child
    return slot


def has_word(table: WordTable, word: str) -> bool:
    slot = slot_of(table.bases, table.parents, table.character_ids, word)
    return slot is not None and slot >= 0 and bool(table.weights[slot] > -np.inf)


@given(frequencies=_dictionaries, others=st.lists(_words, max_size=20), spread=st.sampled_from([1, 40]))
def test_words_are_found_and_nothing_else(
    frequencies: dict[str, int], others: list[str], spread: int
) -> None:
    nodes, ids = word_nodes(frequencies), ids_of(frequencies, spread)
    bases, parents, slots = lay_out(nodes, ids)
    node_of_slot: dict[int | None, int] = {slot: node for node, slot in enumerate(slots.tolist())}
    assert len(node_of_slot) == len(nodes.parents)
    beginnings = {word[:end] for word in frequencies for end in range(1, len(word) + 1)}
    for word in beginnings | set(others):
        # A character that begins no word has a slot all the same, but no node.
        node = node_of_slot.get(slot_of(bases, parents, ids, word))
        assert (node is not None) == (word in beginnings)
        if node is not None:
            assert nodes.frequencies[node] == frequencies.get(word, 0)


@given(_dictionaries)
def test_the_order_of_words_does_not_matter(frequencies: dict[str, int]) -> None:
    backwards = dict(reversed(frequencies.items()))
    assert word_nodes(frequencies).digest() == word_nodes(backwards).digest()


def test_a_large_family_among_many_small_ones() -> None:
    frequencies = {chr(0x4E00 + a) + chr(0x4E00 + b): 1 for a in range(60) for b in range(0, 60, 1 + a % 7)}
    frequencies |= {"一" + chr(0x4E00 + b): 1 for b in range(3000)}
    ids = ids_of(frequencies)
    bases, parents, _ = lay_out(word_nodes(frequencies), ids)
    assert all(slot_of(bases, parents, ids, word) is not None for word in frequencies)


def test_jiebas_own_words_are_all_there() -> None:
    path = jieba_folder() / "dict.txt"
    dictionary = parse_dictionary(path.read_bytes(), str(path))
    part = dict(list(dictionary.frequencies.items())[::40])
    table = build_table(Dictionary(part, dictionary.total), read_unknown_word_model())
    assert all(has_word(table, word) for word in part)
    assert not any(has_word(table, word + "\0") or has_word(table, word[1:] + "\0") for word in part)
    assert not has_word(table, "")


def test_frequencies_that_are_none() -> None:
    with pytest.raises(ValueError, match="frequency of 'b' is -1"):
        word_nodes({"a": 1, "b": -1})
    with pytest.raises(ValueError, match="below 2"):
        word_nodes({"a": 1 << 70})


@given(st.lists(st.integers(0, 60), max_size=80))
def test_a_schedule_has_each_sequence_once(lengths: list[int]) -> None:
    steps = StepSchedule(np.array(lengths, np.int64))
    assert sorted([*steps.order.tolist(), *steps.left_over.tolist()]) == list(range(len(lengths)))
    assert len(steps.left_over) < 10
    for step, count in enumerate(steps.counts):
        present = {i for i in steps.order.tolist() if lengths[i] > step}
        assert set(steps.order[:count].tolist()) == present
    assert all(lengths[i] <= len(steps.counts) for i in steps.order.tolist())


def test_a_table_knows_its_words() -> None:
    """A single word of frequency 1, and one that is only the beginning of another."""
    model = read_unknown_word_model()
    assert has_word(build_table(Dictionary({"心": 1}, 1), model), "心")
    table = build_table(Dictionary({"心力衰竭": 2, "心": 0, "力": 1}, 3), model)
    asked = ["心力衰竭", "力", "心", "心力", "衰", "心力衰竭力", "", "z"]
    assert [word for word in asked if has_word(table, word)] == ["心力衰竭", "力"]
