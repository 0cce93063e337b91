"""A decoder-only transformer language model (Vaswani et al. 2017), made for second derivatives.

Cohen et al. 2021 have a transformer on WikiText-2 which their released code does not build. What is built here is ours, in
the now usual form: norms before the sublayers (Radford et al. 2019), learned positions, GELU, causal attention by plain
matrix products and a softmax (fused attention kernels have no second derivative), no dropout, no tied weights.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from genlab.training.layers import PLACE, LayerNorm, linear

DEPTH, WIDTH, HEADS = 2, 200, 2  # official repository, first commit (667a808), src/nlp_archs.py: nlayers, ninp, nhead
EXPANSION = 4  # hidden units of a block over its width; Vaswani et al. 2017, table 3


class Embedding(nn.Module):
    """Tokens to vectors: one for the token, one for its position, added. Both start from N(0, 1), PyTorch's default."""

    def __init__(self, vocabulary: int, positions: int, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, width, **PLACE)
        self.position = nn.Embedding(positions, width, **PLACE)

    def forward(self, tokens: Int[Tensor, "example token"]) -> Float[Tensor, "example token width"]:
        """The vectors.

        Raises:
            ValueError: inputs that are no rows of integers, or longer than there are positions.
        """
        if tokens.is_floating_point() or tokens.ndim != 2:
            raise ValueError(
                f"a transformer takes integer tokens of shape (example, token), got {tokens.dtype} of shape "
                f"{tuple(tokens.shape)}: use data like grammar-200, text:FILE or wikitext-2-200"
            )
        if tokens.shape[1] > self.position.num_embeddings:
            raise ValueError(
                f"this transformer has {self.position.num_embeddings} positions, got {tokens.shape[1]} tokens in a row"
            )
        vectors: Tensor = self.token(tokens) + self.position.weight[: tokens.shape[1]]
        return vectors


class Attention(nn.Module):
    """Causal self-attention: each token looks at itself and at those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.looks = linear(width, 3 * width)  # queries, keys, values
        self.mixes = linear(width, width)

    def forward(self, inputs: Float[Tensor, "example token width"]) -> Float[Tensor, "example token width"]:
        """softmax(Q K' / sqrt(width of a head)) V, heads side by side, then a linear layer."""
        examples, tokens, width = inputs.shape
        split = self.looks(inputs).view(examples, tokens, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()
        scores = query @ key.transpose(-2, -1) / math.sqrt(width // self.heads)
        future = torch.ones(tokens, tokens, dtype=torch.bool, device=inputs.device).triu(1)
        seen = scores.masked_fill(future, -math.inf).softmax(dim=-1) @ value
        mixed: Tensor = self.mixes(seen.transpose(1, 2).reshape(examples, tokens, width))
        return mixed


class Block(nn.Module):
    """Attention, then two linear layers with GELU between; each reads its normalised input and is added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(LayerNorm(width), Attention(width, heads))
        hidden = [linear(width, EXPANSION * width), nn.GELU(), linear(EXPANSION * width, width)]
        self.feedforward = nn.Sequential(LayerNorm(width), *hidden)

    def forward(self, inputs: Float[Tensor, "example token width"]) -> Float[Tensor, "example token width"]:
        """Inputs with what both sublayers add."""
        attended: Tensor = inputs + self.attention(inputs)
        both: Tensor = attended + self.feedforward(attended)
        return both


def transformer(
    network: str, inputs: tuple[int, ...], outputs: int, *, depth: int = DEPTH, width: int = WIDTH, heads: int = HEADS
) -> nn.Sequential:
    """Tokens (example, token) to logits (example, token, vocabulary): those of the next token, at each place.

    Args:
        network: the id, for errors.
        inputs: (tokens,): the longest row.
        outputs: size of the vocabulary, of inputs and outputs alike.
        depth: blocks.
        width: entries of a token's vector.
        heads: of the attention in each block.

    Raises:
        ValueError: inputs that are no rows of tokens, or a width that its heads cannot share.
    """
    if len(inputs) != 1:
        raise ValueError(
            f"{network!r} needs inputs (tokens,), got {inputs}: use data like grammar-200, text:FILE or wikitext-2-200"
        )
    if width % heads:
        near = max(heads, width // heads * heads)
        raise ValueError(f"{network!r}: {heads} heads cannot share a width of {width}; try -width{near}-heads{heads}")
    embedding = Embedding(outputs, inputs[0], width)
    return nn.Sequential(embedding, *(Block(width, heads) for _ in range(depth)), LayerNorm(width), linear(width, outputs))
