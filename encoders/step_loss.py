"""What training makes smaller: the losses of a part of a step, and its gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from cmexam_baseline.encoders.collate import TensorBatch
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.losses import LOSSES, divergence, most_probable
from cmexam_baseline.encoders.optimization import backward_with_adversary
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.encoders.scoring import run_scorer
from cmexam_baseline.encoders.settings import EncoderSettings


class Objective:
    """The loss of a scorer's answers with label smoothing, R-Drop and FGM, as the settings say."""

    def __init__(
        self, scorer: Scorer, settings: EncoderSettings, runtime: Runtime, scaler: torch.amp.GradScaler
    ) -> None:
        self.scorer, self.settings, self.runtime, self.scaler = scorer, settings, runtime, scaler
        self.loss = LOSSES[settings.loss]

    def backward(self, batch: TensorBatch, n_questions: int) -> Tensor:
        """Add the gradients of a part of a step; returns its losses, right answers and questions."""
        totals = torch.zeros(3, dtype=torch.float64, device=self.runtime.device)

        def scaled_loss() -> Tensor:
            losses, answers = self._losses(batch)
            right = (answers == batch.answers).sum()
            totals[0], totals[1], totals[2] = losses.detach().sum(), right, len(losses)
            scaled: Tensor = self.scaler.scale(losses.sum() / n_questions)
            return scaled

        if self.settings.fgm > 0:
            weight = self.scorer.encoder.get_input_embeddings().weight
            backward_with_adversary(weight, self.settings.fgm, scaled_loss)
        else:
            scaled_loss().backward()
        return totals

    def _losses(self, batch: TensorBatch) -> tuple[Tensor, Tensor]:
        """Losses (B,) and most probable answers (B,) of a batch."""
        smoothing = self.settings.label_smoothing
        losses, log_probabilities = self._pass(batch, smoothing)
        if self.settings.r_drop > 0:
            again, others = self._pass(batch, smoothing)
            losses = 0.5 * (losses + again) + self.settings.r_drop * divergence(log_probabilities, others)
        return losses, most_probable(self.settings.loss, log_probabilities.detach())

    def _pass(self, batch: TensorBatch, smoothing: float) -> tuple[Tensor, Tensor]:
        scores = batch.in_rows(run_scorer(self.scorer, batch, self.runtime))
        return self.loss(scores, batch.n_options, batch.answers, self.scorer.size_bias, smoothing)
