"""Losses, probabilities and most probable answers over sets of options, against enumeration."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cmexam_baseline.encoders.decision import (
    MOST_OPTIONS,
    initial_size_bias,
    natural_answers,
    option_probabilities,
)
from cmexam_baseline.encoders.scoring import LOSSES

scores = st.floats(-5, 5).map(lambda value: round(value, 3))
questions = st.lists(st.lists(scores, min_size=2, max_size=8), min_size=1, max_size=4)
biases = st.lists(scores, min_size=MOST_OPTIONS, max_size=MOST_OPTIONS)


def slow_subsets(own: list[float], bias: list[float]) -> dict[int, float]:
    """The probability of every non-empty subset by its bit mask."""
    logits = {
        sum(1 << i for i in chosen): sum(own[i] for i in chosen) + bias[size - 1]
        for size in range(1, len(own) + 1)
        for chosen in combinations(range(len(own)), size)
    }
    total = sum(math.exp(logit) for logit in logits.values())
    return {mask: math.exp(logit) / total for mask, logit in logits.items()}


def padded(rows: list[list[float]], fill: float) -> torch.Tensor:
    width = max(len(row) for row in rows)
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows], dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(questions, biases, st.randoms(use_true_random=False))
def test_subset_loss_and_probabilities_equal_enumeration(rows, bias, random):
    answers = [random.randrange(1, 1 << len(row)) for row in rows]
    n_options = torch.tensor([len(row) for row in rows])
    losses, _ = LOSSES["subset"](padded(rows, 99.0), n_options, torch.tensor(answers), torch.tensor(bias))
    flat, offsets = np.array(sum(rows, [])), np.cumsum([0, *map(len, rows)])
    marginals = option_probabilities("subset", flat, offsets, np.array(bias))
    best = natural_answers("subset", flat, offsets, np.array(bias))
    for i, row in enumerate(rows):
        expected = slow_subsets(row, bias)
        assert losses[i] == pytest.approx(-math.log(expected[answers[i]]), rel=1e-4, abs=1e-4)
        for option in range(len(row)):
            marginal = sum(p for mask, p in expected.items() if mask >> option & 1)
            assert marginals[offsets[i] + option] == pytest.approx(marginal, abs=1e-9)
        assert expected[int(best[i])] == pytest.approx(max(expected.values()))


@settings(max_examples=40)
@given(questions, st.randoms(use_true_random=False))
def test_softmax_loss_equals_its_definition(rows, random):
    answers = [random.randrange(1, 1 << len(row)) for row in rows]
    n_options = torch.tensor([len(row) for row in rows])
    losses, _ = LOSSES["softmax"](
        padded(rows, -99.0), n_options, torch.tensor(answers), torch.zeros(MOST_OPTIONS)
    )
    for i, row in enumerate(rows):
        right = [answers[i] >> j & 1 for j in range(len(row))]
        total = math.log(sum(math.exp(score) for score in row))
        expected = sum((total - score) for score, is_right in zip(row, right, strict=True) if is_right)
        assert losses[i] == pytest.approx(expected / sum(right), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_padding_changes_nothing(loss):
    rows, answers = [[0.5, -1.0], [2.0, 0.1, 0.3, 1.0, -1.0]], torch.tensor([1, 9])
    bias = torch.linspace(0, -3, MOST_OPTIONS, requires_grad=True)
    together = padded(rows, 7.0).requires_grad_()
    losses, _ = LOSSES[loss](together, torch.tensor([2, 5]), answers, bias)
    alone, _ = LOSSES[loss](padded(rows[:1], 0.0), torch.tensor([2]), answers[:1], bias)
    torch.testing.assert_close(losses[0], alone[0])
    losses.sum().backward()
    assert torch.isfinite(together.grad).all()
    assert not together.grad[0, 2:].any()


@settings(max_examples=40)
@given(questions, biases, st.sampled_from(sorted(LOSSES)))
def test_torch_and_numpy_agree_on_the_most_probable_answer(rows, bias, loss):
    distinct = [[score + 1e-4 * i for i, score in enumerate(row)] for row in rows]
    n_options, answers = torch.tensor([len(row) for row in rows]), torch.ones(len(rows), dtype=torch.long)
    _, found = LOSSES[loss](padded(distinct, 50.0), n_options, answers, torch.tensor(bias))
    flat, offsets = np.array(sum(distinct, [])), np.cumsum([0, *map(len, rows)])
    chosen = natural_answers(loss, flat, offsets, np.array(bias))
    for i, row in enumerate(distinct):
        if loss == "subset":  # two sets may be as probable to the last digit
            probabilities = slow_subsets(row, bias)
            assert probabilities[int(found[i])] == pytest.approx(probabilities[int(chosen[i])], rel=1e-3)
        else:
            assert int(found[i]) == int(chosen[i])


def test_the_first_bias_gives_sizes_their_share():
    answers = np.array([1] * 90 + [3] * 8 + [7] * 2, np.uint8)
    bias = initial_size_bias(answers, np.full(100, 5))
    probabilities = slow_subsets([0.0] * 5, bias.tolist())
    singles = sum(p for mask, p in probabilities.items() if mask.bit_count() == 1)
    pairs = sum(p for mask, p in probabilities.items() if mask.bit_count() == 2)
    assert singles == pytest.approx(0.9, abs=0.03)
    assert pairs == pytest.approx(0.08, abs=0.01)
    assert bias[0] == 0
