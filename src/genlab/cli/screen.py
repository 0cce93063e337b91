"""Where the command line writes to, and how the caller's mistakes end: with one line, not with a traceback."""

import contextlib
import sys
from collections.abc import Iterator

import typer
from rich.console import Console

FAILED, USAGE, INTERRUPTED = 1, 2, 130
PIPE_WIDTH = 160  # characters, where no terminal says how wide it is
EXTRAS = {  # what to install where a package is missing
    **dict.fromkeys(("torch", "jaxtyping", "sklearn", "PIL"), ("this study trains networks", "train")),
    "ray": ("this runs on a Ray cluster", "ray"),
    **dict.fromkeys(("inspect_ai", "openai"), ("this asks language models through Inspect", "llm")),
    **dict.fromkeys(
        ("transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "huggingface_hub"),
        ("this trains or runs language models here", "sft"),
    ),
    **{name: (f"--mirror {name} copies to a tracker", name) for name in ("tensorboard", "wandb", "mlflow", "trackio")},
}

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(highlight=False, soft_wrap=True, stderr=True)


@contextlib.contextmanager
def usage(code: int = USAGE) -> Iterator[None]:
    """The caller's mistakes end with one line and an exit code."""
    from genlab.results.store import StoreError

    try:
        yield
    except (ValueError, StoreError) as error:
        err.print(f"Error: {error}", style="red", markup=False)
        raise typer.Exit(code) from error
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        what, extra = EXTRAS[missing]
        err.print(f"Error: {what}. Install what it needs: pip install 'genlab[{extra}]'", style="red", markup=False)
        raise typer.Exit(USAGE) from error
