"""A model of transformers as a problem: its own training loss, padding and all, in one call."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genlab.training.exactness import HALVES, attentions, twice_differentiable, unwrapped
from genlab.training.losses import Loss
from genlab.training.parameters import Choice
from genlab.training.problem import Problem

IGNORED = -100  # the label of a token that carries no loss, in transformers
TOKENS = {"ForCausalLM", "ForMaskedLM", "ForTokenClassification"}  # transformers' names of losses; a label for each token
EXAMPLES = {"ForSequenceClassification", "ForImageClassification", "ForVideoClassification", "ForAudioClassification"}
HALF_TOLERANCE, TOLERANCE = 5e-2, 1e-3  # of the comparison with the model's own loss: our assumption


def transformers_problem(
    model: nn.Module,
    examples: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    pad: int = 0,
    physical_batch: int = 8,
    parameters: Choice | None = None,
) -> Problem:
    """The training loss of a model of transformers, or of PEFT around one, over examples with ``labels``.

    Causal and masked language models and token classifiers: the mean over all labelled tokens of all examples, in nats, where
    -100 labels none. Classifiers of whole examples: cross-entropy of integer labels, binary cross-entropy of rows of 0.0 and
    1.0, the mean squared error of other real labels. In eval mode the loss is compared with the model's own.

    Args:
        model: on one device, in the mode to measure it in: ``eval()`` for no dropout and no gradient checkpointing.
        examples: a batch of tensors as a collator makes it; or examples with lists of tokens, ``input_ids`` and ``labels``
            (without them every token is a label), which are padded here.
        pad: the token that pads; it is masked and has no label.
        physical_batch: examples in one forward pass.
        parameters: see ``Problem``: ``"*lora_*"`` for adapters, None for whatever trains.

    Raises:
        ValueError: no labels, a model whose loss is none of these, or one whose own loss is another.
    """
    model = unwrapped(model)
    batch = examples if isinstance(examples, Mapping) else padded(examples, pad=pad)
    labels = batch.get("labels")
    if not isinstance(labels, Tensor):
        raise ValueError(
            f"the examples have no tensor of labels, only {', '.join(map(repr, batch))}: there is no loss to measure"
        )
    whole: Any = model
    inner = whole.get_base_model() if hasattr(whole, "get_base_model") else whole
    taken = inspect.signature(inner.forward).parameters
    device = next(model.parameters()).device
    open_to_all = "labels" not in taken  # a forward that hands on whatever it is given
    named = {n: each.to(device) for n, each in batch.items() if isinstance(each, Tensor) and (n in taken or open_to_all)}
    inputs = {name: each for name, each in named.items() if name != "labels"}
    labels = labels.to(device)
    loss, targets, counts = _loss(inner, labels)
    problem = Problem(
        model,
        loss,
        inputs,
        targets,
        physical_batch,
        counts=counts,
        parameters=parameters,
        options={"use_cache": False} if "use_cache" in taken else {},
    )
    if not model.training:
        _compare(problem, {**inputs, "labels": labels})
    return problem


def padded(examples: Sequence[Mapping[str, Any]], *, pad: int = 0) -> dict[str, Tensor]:
    """A batch of examples with lists of ``input_ids`` and perhaps ``labels``, padded on the right to the longest.

    >>> batch = padded([{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}, {"input_ids": [5]}], pad=9)
    >>> batch["input_ids"].tolist(), batch["attention_mask"].tolist(), batch["labels"].tolist()
    ([[5, 6, 7], [5, 9, 9]], [[1, 1, 1], [1, 0, 0]], [[-100, 6, 7], [5, -100, -100]])
    """
    shape = (len(examples), max((len(each["input_ids"]) for each in examples), default=0))
    batch = {
        "input_ids": torch.full(shape, pad),
        "attention_mask": torch.zeros(shape, dtype=torch.int64),
        "labels": torch.full(shape, IGNORED),
    }
    for row, each in enumerate(examples):
        length = len(each["input_ids"])
        batch["input_ids"][row, :length] = torch.as_tensor(each["input_ids"])
        batch["attention_mask"][row, :length] = torch.as_tensor(each.get("attention_mask", 1))
        batch["labels"][row, :length] = torch.as_tensor(each.get("labels", each["input_ids"]))
    return batch


def _loss(model: Any, labels: Tensor) -> tuple[Loss, Tensor, Tensor | None]:
    kind: str | None = getattr(model, "loss_type", None) or (
        "ForCausalLM" if labels.ndim == 2 and not labels.is_floating_point() else None
    )
    if kind in TOKENS and labels.ndim == 2:
        targets = functional.pad(labels[:, 1:], (0, 1), value=IGNORED) if kind == "ForCausalLM" else labels
        counts = (targets != IGNORED).sum(dim=1)
        if not int(counts.sum()):
            raise ValueError(f"none of {len(labels)} examples has a token that carries loss")
        return _of_tokens, targets, counts
    if kind in EXAMPLES:
        several = labels.ndim == 2 and labels.is_floating_point() and model.config.problem_type != "regression"
        return (_of_several if several else _of_numbers if labels.is_floating_point() else _of_class), labels, None
    raise ValueError(
        f"{type(model).__name__} has the loss {kind}: transformers_problem knows {', '.join(sorted(TOKENS | EXAMPLES))}. "
        "Build a genlab.Problem with a loss of your own"
    )


def _of_tokens(outputs: Any, targets: Tensor) -> Tensor:
    losses = functional.cross_entropy(outputs.logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return losses.sum(dim=1)


def _of_class(outputs: Any, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.logits, targets.reshape(-1), reduction="none")


def _of_several(outputs: Any, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs.logits, targets, reduction="none").mean(dim=1)


def _of_numbers(outputs: Any, targets: Tensor) -> Tensor:
    logits: Tensor = outputs.logits
    return (logits.reshape(len(targets), -1) - targets.reshape(len(targets), -1)).square().mean(dim=1)


def _compare(problem: Problem, batch: Mapping[str, Tensor]) -> None:
    """Hold the loss against the model's own over the first examples that one physical batch holds and that have a label."""
    some = torch.arange(len(problem.targets))
    if problem.counts is not None:
        some = problem.counts.cpu().nonzero().flatten()
    some = some[: problem.physical_batch].to(problem.targets.device)
    part = problem.subset(some)
    ours = part.score(part.weights()).loss
    device = problem.targets.device
    with torch.no_grad(), twice_differentiable(problem.module, attentions(problem.module), device):  # without autocast
        theirs = problem.module(**{name: each[some] for name, each in batch.items()}, **problem.options).loss.item()
    half = any(each.dtype in HALVES for each in problem.module.parameters())
    same = math.isclose(ours, theirs, rel_tol=HALF_TOLERANCE if half else TOLERANCE, abs_tol=1e-6)
    if not same and math.isfinite(ours) and math.isfinite(theirs):
        raise ValueError(
            f"the loss to measure is {ours:.6g}, the model's own on the same examples {theirs:.6g}: it trains on another loss, "
            "with an auxiliary one, say. Build a genlab.Problem with a loss of your own"
        )
