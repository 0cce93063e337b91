"""An untrained causal language model of 130 thousand parameters, as an ordinary Hugging Face folder: real parts, no quality.

python -m tests.evaluation.tiny_model FOLDER
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIAL = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
POSITIONS = 4096


def make(folder: str | Path) -> None:
    """Weights (Llama, random), a byte-level BPE tokenizer learned from the english pack, a chat template, sampling on."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(_lines(), trainers.BpeTrainer(vocab_size=1000, special_tokens=SPECIAL, initial_alphabet=alphabet))
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, pad_token="<|pad|>", bos_token="<|begin|>", eos_token="<|end|>", model_max_length=POSITIONS
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(str(folder))

    torch.manual_seed(0)
    ids = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=True,
            **ids,
        )
    )
    model.generation_config = GenerationConfig(do_sample=True, **ids)  # type: ignore[no-untyped-call]  # or `transformers serve` ignores temperature
    model.save_pretrained(str(folder))


def _lines() -> Iterator[str]:
    from genlab.skills.pack import load

    pack = load("english")
    for skill in pack.skills:
        yield f"{skill.name}: {skill.definition} For example: {skill.example}"
    yield from (topic.name for topic in pack.topics)


if __name__ == "__main__":
    make(sys.argv[1])
