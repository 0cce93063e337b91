import pytest
import torch
from torch import Tensor, nn

from genlab.probes.hessian import Hessian
from genlab.training.losses import cross_entropy
from genlab.training.parameters import Choice
from genlab.training.problem import Problem

DOUBLE = torch.float64


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def problem(module: nn.Module, parameters: Choice | None = None) -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(11, 4, generator=generator, dtype=DOUBLE)
    return Problem(module, cross_entropy, inputs, torch.arange(11) % 3, 4, parameters=parameters)


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ("4.*", ("4.weight", "4.bias")),
        ("2.bias", ("2.bias",)),
        (["4.weight", "0.*"], ("0.weight", "0.bias", "4.weight")),  # in the order of the module
        (lambda name: name.endswith("bias"), ("0.bias", "2.bias", "4.bias")),
        ("*", ("0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias")),
    ],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_choice_has_the_block_of_the_whole_hessian(parameters: Choice, names: tuple[str, ...], frozen: bool) -> None:
    module = network()
    whole = problem(module)
    dense = Hessian(whole, whole.weights()).dense()
    module.requires_grad_(not frozen)  # a choice is made among frozen parameters too
    part = problem(module, parameters)
    assert part.names == names
    places = torch.cat(
        [
            place
            for name, place in zip(whole.names, whole.split(torch.arange(len(dense)).double()), strict=True)
            for place in [place.reshape(-1)]
            if name in names
        ]
    ).long()
    assert torch.equal(part.weights(), whole.weights()[places] if not frozen else part.weights())
    assert torch.allclose(Hessian(part, part.weights()).dense(), dense[places][:, places], rtol=1e-12, atol=1e-14)
    assert part.score(part.weights()) == problem(module, "*").score(problem(module, "*").weights())


def test_what_is_not_chosen_is_not_differentiated() -> None:
    last = problem(network(), "4.*")
    assert last.activation_bytes < problem(network()).activation_bytes / 2


def test_a_reading_follows_the_parameters_that_were_not_chosen() -> None:
    module = network()
    last = problem(module, "4.*")
    before = last.score(last.weights()).loss
    with torch.no_grad():
        next(module.parameters()).mul_(3)
    assert last.score(last.weights()).loss != before


def test_any_name_of_a_shared_parameter_chooses_it() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.head = nn.Embedding(6, 3, dtype=DOUBLE), nn.Linear(3, 6, bias=False, dtype=DOUBLE)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            outputs: Tensor = self.head(self.embedding(tokens).tanh())
            return outputs

    module, tokens = Tied(), torch.arange(6)
    found = Problem(module, cross_entropy, tokens, tokens.flip(0), parameters="head.*")
    assert found.names == ("embedding.weight",)

    def plainly(vector: Tensor) -> Tensor:
        matrix = vector.view(6, 3)
        return nn.functional.cross_entropy(matrix.tanh() @ matrix.T, tokens.flip(0))

    at = found.weights() + 0.1
    dense = torch.autograd.functional.hessian(plainly, at)
    assert torch.allclose(Hessian(found, at).dense(), dense, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("4.wieght", r"no parameter is named '4.wieght': near it are '4.weight'"),
        (["0.*", "head.*"], r"no parameter is named 'head\.\*': .*Patterns are the shell's"),
        ([], r"parameters=\(\) chooses no parameter"),
        (lambda name: False, r"true of none of the 6 parameters, among them '0.weight', .* and 1 more"),
    ],
)
def test_a_choice_of_nothing_is_refused(parameters: Choice, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        problem(network(), parameters)
