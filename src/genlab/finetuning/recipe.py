"""A recipe: everything about a fine-tuning but its data and its folder, as one frozen value."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

CHOICES = {
    "method": ("full", "lora"),
    "schedule": ("cosine", "linear", "constant"),
    "optimizer": ("adamw", "sgd", "polyak", "nesterov"),  # each has its line in genlab.finetuning.optimizers
    "precision": ("float32", "bfloat16"),
}


@dataclass(frozen=True)
class Recipe:
    """How a language model is fine-tuned.

    A step is one update of the weights, from ``batch`` x ``accumulate`` x (number of processes) examples. Defaults without
    another source are those of TRL 1.16's SFTConfig.

    Attributes:
        model: the model to start from: a Hugging Face folder, a name on the hub, or a student that ships with genlab.
        revision: commit, branch or tag of a model on the hub; None is its newest.
        method: "full" trains every weight; "lora" trains a low-rank adapter beside frozen weights (Hu et al. 2021).
        lora_rank: columns of the two factors of an adapted matrix. 16: TRL's ModelConfig.
        lora_alpha: the adapter's product is multiplied by lora_alpha / lora_rank. 32: TRL's ModelConfig.
        lora_dropout: share of the adapter's inputs set to 0 in training. 0.05: TRL's ModelConfig.
        lora_layers: which matrices get an adapter: "all-linear" (all but the output layer), or names of modules joined by commas.
        epochs: passes over the data, fractions allowed. None without ``steps`` too: 1, our assumption.
        steps: updates of the weights, in place of ``epochs``.
        batch: examples of one device in one forward pass.
        accumulate: forward passes whose gradients make one step.
        step_size: the largest learning rate. 2e-5 is for large models; LoRA wants about 10 times more (TRL's advice), a model
            of a million weights some 100 times more (our assumption).
        schedule: how the learning rate goes from ``step_size`` to ``floor`` x ``step_size``. TRL's is linear; cosine is the
            papers' of issue 4.
        floor: the last learning rate, as a share of ``step_size``.
        warmup: share of the steps in which the learning rate climbs in equal stairs to ``step_size``. 0.05: our assumption.
        optimizer: "adamw", or one of genlab's updates: "sgd" (gradient descent on a batch), "polyak", "nesterov".
        weight_decay: each step first multiplies matrices (never biases and norms) by 1 - learning rate x weight_decay.
        betas: memory of AdamW's two moments.
        momentum: memory of polyak and nesterov; no other optimizer reads it. 0.9: PyTorch's examples.
        clip: gradients longer than this (2-norm over all weights) are shortened to it; 0 never.
        max_length: tokens; what is longer is cut at the end, and an example without anything left to learn is dropped.
        assistant_only: loss on the assistant's turns alone (on the completion, where data are prompt and completion), else on
            every token. True: what a chat model is trained for; TRL's default is False.
        by_length: examples of like length share a batch, which saves padding. TRL's default is False.
        precision: "float32", or "bfloat16": products in bfloat16, trained weights in float32, LoRA's frozen ones in bfloat16.
        recompute: activation checkpointing: less memory for about 20% more time (TRL's figure). TRL's default is True.
        seed: of the order of examples, of LoRA's first weights and of dropout.
        save_every: steps between two checkpoints; 0 keeps one at Ctrl-C only.

    Raises:
        ValueError: a value out of range; the message says which and what is right.

    >>> Recipe("students/base", steps=200, step_size=1e-3).passes
    200
    >>> Recipe("students/base", method="qlora")
    Traceback (most recent call last):
    ...
    ValueError: method is full or lora, got 'qlora'
    """

    model: str
    revision: str | None = None
    method: Literal["full", "lora"] = "full"
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.05
    lora_layers: str = "all-linear"
    epochs: float | None = None
    steps: int | None = None
    batch: int = 8
    accumulate: int = 1
    step_size: float = 2e-5
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    floor: float = 0.0
    warmup: float = 0.05
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.9
    clip: float = 1.0
    max_length: int = 1024
    assistant_only: bool = True
    by_length: bool = True
    precision: Literal["float32", "bfloat16"] = "float32"
    recompute: bool = False
    seed: int = 0
    save_every: int = 500

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("model wants a Hugging Face folder or a name on the hub, got nothing")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {', '.join(known[:-1])} or {known[-1]}, got {getattr(self, name)!r}")
        if self.epochs is not None and self.steps is not None:
            raise ValueError(f"give epochs or steps, not both: got epochs={self.epochs:g} and steps={self.steps}")
        for name in ("lora_rank", "lora_alpha", "steps", "batch", "accumulate", "max_length"):
            _within(name, getattr(self, name), 1, math.inf, "a whole number from 1", whole=True)
        for name in ("seed", "save_every"):
            _within(name, getattr(self, name), 0, math.inf, "a whole number from 0", whole=True)
        for name in ("epochs", "step_size"):
            _within(name, getattr(self, name), math.nextafter(0, 1), math.inf, "above 0")
        for name in ("lora_dropout", "momentum"):
            _within(name, getattr(self, name), 0, math.nextafter(1, 0), "from 0 to below 1")
        for name in ("warmup", "floor"):
            _within(name, getattr(self, name), 0, 1, "a share from 0 to 1")
        for name in ("weight_decay", "clip"):
            _within(name, getattr(self, name), 0, math.inf, "at least 0")
        if [0 <= beta < 1 for beta in self.betas] != [True, True]:
            raise ValueError(f"betas are two numbers from 0 to below 1, got {self.betas}")

    @property
    def source(self) -> str:
        """Where the model is loaded from: its folder for a student that ships with genlab, else ``model``."""
        from genlab.students.places import shipped

        return str(shipped().get(self.model, self.model))

    @property
    def passes(self) -> float:
        """Steps where ``steps`` is set, else epochs."""
        return self.steps if self.steps is not None else self.epochs if self.epochs is not None else 1.0

    def count(self, examples: int, processes: int = 1) -> int:
        """Steps that this recipe takes over so many examples.

        >>> Recipe("base", epochs=2, batch=8).count(100)
        25
        """
        if self.steps is not None:
            return self.steps
        return math.ceil(self.met(examples) / (self.batch * self.accumulate * processes))

    def met(self, examples: int, processes: int = 1) -> int:
        """Examples that the steps read, those of later passes counted again.

        >>> Recipe("base", epochs=1.1).met(40), Recipe("base", steps=3, batch=8).met(40)
        (44, 24)
        """
        if self.steps is not None:
            return self.steps * self.batch * self.accumulate * processes
        return max(1, round(self.passes * examples))

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of ``step`` (from 0) of ``steps``.

        >>> recipe = Recipe("base", step_size=1.0, warmup=0.5, schedule="linear")
        >>> [recipe.rate(step, 8) for step in range(8)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]
        """
        climbing = round(self.warmup * steps)
        if step < climbing:
            return self.step_size * (step + 1) / climbing
        done = min(1.0, (step - climbing) / max(1, steps - climbing))
        if self.schedule == "constant":
            return self.step_size
        share = 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
        return self.step_size * (self.floor + (1 - self.floor) * share)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self) | {"betas": list(self.betas)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe that ``to_json`` wrote."""
        return cls(**{**values, "betas": tuple(values["betas"])})


def _within(name: str, value: Any, least: float, most: float, right: str, *, whole: bool = False) -> None:
    if value is None:
        return
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or math.isinf(value):
        raise ValueError(f"{name} is {right}, got {value!r}")
