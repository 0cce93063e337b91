"""Run jobs of fine-tuning under FSDP2, each by two processes of this machine: ``python sharding.py jobs.json``.

The one seam: accelerate 1.15 shards where processes have GPUs or the like, and leaves CPU processes whole (state.py: FSDP's
branch asks for MULTI_GPU and its kin, and MULTI_CPU is none of them). torch's ``fully_shard`` has no such limit. So
``cpus_may_shard`` tells accelerate that processes which have joined over gloo are of a kind that may shard. What follows is
the real thing: the environment that ``accelerate launch`` sets, accelerate's preparation, torch's FSDP2, TRL's trainer.

The processes are forked after the imports, which cost more than a job. A job is {"out", "recipe", "train"} and, if wanted,
"stop" (Ctrl-C in process 1 after so many steps), "sharpness", and "name", under which both processes write what they saw.
"""

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

FLAGS = ["--use_fsdp", "--fsdp_version", "2", "--fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP", "--num_processes", "2"]
FLAGS += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]


def cpus_may_shard() -> None:
    """The seam: see above."""
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType

    join = PartialState.__init__

    def joined(self: Any, *arguments: Any, **options: Any) -> None:
        join(self, *arguments, **options)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = joined


def environment(rank: int, port: int) -> dict[str, str]:
    """What ``accelerate launch`` and torchrun tell a process."""
    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils.launch import prepare_multi_gpu_env

    told: dict[str, str] = prepare_multi_gpu_env(launch_command_parser().parse_args([*FLAGS, "script.py"]))
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    return told | {name: str(value) for name, value in place.items()} | {"MASTER_ADDR": "127.0.0.1"}


def work(rank: int, port: int, job: dict[str, Any]) -> None:
    from transformers import TrainerCallback

    from genlab.finetuning.recipe import Recipe
    from genlab.finetuning.run import finetune
    from genlab.finetuning.sharpness import Sharpness

    os.environ.update(environment(rank, port))
    cpus_may_shard()
    saw: dict[str, Any] = {}

    class Look(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            weights = list(others["model"].parameters())
            saw["kinds"] = sorted({type(each).__name__ for each in weights})
            saw["all"] = sum(each.numel() for each in weights)
            saw["held"] = sum(getattr(each, "to_local", lambda whole=each: whole)().numel() for each in weights)

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if rank == 1 and state.global_step == job.get("stop"):
                os.kill(os.getpid(), signal.SIGINT)

    callbacks = [Look(), *([Sharpness(every=2)] if job.get("sharpness") else [])]
    try:
        outcome = finetune(Recipe(**job["recipe"]), job["out"], train=job["train"], device="cpu", callbacks=callbacks)
        saw |= {"losses": [loss for _, loss in outcome.losses], "tokens": outcome.tokens, "diverged_at": outcome.diverged_at}
    except (Exception, KeyboardInterrupt) as error:
        saw["error"] = "".join(traceback.format_exception_only(error)).strip()
        saw["trace"] = traceback.format_exc()
    Path(f"{job.get('name', job['out'])}.{rank}.json").write_text(json.dumps(saw))


def main(jobs: list[dict[str, Any]]) -> None:
    import torch.multiprocessing
    from trl import SFTTrainer  # type: ignore[attr-defined]  # noqa: F401  # found once, before the fork

    import genlab.finetuning.run  # noqa: F401

    processes: Any = torch.multiprocessing
    for job in jobs:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        processes.start_processes(work, (port, job), nprocs=2, start_method="fork")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
