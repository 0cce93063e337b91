"""What trains: model, tokens and arguments of a recipe, put together."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from genlab import chance
from genlab.finetuning import conversations, sharded
from genlab.finetuning.folder import Folder
from genlab.finetuning.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback

    from genlab.finetuning.trainer import Trainer


def arguments(recipe: Recipe, out: Path, device: str) -> Any:
    """TRL's SFTConfig for a recipe; it also joins the processes of a parallel run.

    Raises:
        ValueError: what ``accelerate launch`` asks for cannot be kept, see ``sharded.heed``.
    """
    sharded.heed(recipe)
    from trl import SFTConfig  # type: ignore[attr-defined]  # its names are found lazily

    names = {each.name for each in dataclasses.fields(SFTConfig)}
    word = "activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing"  # in older ones
    recompute: dict[str, Any] = {word: recipe.recompute}
    arguments = SFTConfig(
        output_dir=str(Folder(out).checkpoints),
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        num_train_epochs=1,  # the order of examples holds all passes
        train_sampling_strategy="sequential",
        max_grad_norm=recipe.clip,
        max_length=recipe.max_length,
        bf16=recipe.precision == "bfloat16",
        **recompute,
        seed=chance.number("finetuning", recipe.seed) % 2**32,
        use_cpu=device == "cpu",
        report_to="none",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="no",  # the recorder says when
        save_total_limit=2,
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available() and device != "cpu",
        ddp_find_unused_parameters=False,
    )
    sharded.refuse_if_whole(arguments.distributed_state)
    return arguments


def trainer(recipe: Recipe, data: "Dataset", arguments: Any, callbacks: "list[TrainerCallback]") -> "Trainer":
    """The trainer of a recipe, with the data tokenised.

    Raises:
        ValueError: no such model, no chat template where one is needed, or nothing to learn.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.trainer_callback import PrinterCallback

    from genlab.finetuning.trainer import Trainer

    known = Path(recipe.source)
    if known.exists() and not (known / "config.json").is_file():
        raise ValueError(f"{recipe.model} is no model's folder: it holds no config.json")
    half = recipe.precision == "bfloat16" and recipe.method == "lora"
    try:
        tokenizer = AutoTokenizer.from_pretrained(recipe.source, revision=recipe.revision)
        model = AutoModelForCausalLM.from_pretrained(
            recipe.source, revision=recipe.revision, dtype=torch.bfloat16 if half else torch.float32, use_safetensors=True
        )
    except OSError as error:
        raise ValueError(f"{recipe.model} is no folder here, nor a model that the hub would give: {error}") from error
    data, arguments.assistant_only_loss = markable(recipe, data, tokenizer)
    arguments.completion_only_loss = recipe.assistant_only and "prompt" in data.column_names
    trainer = Trainer(
        recipe,
        model=model,
        args=arguments,
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=lora(recipe) if recipe.method == "lora" else None,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    prepared: Any = trainer.train_dataset
    if not len(prepared):
        raise ValueError(f"no example has anything to learn within max_length={recipe.max_length} tokens: raise it")
    longest, positions = max(len(ids) for ids in prepared["input_ids"]), getattr(model.config, "max_position_embeddings", None)
    if positions is not None and longest > positions:
        raise ValueError(
            f"the longest example has {longest} tokens, and {recipe.model} has {positions} positions: lower max_length"
        )
    return trainer


def markable(recipe: Recipe, data: "Dataset", tokenizer: Any) -> "tuple[Dataset, bool]":
    """The data, and whether TRL finds the assistant's turns in them: by the template's marks, its own or those TRL knows."""
    from trl.chat_template_utils import get_training_chat_template

    conversational = "messages" in data.column_names or not isinstance(data[0]["prompt"], str)
    if conversational and tokenizer.chat_template is None:
        raise ValueError(
            f"{recipe.model} has no chat template, and the data are conversations: give prompt and completion as texts"
        )
    if not recipe.assistant_only or not conversational:
        return data, False
    try:
        get_training_chat_template(tokenizer)
    except ValueError:  # TRL does not know this template
        return (conversations.labelled(data, tokenizer) if "messages" in data.column_names else data), False
    return data, True


def lora(recipe: Recipe) -> Any:
    """PEFT's configuration of the recipe's adapter."""
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=recipe.lora_layers if recipe.lora_layers == "all-linear" else recipe.lora_layers.split(","),
        task_type="CAUSAL_LM",
    )
