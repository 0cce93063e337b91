"""What a fine-tuning leaves: an ordinary Hugging Face folder, and beside it LoRA's adapter."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from genlab.finetuning.folder import Folder, write_json
from genlab.finetuning.recipe import Recipe

if TYPE_CHECKING:
    from genlab.finetuning.trainer import Trainer

CARD = """---
library_name: transformers
tags: [{tags}]
---

A fine-tuned model: `{model}`, trained by [TRL](https://huggingface.co/docs/trl) through genlab ({method}, {steps} steps). The
recipe, and hashes of the data and of the starting model, stand in `recipe.json` beside this folder:

```json
{recipe}
```
"""


def keep(recipe: Recipe, folder: Folder, trainer: "Trainer") -> None:
    """Write adapter and model. Every process calls this, since the weights of a sharded model are gathered."""
    final = folder.adapter if recipe.method == "lora" else folder.model
    draft = folder.draft(final)
    trainer.accelerator.wait_for_everyone()
    trainer.save_model(str(draft))
    trainer.accelerator.wait_for_everyone()
    if not folder.writes:
        return
    finish(draft, recipe, trainer.state.global_step)
    folder.publish(final)
    if recipe.method == "lora":
        merged = folder.draft(folder.model)
        _merge(recipe, folder.adapter, merged)
        finish(merged, recipe, trainer.state.global_step)
        folder.publish(folder.model)


def _merge(recipe: Recipe, adapter: Path, place: Path) -> None:
    """The starting model with the adapter added to its weights."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32
    base = AutoModelForCausalLM.from_pretrained(recipe.source, revision=recipe.revision, dtype=dtype, use_safetensors=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")  # else PEFT merges an untrained adapter
        adapted = PeftModel.from_pretrained(base, str(adapter))
    adapted.merge_and_unload().save_pretrained(place)
    AutoTokenizer.from_pretrained(adapter).save_pretrained(place)


def finish(draft: Path, recipe: Recipe, steps: int) -> None:
    """Drop what only Trainer reads, write the card, and let the model sample.

    A generation_config.json without do_sample makes ``transformers serve`` answer greedily whatever temperature is asked for.
    """
    (draft / "training_args.bin").unlink(missing_ok=True)
    settings = draft / "generation_config.json"
    if settings.is_file():
        known = json.loads(settings.read_text())
        if "do_sample" not in known:
            write_json(settings, known | {"do_sample": True})
    tags = ", ".join(["genlab", "trl", "sft", *(["lora"] if recipe.method == "lora" else [])])
    said = json.dumps(recipe.to_json(), indent=1)
    (draft / "README.md").write_text(
        CARD.format(tags=tags, model=recipe.model, method=recipe.method, steps=steps, recipe=said), encoding="utf-8"
    )
