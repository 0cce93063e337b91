"""Models sharded over processes: what ``accelerate launch`` asks for, and what of it is refused because genlab cannot keep it.

The launcher speaks through the environment of each process, before anything else does.
"""

import os
from collections.abc import Mapping
from typing import Any

from genlab.finetuning.recipe import Recipe

STATE_DICT_TYPE = "FSDP_STATE_DICT_TYPE"
REFUSED = {
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "accelerate's parallelism config",
}
PRECISION = {"float32": "no", "bfloat16": "bf16"}  # the recipe's word, and accelerate's


def heed(recipe: Recipe) -> None:
    """Refuse what the launcher asks for and genlab cannot keep; to be called before processes join.

    Where nobody has chosen, checkpoints of a sharded run are whole (``FULL_STATE_DICT``). accelerate's own choice for FSDP2 is
    ``SHARDED_STATE_DICT``, torch.distributed.checkpoint's format, whose reader runs pickles: ``.metadata`` by ``pickle.load``,
    plain values by ``torch.load(weights_only=False)`` (torch 2.13, filesystem.py and default_planner.py).

    Raises:
        ValueError: DeepSpeed, Megatron-LM, a parallelism config, FSDP1, checkpoints in pickles, or a precision or activation
            checkpointing that the recipe does not know of; the message says what to type.
    """
    for name, what in REFUSED.items():
        if _on(name):
            raise ValueError(f"genlab does not train with {what}: take --use_fsdp --fsdp_version 2 (see docs/finetuning.md)")
    mixed, own = os.environ.get("ACCELERATE_MIXED_PRECISION", "no"), PRECISION[recipe.precision]
    if mixed not in ("no", own):
        raise ValueError(
            f"accelerate launch asks for precision {mixed}, and the recipe for {recipe.precision}: give --mixed_precision no "
            "and, where it is meant, --set precision=bfloat16"
        )
    if not asked():
        return
    version = os.environ.get("FSDP_VERSION", "1")
    if version != "2":
        raise ValueError(f"genlab shards with FSDP2, and accelerate launch asks for FSDP{version}: give --fsdp_version 2")
    if _on("FSDP_ACTIVATION_CHECKPOINTING"):  # accelerate 1.15 renames weights by it, and PEFT then loads none of the adapter's
        raise ValueError(
            "the recipe says whether activations are recomputed, not the launcher: give --fsdp_activation_checkpointing false "
            "and, where it is meant, --set recompute=true"
        )
    kind = os.environ.setdefault(STATE_DICT_TYPE, "FULL_STATE_DICT")  # accelerate reads it, for the processes' backend too
    if kind != "FULL_STATE_DICT":
        raise ValueError(
            f"checkpoints as {kind} hold pickles, which genlab does not run: give --fsdp_state_dict_type FULL_STATE_DICT "
            "(fsdp_state_dict_type in accelerate's configuration)"
        )


def asked() -> bool:
    """Whether ``accelerate launch`` asks for FSDP."""
    return _on("ACCELERATE_USE_FSDP")


def refuse_if_whole(processes: Any) -> None:
    """Refuse to train whole what was to be sharded: without GPUs accelerate leaves out FSDP without a word.

    Args:
        processes: accelerate's PartialState, once they have joined.

    Raises:
        ValueError: FSDP was asked for, and the model would not be sharded.
    """
    from accelerate.utils import DistributedType

    if asked() and processes.distributed_type in (DistributedType.NO, DistributedType.MULTI_CPU):
        raise ValueError(
            f"accelerate shards on GPUs, and this run is on {processes.device}: leave out --use_fsdp, or leave out --device cpu"
        )


def without_tied(weights: Mapping[str, Any], network: Any) -> dict[str, Any]:
    """Gathered weights without the second name of a tied matrix, as a model that was never sharded is written."""
    tied = getattr(network, "all_tied_weights_keys", None) or {}
    return {name: each for name, each in weights.items() if not (name in tied and tied[name] in weights)}


def _on(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("1", "true", "yes")
