"""What a fine-tuning would take, before it runs: parameters, tokens, steps, and a rough time."""

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genlab.callbacks.undisturbed import own_chance
from genlab.finetuning import assembly, conversations, manners
from genlab.finetuning.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

SMALL = 50_000_000  # parameters: up to here a step is timed, above it is reckoned (our assumption: seconds on any machine)
SIDE = 2048  # of the matrices whose product says how fast the machine is
FLOPS_A_WEIGHT = 6  # a token and a weight: 2 forward, 4 backward (Kaplan et al. 2020, section 2.1)


@dataclass(frozen=True)
class Plan:
    """What a recipe would do with some data.

    Attributes:
        parameters: weights of the model.
        trained: those of them, or of the adapter, that training moves.
        examples: rows of the data.
        tokens: read in one pass, cut at ``max_length``.
        steps: updates of the weights.
        seconds: rough, on this machine and one process, without loading the model.
    """

    parameters: int
    trained: int
    examples: int
    tokens: int
    steps: int
    seconds: float


def plan(recipe: Recipe, train: "Dataset | str | Path", *, device: str = "auto", processes: int = 1) -> Plan:
    """Price a fine-tuning. It reads the model's configuration and tokenizer, not its weights.

    Raises:
        ValueError: model or data do not fit; the message says what to change.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    build: Any = AutoModelForCausalLM.from_config
    with manners.quiet(), own_chance():
        data = conversations.read(train)
        try:
            config = AutoConfig.from_pretrained(recipe.source, revision=recipe.revision)
            tokenizer: Any = AutoTokenizer.from_pretrained(recipe.source, revision=recipe.revision)
        except OSError as error:
            raise ValueError(f"{recipe.model} is no folder of a model, nor one that the hub would give: {error}") from error
        with torch.device("meta"):
            model: Any = build(config)
        parameters = model.num_parameters()
        lengths = [min(_length(row, tokenizer), recipe.max_length) for row in data]
        steps = recipe.count(len(data), processes)
        a_step = recipe.batch * recipe.accumulate * processes
        tokens = round(sum(lengths) * steps * a_step / len(data))
        where = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        if parameters <= SMALL:
            width = sorted(lengths)[len(lengths) // 2]
            seconds = _timed(build(config).to(where), recipe.batch, width) * steps * recipe.accumulate
        else:
            seconds = FLOPS_A_WEIGHT * parameters * tokens / processes / _speed(where, recipe.precision)
        trained = parameters
        if recipe.method == "lora":
            from peft import get_peft_model

            trained = get_peft_model(copy.deepcopy(model), assembly.lora(recipe)).num_parameters(only_trainable=True)
    return Plan(parameters, trained, len(data), sum(lengths), steps, seconds)


def _length(row: dict[str, Any], tokenizer: Any) -> int:
    if "messages" in row:
        turns = row["messages"]
    elif isinstance(row["prompt"], str):
        return len(tokenizer(row["prompt"] + row["completion"])["input_ids"]) + 1
    else:
        turns = row["prompt"] + row["completion"]
    if tokenizer.chat_template is None:
        raise ValueError("the model has no chat template, and the data are conversations: give prompt and completion as texts")
    return len(tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"])


def _timed(model: Any, batch: int, width: int) -> float:
    """Seconds of the fastest of three passes forward and backward."""
    with manners.fit_threads(model):
        return min(_seconds(model, batch, width) for _ in range(3))


def _seconds(model: Any, batch: int, width: int) -> float:
    ids = torch.ones((batch, max(width, 2)), dtype=torch.long, device=model.device)
    begun = time.perf_counter()
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    model.zero_grad()
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _speed(where: str, precision: str) -> float:
    """Operations a second of a matrix product here."""
    matrix = torch.ones((SIDE, SIDE), device=where, dtype=getattr(torch, precision))
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        seconds.append(time.perf_counter() - begun)
    return 2 * SIDE**3 / min(seconds)
