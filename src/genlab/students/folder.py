"""A small language model as an ordinary Hugging Face folder: a tokenizer learned from lines, weights keyed by a seed, a card.

Nothing about such a folder is special: transformers, TRL, ``transformers serve`` and Inspect's ``hf/`` load it as it is.
"""

import copy
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from genlab import chance
from genlab.students.quiet import without_bars

PAD, USER, ASSISTANT, END = SPECIAL = ("<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")
SPREAD = 0.05  # of initial weights; measured: at these widths transformers' 0.02 learns more slowly
TEMPLATE = (  # a system message stands as a turn of its own; the generation block marks what assistant_only_loss trains on
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|user|>{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer(lines: Iterable[str], *, size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer in which frequent words of the lines are one token, with a chat template.

    Any text can be encoded and comes back as it was. A conversation is ``<|user|>…<|assistant|>…<|end|>``, with no line
    breaks and no token that begins a text.

    Args:
        lines: to learn from.
        size: tokens at most, special ones and the 256 bytes among them; few lines give fewer.

    Raises:
        ValueError: the size has no room for the bytes, or there are no lines.
    """
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    least = len(alphabet) + len(SPECIAL)
    if size < least:
        raise ValueError(
            f"a vocabulary of {size} has no room for the 256 bytes and {len(SPECIAL)} special tokens: at least {least}"
        )
    kept = list(lines)
    if not any(kept):
        raise ValueError("no line to learn a tokenizer from")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        kept,
        trainers.BpeTrainer(vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False),
    )
    found = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, additional_special_tokens=[USER, ASSISTANT]
    )
    found.chat_template = TEMPLATE
    return found


def make(
    folder: str | Path,
    tokenizer: PreTrainedTokenizerFast,
    *,
    width: int,
    layers: int,
    heads: int,
    seed: int,
    positions: int = 512,
    about: str = "An untrained model: its weights are chance.",
    command: str = "",
) -> None:
    """Write a folder with an untrained Llama and its tokenizer; equal arguments give equal files.

    Args:
        folder: made where it is not there.
        tokenizer: its ``<|end|>`` ends a reply.
        width: of the hidden state, a multiple of twice the number of heads.
        layers: how many.
        heads: of attention, in each.
        seed: keys the weights; the caller's own random state stays what it is.
        positions: tokens that a prompt and its reply have together at most.
        about: for the model card, what this model is.
        command: for the model card, what to type to make the folder again.

    Raises:
        ValueError: sizes that make no model.
    """
    if min(width, layers, heads, positions) < 1 or width % (2 * heads):
        raise ValueError(
            f"width {width}, layers {layers}, heads {heads}, positions {positions}: each at least 1, and the width a multiple of "
            f"twice the heads ({2 * heads})"
        )
    kept = copy.deepcopy(tokenizer)
    kept.model_max_length = positions
    ids = {"pad_token_id": kept.pad_token_id, "eos_token_id": kept.eos_token_id, "bos_token_id": None}
    config = LlamaConfig(
        vocab_size=len(kept),
        hidden_size=width,
        intermediate_size=max(8, int(width * 8 / 3) // 8 * 8),  # Touvron et al. 2023: 2/3 of 4 widths, here to a multiple of 8
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        initializer_range=SPREAD,
        **ids,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chance.number("student weights", seed))
        model = LlamaForCausalLM(config)
    # Where do_sample is false, `transformers serve` ignores a request's temperature; an unset top_k would mean 50.
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True, temperature=1.0, top_p=1.0, top_k=0, **ids
    )
    with without_bars():
        model.save_pretrained(str(folder))
    kept.save_pretrained(str(folder))
    card(folder, about=about, seed=seed, command=command)


def card(folder: str | Path, *, about: str, seed: int, command: str, license: str = "") -> None:
    """Write the model card of a model's folder, ``README.md``, with the head that the hub reads.

    Args:
        folder: of the model.
        about: what the model is, in Markdown.
        seed: keys its weights and its training.
        command: what to type to make it again.
        license: its name on the hub; "" leaves it out.
    """
    import yaml

    config = LlamaConfig.from_pretrained(str(folder))
    head = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["genlab", "skill-mix"]}
    if license:
        head["license"] = license
    remade = f"\nMade again by:\n\n```console\n{command}\n```\n" if command else ""
    sizes = f"{config.num_hidden_layers} layers of width {config.hidden_size} with {config.num_attention_heads} heads"
    (Path(folder) / "README.md").write_text(
        f"---\n{yaml.safe_dump(head)}---\n\n# {Path(folder).resolve().name}\n\n{about}\n\n"
        f"A Llama of {sizes}, a vocabulary of {config.vocab_size} tokens and {config.max_position_embeddings} positions; seed "
        f"{seed}. A conversation is `<|user|>…<|assistant|>…<|end|>`; the chat template writes it.\n{remade}",
        "utf-8",
    )
