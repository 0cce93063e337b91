"""The networks of Cohen et al. 2021, by the ids of their code, with PyTorch's default initialisation from a given seed.

fc-ACT                  Flatten, 2 x [Linear 200, ACT], Linear; ACT is relu, elu, tanh, hardtanh or softplus
fc-ACT-depthD           D hidden layers instead of 2, D = 1 .. 4 (the paper: tanh only)
fc-ACT[-depthD]-widthN  N units instead of 200 (not in the paper: ours, for miniatures)
cnn-ACT                 2 x [Conv 3x3 to 32 channels, ACT, MaxPool 2], Flatten, Linear; ACT is relu, elu or tanh
cnn-avgpool-ACT         the same with AvgPool 2
deeplinear              20 square Linear layers without bias, xavier normal; as wide as the inputs (the paper: 50)
regression              Linear(1, 100), tanh, Linear(100, 1, no bias); xavier normal, gain 1.9 on the first layer
"""

import difflib
import itertools
import math
import re

import torch
from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
    "softplus": nn.Softplus,
}
FORM = re.compile(
    r"fc-(?P<fc>relu|elu|tanh|hardtanh|softplus)(?:-depth(?P<depth>[1-4]))?(?:-width(?P<width>[1-9][0-9]*))?"
    r"|cnn-(?P<average>avgpool-)?(?P<cnn>relu|elu|tanh)"
    r"|deeplinear"
    r"|regression"
)
FORMS = "fc-ACT, fc-ACT-depthD, fc-ACT-widthN, fc-ACT-depthD-widthN, cnn-ACT, cnn-avgpool-ACT, deeplinear, regression"
WIDTH = 200  # hidden units of fc-*; official code, src/archs.py
CHANNELS = 32  # of both convolutions of cnn-*; official code, src/archs.py


def ids() -> tuple[str, ...]:
    """The ids of Cohen et al. 2021 that ``build`` knows: their code's, short of batch norm, VGG and ResNet."""
    return (
        *(f"fc-{name}" for name in ACTIVATIONS),
        *(f"fc-tanh-depth{depth}" for depth in range(1, 5)),
        *(f"cnn-{pool}{name}" for pool in ("", "avgpool-") for name in ("relu", "elu", "tanh")),
        "deeplinear",
        "regression",
    )


def build(network: str, *, inputs: tuple[int, ...], outputs: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """A network on the CPU, initialised as the official code does: ``torch.manual_seed(seed)``, then construction.

    The caller's random state is left as it was. Weights are drawn in float32 and converted, so that every ``dtype``
    starts from the same numbers. The official code ignores its seed for deeplinear (always 8) and regression
    (always 0); here the given seed counts, and those two reproduce its weights.

    Args:
        network: one of ``ids()``, or another of the forms at the top of this file.
        inputs: shape of one input, (channels, height, width) for cnn-*; fc-* flattens any shape.
        outputs: number of outputs.
        seed: of the initial weights.
        dtype: floating type of the parameters.

    Raises:
        ValueError: an unknown id, or inputs and outputs that the network cannot have.
    """
    form = FORM.fullmatch(network)
    if form is None:
        near = difflib.get_close_matches(network, ids(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"unknown network {network!r}: expected {FORMS}, where fc-* takes {', '.join(ACTIVATIONS)} with D = 1 .. 4 "
            f"and cnn-* takes relu, elu, tanh (the paper's cnn-bn-*, vgg11, vgg11-bn and resnet32 are not built){hint}"
        )
    if not inputs or min(inputs) < 1 or outputs < 1:
        raise ValueError(
            f"{network!r} needs inputs of a shape like (3, 32, 32) or (1,) and outputs >= 1, got {inputs} and {outputs}"
        )
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating type, got {dtype}: pass torch.float32 or torch.float64")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed accelerators too
        if form["fc"]:
            widths = [int(form["width"] or WIDTH)] * int(form["depth"] or 2)
            built = _fully_connected(ACTIVATIONS[form["fc"]], widths, math.prod(inputs), outputs)
        elif form["cnn"]:
            built = _convolutional(network, ACTIVATIONS[form["cnn"]], bool(form["average"]), inputs, outputs)
        elif network == "deeplinear":
            built = _deep_linear(inputs, outputs)
        else:
            built = _regression(inputs, outputs)
    return built.to(dtype)


def parameter_count(module: nn.Module) -> int:
    """How many numbers ``module.parameters()`` holds."""
    return sum(parameter.numel() for parameter in module.parameters())


def _linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=bias, device="cpu", dtype=torch.float32)  # whatever torch's own defaults are


def _fully_connected(activation: type[nn.Module], widths: list[int], inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in itertools.pairwise([inputs, *widths]):
        layers += [_linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers, _linear(widths[-1], outputs))


def _convolutional(
    network: str, activation: type[nn.Module], average: bool, inputs: tuple[int, ...], outputs: int
) -> nn.Sequential:
    if len(inputs) != 3 or min(inputs[1:]) < 4:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), 4 pixels a side at least, got {inputs}: use an fc-* network"
        )
    layers: list[nn.Module] = []
    for channels in (inputs[0], CHANNELS):
        layers += [
            nn.Conv2d(channels, CHANNELS, kernel_size=3, padding=1, device="cpu", dtype=torch.float32),
            activation(),
            nn.AvgPool2d(2) if average else nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers, nn.Flatten(), _linear(CHANNELS * (inputs[1] // 4) * (inputs[2] // 4), outputs))


def _deep_linear(inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    if inputs != (outputs,):
        raise ValueError(
            f"'deeplinear' is square: inputs must be (outputs,), got inputs {inputs} and outputs {outputs}; try data linear-50-50"
        )
    layers = []
    for _ in range(20):
        layer = _linear(outputs, outputs, bias=False)
        nn.init.xavier_normal_(layer.weight)
        layers.append(layer)
    return nn.Sequential(*layers)


def _regression(inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    if (inputs, outputs) != ((1,), 1):
        raise ValueError(
            f"'regression' needs inputs (1,) and 1 output, got inputs {inputs} and outputs {outputs}; try data chebyshev-4-20"
        )
    first, last = _linear(1, 100), _linear(100, 1, bias=False)
    nn.init.xavier_normal_(first.weight, gain=1.9)  # official code, src/archs.py: sigma_w
    nn.init.zeros_(first.bias)
    nn.init.xavier_normal_(last.weight)
    return nn.Sequential(first, nn.Tanh(), last)
