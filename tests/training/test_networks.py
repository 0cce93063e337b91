"""Networks: the paper's parameter counts, its initial weights, and no trace left in anybody's random state."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from genlab.training.networks import ACTIVATIONS, build, ids, parameter_count


def shape(network: str) -> tuple[tuple[int, ...], int]:
    """Inputs and outputs of the data on which the paper trains a network: CIFAR-10 unless said."""
    return {"deeplinear": ((50,), 50), "regression": ((1,), 1)}.get(network, ((3, 32, 32), 10))


def papers(network: str, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    inputs, outputs = shape(network)
    return build(network, inputs=inputs, outputs=outputs, seed=seed, dtype=dtype)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = itertools.zip_longest(one.parameters(), other.parameters())
    return all(torch.equal(mine, yours) for mine, yours in pairs)


@pytest.mark.parametrize("network", ids())
def test_every_listed_id_is_built_and_maps_inputs_to_outputs(network: str) -> None:
    inputs, outputs = shape(network)
    assert papers(network)(torch.zeros(2, *inputs)).shape == (2, outputs)


def test_the_list_of_ids_has_not_drifted() -> None:
    assert len(ids()) == len(set(ids())) == 23
    assert {"fc-softplus", "fc-tanh-depth4", "cnn-elu", "cnn-bn-elu", "vgg11", "vgg11-bn", "resnet32", "regression"} <= set(ids())


@pytest.mark.parametrize(
    ("network", "count"),  # Cohen et al. 2021, official code: counts of its networks on CIFAR-10
    [
        *((f"fc-{name}", 656_810) for name in ACTIVATIONS),
        *((f"cnn-{name}", 30_634) for name in ("relu", "elu", "tanh", "avgpool-relu", "avgpool-elu", "avgpool-tanh")),
        *((f"cnn-bn-{name}", 30_634 + 2 * 2 * 32) for name in ("relu", "elu", "tanh")),
        ("vgg11", 9_750_922),
        ("vgg11-bn", 9_750_922 + 5_504),
        ("resnet32", 464_250),
        ("regression", 300),
        ("deeplinear", 20 * 50 * 50),
    ],
)
def test_parameter_counts_are_the_papers(network: str, count: int) -> None:
    assert parameter_count(papers(network, seed=0)) == count


@pytest.mark.parametrize(
    ("miniature", "whole"),
    [
        ("cnn-bn-elu-width32", "cnn-bn-elu"),
        ("cnn-avgpool-tanh-width32", "cnn-avgpool-tanh"),
        ("resnet32-width16", "resnet32"),
        ("vgg11-bn-width64", "vgg11-bn"),
        ("vgg11-dropout0", "vgg11"),
    ],
)
def test_a_miniature_as_wide_as_the_paper_is_the_papers(miniature: str, whole: str) -> None:
    assert same(papers(miniature, seed=3), papers(whole, seed=3))


@pytest.mark.parametrize(
    ("network", "first"),
    [
        (
            "cnn3-strided-relu-width4",
            [nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()],
        ),
        (
            "cnn3-avgpool-relu-width4",
            [
                *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU()),
                *(nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)),
            ],
        ),
    ],
)
def test_three_stages_halve_the_image_by_strides_or_by_means(network: str, first: list[nn.Module]) -> None:
    for side, flat in ((8, 16), (28, 16 * (16 if "strided" in network else 9))):
        built = build(network, inputs=(1, side, side), outputs=10, seed=0)
        plain = nn.Sequential(*first, nn.Flatten(), nn.Linear(flat, 10))
        plain.load_state_dict(dict(zip(plain.state_dict(), built.state_dict().values(), strict=True)))
        images = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
        assert torch.equal(built(images), plain(images))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [None, 1, 50])
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_depth_and_width_say_how_many_layers_of_how_many_units(depth: int, width: int | None, activation: str) -> None:
    units = width or 200
    network = f"fc-{activation}-depth{depth}" + (f"-width{width}" if width else "")
    expected = (64 + 1) * units + (depth - 1) * (units + 1) * units + (units + 1) * 10
    built = build(network, inputs=(1, 8, 8), outputs=10, seed=0)
    assert parameter_count(built) == expected
    assert [type(layer) for layer in built].count(ACTIVATIONS[activation]) == depth


def test_two_hidden_layers_of_two_hundred_are_the_default() -> None:
    plain = papers("fc-tanh", seed=4)
    assert all(same(plain, papers(f"fc-tanh{rest}", seed=4)) for rest in ("-depth2", "-width200", "-depth2-width200"))


def test_fully_connected_takes_a_single_number_too() -> None:
    assert build("fc-tanh-depth1-width100", inputs=(1,), outputs=1, seed=0)(torch.zeros(20, 1)).shape == (20, 1)


def written_out(network: str) -> nn.Sequential:
    """The same networks spelt layer by layer, in the order in which the official code draws their weights."""
    if network == "fc-elu":
        return nn.Sequential(nn.Flatten(), nn.Linear(3072, 200), nn.ELU(), nn.Linear(200, 200), nn.ELU(), nn.Linear(200, 10))
    if network == "cnn-avgpool-tanh":
        first: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2)]
        second: list[nn.Module] = [nn.Conv2d(32, 32, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2)]
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(2048, 10))
    if network == "cnn-bn-relu":
        first = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(32), nn.MaxPool2d(2)]
        second = [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(32), nn.MaxPool2d(2)]
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(2048, 10))
    if network == "deeplinear":
        layers = []
        for _ in range(20):
            layers.append(nn.Linear(50, 50, bias=False))
            nn.init.xavier_normal_(layers[-1].weight)
        return nn.Sequential(*layers)
    one, two = nn.Linear(1, 100), nn.Linear(100, 1, bias=False)
    nn.init.xavier_normal_(one.weight, gain=1.9)
    nn.init.zeros_(one.bias)
    nn.init.xavier_normal_(two.weight)
    return nn.Sequential(one, nn.Tanh(), two)


@pytest.mark.parametrize("seed", [0, 8])
@pytest.mark.parametrize("network", ["fc-elu", "cnn-avgpool-tanh", "cnn-bn-relu", "deeplinear", "regression"])
def test_weights_and_function_are_those_of_a_plainly_seeded_construction(network: str, seed: int) -> None:
    built = papers(network, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        plain = written_out(network)
        inputs = torch.randn(3, *shape(network)[0])
    assert same(built, plain)
    assert torch.equal(built(inputs), plain(inputs))


def test_seeds_differ_and_repeat() -> None:
    zero, again, one = (papers("cnn-relu", seed=seed) for seed in (0, 0, 1))
    assert same(zero, again)
    assert not same(zero, one)


@pytest.mark.parametrize("network", ["fc-relu", "cnn-tanh", "fc-relu-dropout0.5", "vgg11-bn-width4", "resnet8", "deeplinear"])
def test_the_callers_random_state_is_untouched(network: str) -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)  # noqa: NPY002
    papers(network, seed=123)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_before["state"]["key"])  # noqa: NPY002


@pytest.mark.parametrize("network", ["fc-tanh", "cnn-bn-relu", "vgg11-width4", "resnet8", "deeplinear", "regression"])
def test_float64_starts_from_the_float32_weights(network: str) -> None:
    single, double = papers(network, seed=0), papers(network, seed=0, dtype=torch.float64)
    assert {weight.dtype for weight in double.parameters()} == {torch.float64}
    assert same(single.double(), double)


def test_torchs_default_type_changes_nothing() -> None:
    networks = ("cnn-bn-relu", "vgg11-bn-width4", "vgg16-bn-width1", "resnet8", "resnet18-width2", "transformer-width8")

    def built() -> list[nn.Sequential]:
        return [build(each, inputs=(9,) if "transf" in each else (3, 32, 32), outputs=10, seed=0) for each in networks]

    expected = built()
    torch.set_default_dtype(torch.float64)
    try:
        again = built()
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(same(one, other) for one, other in zip(expected, again, strict=True))
    assert {each.dtype for one in again for each in one.state_dict().values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("network", "nearest"),
    [
        ("fc-tahn", "fc-tanh"),
        ("fc-tanh-depth5", "fc-tanh-depth"),
        ("cnn-avgpol-elu", "cnn-avgpool-elu"),
        ("deep-linear", "deeplinear"),
        ("cnn-bn-reluu", "cnn-bn-relu"),
        ("cnn-avgpool-bn-relu", "cnn-avgpool-relu"),
        ("vgg13", "vgg1"),
        ("resnet", "resnet32"),
        ("transformer-heads2-width8", "transformer"),
        ("cnn-softplus", "fc-softplus"),
        ("fc-tanh-width0", "fc-tanh"),
        ("fc-tanh-width50-depth2", "fc-tanh"),
        ("fc-tanh\n", "fc-tanh"),
        ("regression2", "regression"),
        ("diagonall", "diagonal"),
        ("fc-tanh-dropout1", "fc-tanh"),
        ("fc-tanh-dropout0.5-width50", "fc-tanh"),
    ],
)
def test_an_unknown_id_is_answered_with_the_forms_and_the_nearest(network: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=r"unknown network .*fc-ACT\[-depthD\].*did you mean '" + nearest):
        papers(network, seed=0)


@pytest.mark.parametrize(
    ("network", "inputs", "outputs", "said"),
    [
        ("cnn-relu", (3072,), 10, r"needs inputs \(channels, height, width\).*got \(3072,\)"),
        ("cnn-relu", (1, 8, 3), 10, r"4 pixels a side at least, got \(1, 8, 3\)"),
        ("cnn-bn-relu", (1, 3, 8), 10, r"4 pixels a side at least, got \(1, 3, 8\)"),
        ("vgg11", (1, 8, 8), 10, r"'vgg11' needs images of 32 x 32 pixels.*got \(1, 8, 8\); use data cifar10-5k"),
        ("vgg11-bn-width4", (3, 64, 64), 10, r"'vgg11-bn-width4' needs images of 32 x 32 pixels.*got \(3, 64, 64\)"),
        ("vgg11", (1024,), 10, r"inputs like \(3, 32, 32\), got \(1024,\)"),
        ("resnet32", (3, 3, 32), 10, r"'resnet32' needs inputs \(channels, height, width\), 4 pixels.*got \(3, 3, 32\)"),
        ("resnet32", (3072,), 10, r"got \(3072,\): use an fc-\* network"),
        ("resnet16", (3, 32, 32), 10, r"'resnet16': a resnet has 6 k \+ 2 layers .*got 16; try resnet14"),
        ("resnet18", (1, 8, 4), 10, r"'resnet18' needs inputs .* 8 pixels a side at least, got \(1, 8, 4\)"),
        ("vgg16-width2", (3, 28, 32), 10, r"'vgg16-width2' needs .* 32 pixels a side at least, got \(3, 28, 32\)"),
        ("cnn3-strided-elu", (1, 7, 8), 10, r"'cnn3-strided-elu' needs .* 8 pixels a side at least, got \(1, 7, 8\)"),
        ("resnet2", (3, 32, 32), 10, r"got 2; try resnet8"),
        ("transformer", (1, 8, 8), 10, r"'transformer' needs inputs \(tokens,\), got \(1, 8, 8\): use data like grammar-200"),
        ("transformer-width9-heads2", (8,), 5, r"2 heads cannot share a width of 9; try -width8-heads2"),
        ("transformer-width3-heads4", (8,), 5, r"4 heads cannot share a width of 3; try -width4-heads4"),
        ("regression", (3, 32, 32), 10, r"needs inputs \(1,\) and 1 output.*chebyshev"),
        ("regression", (1,), 2, r"got inputs \(1,\) and outputs 2"),
        ("deeplinear", (50,), 10, r"got inputs \(50,\) and outputs 10"),
        ("deeplinear", (3, 32, 32), 10, r"inputs must be \(outputs,\).*linear-50-50"),
        ("diagonal", (100,), 10, r"'diagonal' has 1 output, got outputs 10; try data sparse-regression"),
        ("diagonal-alpha0.0", (100,), 1, r"never moves from alpha = 0"),
        ("fc-tanh", (), 10, r"needs inputs of a shape like"),
        ("fc-tanh", (3, 0), 10, r"got \(3, 0\)"),
        ("fc-tanh", (3,), 0, r"outputs >= 1"),
    ],
)
def test_a_network_that_does_not_fit_the_data_says_what_would(
    network: str, inputs: tuple[int, ...], outputs: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        build(network, inputs=inputs, outputs=outputs, seed=0)


def test_deeplinear_takes_its_width_from_the_data() -> None:
    assert parameter_count(build("deeplinear", inputs=(7,), outputs=7, seed=0)) == 20 * 7 * 7


def test_weights_are_floating() -> None:
    with pytest.raises(ValueError, match=r"got torch\.int64: pass torch\.float32"):
        papers("fc-tanh", seed=0, dtype=torch.int64)


@pytest.mark.parametrize(("network", "alpha"), [("diagonal", 0.1), ("diagonal-alpha0.05", 0.05), ("diagonal-alpha1", 1.0)])
def test_a_diagonal_network_is_the_linear_function_of_a_difference_of_squares(network: str, alpha: float) -> None:
    built = build(network, inputs=(6,), outputs=1, seed=0)
    assert [tuple(each.shape) for each in built.parameters()] == [(6,), (6,)]
    assert {value for each in built.parameters() for value in each.tolist()} == {torch.tensor(alpha).item()}
    assert same(built, build(network, inputs=(6,), outputs=1, seed=1))
    inputs = torch.randn(5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert not built.double()(inputs).any()
    u, v = built.parameters()
    with torch.no_grad():
        u.copy_(torch.arange(6.0))
        v.copy_(torch.ones(6))
    assert torch.allclose(built(inputs), (inputs @ (torch.arange(6.0).double() ** 2 - 1)).unsqueeze(1))
    assert built(inputs).shape == (5, 1)


def test_dropout_stands_after_each_activation_and_changes_no_weights() -> None:
    plain, dropped = papers("fc-relu-depth2-width9", seed=2), papers("fc-relu-depth2-width9-dropout0.5", seed=2)
    kinds = [type(layer) for layer in dropped]
    assert kinds == [nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert {layer.p for layer in dropped if isinstance(layer, nn.Dropout)} == {0.5}
    assert same(plain, dropped)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(dropped.eval()(images), plain(images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert not torch.equal(dropped.train()(images), dropped(images))


@pytest.mark.parametrize("network", ["fc-tanh-dropout0", "fc-tanh-dropout0.0"])
def test_no_dropout_is_the_plain_network(network: str) -> None:
    assert [type(layer) for layer in papers(network)] == [type(layer) for layer in papers("fc-tanh")]
    assert same(papers(network), papers("fc-tanh"))
