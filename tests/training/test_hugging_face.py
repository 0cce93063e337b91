"""Models of transformers as problems: each against the model's own loss, and the language model against a dense Hessian."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AttentionInterface,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.training.hugging_face import padded, transformers_problem

ROWS = [{"input_ids": [(3 * row + place) % 10 + 1 for place in range(3 + row % 4)]} for row in range(7)]
WIDTHS: Any = {"vocab_size": 12, "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 1}


def made(kind: Any, config: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return kind(config).eval()


def llama(**settings: Any) -> Any:
    return made(LlamaForCausalLM, LlamaConfig(**WIDTHS, max_position_embeddings=16, initializer_range=0.5, **settings))


def bert(kind: Any, **settings: Any) -> Any:
    return made(kind, BertConfig(**WIDTHS, max_position_embeddings=16, initializer_range=0.3, **settings))


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_language_models_loss_and_curvature_do_not_see_padding_or_physical_batches(batch: int) -> None:
    model = llama()
    problem = transformers_problem(model, ROWS, pad=11, physical_batch=batch)
    count = sum(len(row["input_ids"]) - 1 for row in ROWS)
    alone = [transformers_problem(model, [row]) for row in ROWS]  # no padding at all
    at = problem.weights() + 0.01
    by_hand = sum((each.slope(at).gradient * each.divisor / count for each in alone), torch.zeros_like(at))
    assert problem.divisor == count
    assert torch.allclose(problem.slope(at).gradient, by_hand, rtol=1e-4, atol=1e-6)
    rows = torch.randn(2, len(at), generator=torch.Generator().manual_seed(0))
    products = sum((Hessian(each, at)(rows) * each.divisor / count for each in alone), torch.zeros_like(rows))
    assert torch.allclose(Hessian(problem, at)(rows), products, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "labels", "settings"),
    [
        (BertForSequenceClassification, torch.arange(7) % 3, {"num_labels": 3}),
        (BertForSequenceClassification, torch.linspace(-1, 1, 7), {"num_labels": 1}),
        (BertForSequenceClassification, (torch.arange(21).reshape(7, 3) % 2).float(), {"num_labels": 3}),
        (BertForTokenClassification, torch.arange(42).reshape(7, 6) % 4 - 1, {"num_labels": 3}),
        (BertForMaskedLM, torch.arange(42).reshape(7, 6) % 5, {}),
    ],
)
def test_heads_are_measured_by_the_models_own_loss(kind: Any, labels: Tensor, settings: Any) -> None:
    model = bert(kind, **settings)
    batch = padded(ROWS)
    if labels.ndim == 2 and kind is not BertForSequenceClassification:
        labels = torch.where((batch["attention_mask"] == 1) & (labels >= 0), labels, -100)
    batch["labels"] = labels
    problem = transformers_problem(model, batch, physical_batch=3)
    own = model(**batch).loss
    slope = problem.slope(problem.weights())
    assert slope.loss == pytest.approx(own.item(), rel=1e-5)
    gradients = torch.autograd.grad(own, list(model.parameters()), materialize_grads=True, allow_unused=True)
    assert torch.allclose(slope.gradient, torch.cat([each.reshape(-1) for each in gradients]), rtol=1e-3, atol=1e-6)
    assert Tracker(problem)().converged


def test_attention_without_a_second_derivative_gives_way_while_measuring() -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, values: Tensor) -> Tensor:
            return values.clone()

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(context: Any, slope: Tensor) -> Tensor:
            return slope

    def fused(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *others: Any, **named: Any) -> Any:
        mixed, weights = sdpa_attention_forward(module, query, key, value, *others, **named)
        once: Any = Once.apply
        return once(mixed), weights

    AttentionInterface.register("genlab_fused", fused)
    plain, model = llama(), llama(attn_implementation="genlab_fused")
    reading = Tracker(transformers_problem(model, ROWS))()
    assert reading.values == pytest.approx(Tracker(transformers_problem(plain, ROWS))().values, rel=1e-3)
    assert model.config._attn_implementation == "genlab_fused"


def test_a_loss_that_is_not_known_or_not_the_models_own_is_refused() -> None:
    with pytest.raises(ValueError, match="no tensor of labels"):
        transformers_problem(llama(), {"input_ids": torch.ones(2, 3, dtype=torch.int64)})
    translator = made(T5ForConditionalGeneration, T5Config(vocab_size=12, d_model=4, d_kv=4, d_ff=6, num_layers=1, num_heads=1))
    with pytest.raises(ValueError, match="has the loss ForConditionalGeneration"):
        transformers_problem(translator, padded(ROWS))

    untyped: Any = LlamaForCausalLM

    class Doubled(untyped):  # type: ignore[misc]  # its class has no types
        def forward(self, *inputs: Any, **named: Any) -> Any:
            outputs = super().forward(*inputs, **named)
            outputs.loss = None if outputs.loss is None else 2 * outputs.loss
            return outputs

    with pytest.raises(ValueError, match="it trains on another loss"):
        transformers_problem(made(Doubled, LlamaConfig(**WIDTHS)), {**padded(ROWS)})
