"""The transformer beside torch's own layers, its causality, its draws, and the losses of rows of tokens."""

import math

import pytest
import torch
from torch import Tensor, nn

from genlab.training.layers import LayerNorm
from genlab.training.losses import correct, cross_entropy, half_squared_error
from genlab.training.networks import build, parameter_count
from genlab.training.problem import Problem

NETWORK, TOKENS, VOCABULARY = "transformer-depth2-width12-heads3", 7, 11


def made(network: str = NETWORK, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    return build(network, inputs=(TOKENS,), outputs=VOCABULARY, seed=seed, dtype=dtype)


def rows(examples: int = 5, tokens: int = TOKENS) -> Tensor:
    return torch.randint(VOCABULARY, (examples, tokens), generator=torch.Generator().manual_seed(1))


def by_torch(built: nn.Sequential, text: Tensor) -> Tensor:
    """The same function by torch's own encoder layers, which attend, normalise and add by other code."""
    named = dict(built.state_dict())
    width, heads = 12, 3
    x = nn.functional.embedding(text, named["0.token.weight"]) + named["0.position.weight"][: text.shape[1]]
    mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1], dtype=x.dtype)
    for block in (1, 2):
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0, activation="gelu", batch_first=True, norm_first=True, dtype=x.dtype
        )
        names = {
            "norm1": "attention.0",
            "self_attn.in_proj_": "attention.1.looks",
            "self_attn.out_proj": "attention.1.mixes",
            "norm2": "feedforward.0",
            "linear1": "feedforward.1",
            "linear2": "feedforward.3",
        }
        layer.load_state_dict(
            {
                f"{theirs}{'' if theirs.endswith('_') else '.'}{kind}": named[f"{block}.{ours}.{kind}"]
                for theirs, ours in names.items()
                for kind in ("weight", "bias")
            }
        )
        x = layer(x, src_mask=mask)
    x = nn.functional.layer_norm(x, (width,), named["3.weight"], named["3.bias"])
    logits: Tensor = x @ named["4.weight"].T + named["4.bias"]
    return logits


@pytest.mark.parametrize("tokens", [1, 4, TOKENS])
def test_the_transformer_is_torchs_with_norms_first(tokens: int) -> None:
    built, text = made(), rows(tokens=tokens)
    assert built(text).shape == (5, tokens, VOCABULARY)
    assert torch.allclose(built(text), by_torch(built, text), rtol=1e-10, atol=1e-12)


def test_no_output_depends_on_a_later_token() -> None:
    built, text = made(), rows()
    for place in range(TOKENS):
        changed = text.clone()
        changed[:, place:] = (changed[:, place:] + 1) % VOCABULARY
        before, after = built(text), built(changed)
        assert torch.equal(before[:, :place], after[:, :place])
        assert not torch.allclose(before[:, place], after[:, place])


def test_every_earlier_token_counts() -> None:
    built, text = made(), rows()
    for place in range(TOKENS - 1):
        changed = text.clone()
        changed[:, place] = (changed[:, place] + 1) % VOCABULARY
        assert not torch.allclose(built(text)[:, -1], built(changed)[:, -1])


def test_weights_are_torchs_default_draws_in_the_order_of_the_layers() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        plain: list[nn.Embedding | nn.Linear] = [nn.Embedding(VOCABULARY, 12), nn.Embedding(TOKENS, 12)]
        for _ in range(2):
            plain += [nn.Linear(12, 36), nn.Linear(12, 12), nn.Linear(12, 48), nn.Linear(48, 12)]
        plain += [nn.Linear(12, VOCABULARY)]
    built = made(seed=4, dtype=torch.float32)
    drawn = [each for each in built.modules() if isinstance(each, nn.Embedding | nn.Linear)]
    assert len(drawn) == len(plain)
    for mine, yours in zip(drawn, plain, strict=True):
        assert all(torch.equal(one, two) for one, two in zip(mine.parameters(), yours.parameters(), strict=True))


@pytest.mark.parametrize(
    ("network", "depth", "width"), [(NETWORK, 2, 12), ("transformer-depth1-width8", 1, 8), ("transformer", 2, 200)]
)
def test_parameters_are_counted_by_hand(network: str, depth: int, width: int) -> None:
    block = 2 * 2 * width + width * 3 * width + 3 * width + width * width + width + 2 * 4 * width * width + 5 * width
    assert parameter_count(made(network)) == (
        (VOCABULARY + TOKENS) * width + depth * block + 2 * width + width * VOCABULARY + VOCABULARY
    )


def test_plain_layer_norm_is_torchs_and_has_right_third_derivatives() -> None:
    mine, theirs = LayerNorm(6).double(), nn.LayerNorm(6, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(4, 3, 6, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        for one, two in zip(mine.parameters(), theirs.parameters(), strict=True):
            two.copy_(one.copy_(torch.randn(6, generator=generator, dtype=torch.float64)))
    assert torch.allclose(mine(inputs), theirs(inputs), rtol=1e-12, atol=1e-12)

    def second(x: Tensor) -> Tensor:
        (first,) = torch.autograd.grad(mine(x).sin().sum(), x, create_graph=True)
        (bent,) = torch.autograd.grad(first.square().sum(), x, create_graph=True)
        return bent.square().sum()

    point = inputs[0, :1].clone().requires_grad_()
    (third,) = torch.autograd.grad(second(point), point)
    for place in range(6):
        step = torch.zeros_like(point)
        step[0, place] = 1e-5
        ahead, behind = (second((point + sign * step).detach().requires_grad_()).item() for sign in (1, -1))
        assert third[0, place].item() == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (torch.zeros(2, 7), r"integer tokens of shape \(example, token\), got torch.float32 of shape \(2, 7\): use data like"),
        (torch.zeros(7, dtype=torch.int64), r"got torch.int64 of shape \(7,\)"),
        (torch.zeros(2, 8, dtype=torch.int64), r"this transformer has 7 positions, got 8 tokens"),
    ],
)
def test_inputs_that_are_no_rows_of_tokens_say_what_would_be(inputs: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made()(inputs)


@pytest.mark.parametrize(
    ("network", "tokens", "said"),
    [
        ("fc-tanh", True, "are tokens: use a network like transformer"),
        (NETWORK, False, "are none: use data like grammar-200"),
    ],
)
def test_networks_and_data_of_different_kinds_are_refused(network: str, tokens: bool, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(network, inputs=(TOKENS,), outputs=VOCABULARY, seed=0, tokens=tokens)
    build(network, inputs=(TOKENS,), outputs=VOCABULARY, seed=0, tokens=not tokens)


# --- losses of rows of tokens -----------------------------------------------------------------------------------------


def test_ce_of_tokens_is_the_mean_over_all_tokens() -> None:
    built, text = made(), rows(tokens=TOKENS + 1)
    problem = Problem(built, cross_entropy, text[:, :-1], text[:, 1:], physical_batch=2)
    slope = problem.slope(problem.weights())
    outputs = built(text[:, :-1])
    logs = outputs - outputs.exp().sum(dim=-1, keepdim=True).log()
    by_hand = -sum(logs[i, t, text[i, t + 1]].item() for i in range(5) for t in range(TOKENS)) / (5 * TOKENS)
    assert slope.loss == pytest.approx(by_hand, rel=1e-12)
    whole = nn.functional.cross_entropy(outputs.flatten(0, 1), text[:, 1:].flatten())
    plain = torch.cat([each.reshape(-1) for each in torch.autograd.grad(whole, list(built.parameters()))])
    assert torch.allclose(slope.gradient, plain, rtol=1e-9, atol=1e-13)
    right = (outputs.argmax(dim=-1) == text[:, 1:]).double().mean().item()
    assert slope.accuracy == pytest.approx(right, rel=1e-6)


def test_accuracy_of_tokens_is_a_share() -> None:
    text = rows(tokens=6)
    sure = nn.functional.one_hot(text, VOCABULARY).double()
    for wrong in range(7):
        outputs = sure.clone()
        outputs[0, :wrong] = -outputs[0, :wrong]
        count = correct(outputs, text)
        assert count is not None
        assert count.item() / len(text) == pytest.approx(1 - wrong / 30, rel=1e-6)


def test_ce_of_an_untrained_guess_is_the_log_of_the_vocabulary() -> None:
    text = rows()
    assert cross_entropy(torch.zeros(5, TOKENS, VOCABULARY), text).tolist() == pytest.approx([math.log(VOCABULARY)] * 5)


@pytest.mark.parametrize(
    ("outputs", "targets"), [((5, 7, 11), (5,)), ((5, 7, 11), (5, 6)), ((5, 11), (5, 7)), ((5, 11), (4,)), ((5, 11), (5, 11))]
)
def test_ce_refuses_targets_of_another_shape(outputs: tuple[int, ...], targets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"ce wants one label for each of the outputs .*got"):
        cross_entropy(torch.zeros(outputs), torch.zeros(targets, dtype=torch.int64))


def test_mse_refuses_tokens() -> None:
    with pytest.raises(ValueError, match="tokens take ce"):
        half_squared_error(torch.zeros(5, TOKENS, VOCABULARY), rows())
