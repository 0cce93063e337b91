"""The networks of Cohen et al. 2021, by the ids of their code, initialised as there from a given seed.

fc-ACT                  Flatten, 2 x [Linear 200, ACT], Linear; ACT is relu, elu, tanh, hardtanh or softplus
fc-ACT-depthD           D hidden layers instead of 2, D = 1 .. 4 (the paper: tanh only)
cnn-ACT                 2 x [Conv 3x3 to 32 channels, ACT, MaxPool 2], Flatten, Linear; ACT is relu, elu or tanh
cnn-avgpool-ACT         the same with AvgPool 2
cnn-bn-ACT              cnn-ACT with batch norm after each activation
vgg11, vgg11-bn         VGG-11 without dropout, and with batch norm before each ReLU; images of 32 x 32
resnet32                3 stages x 5 blocks of 16, 32 and 64 channels, batch norm
deeplinear              20 square Linear layers without bias, xavier normal; as wide as the inputs (the paper: 50)
regression              Linear(1, 100), tanh, Linear(100, 1, no bias); xavier normal, gain 1.9 on the first layer

Not in that paper: miniatures, networks of Novack et al. 2022, and ours.

fc-ACT[-depthD]-widthN  N units instead of 200
cnn-...-widthN          N channels instead of 32
cnn3-strided-ACT[-widthN]   3 x [Conv 3x3, ACT] of N, 2 N and 4 N channels (32), stride 2, Flatten, Linear
cnn3-avgpool-ACT[-widthN]   the same with stride 1 and AvgPool 2
vgg11[-bn][-widthN][-dropoutP]   N channels in the first convolution instead of 64, dropout in the classifier (0)
vgg16[-bn][-widthN][-dropoutP]   VGG-16 as in torchvision, dropout 0.5; with -bn that of Novack et al. 2022
resnet18[-widthN]       ResNet-18 of Novack et al. 2022: a 3 x 3 stem, N channels in the first of 4 stages (64)
resnetD[-widthN]        D = 8, 14, 20, 26, ... layers; N channels in the first stage instead of 16
fc-ACT...-dropoutP      dropout with probability P, like 0.5, after each activation, while the network is in train mode
diagonal[-alphaA]       <u * u - v * v, x>, one output; u = v = A, like 0.05, at the start (0.1); no seed changes it
transformer[-depthD][-widthN][-headsH]   decoder-only language model of D blocks (2), N wide (200), H heads (2)

Batch norm is in train mode, as in the official code: it normalises over the examples of one forward pass, the ghost batch.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from genlab.training import diagonal, resnet, resnet18, transformer, vgg
from genlab.training.convolutional import CHANNELS, convolutional, three_stages
from genlab.training.feedforward import WIDTH, deep_linear, fully_connected, regression
from genlab.training.layers import ACTIVATIONS

__all__ = ["ACTIVATIONS", "FAMILIES", "Family", "build", "ids", "parameter_count"]

Options = dict[str, str]


@dataclass(frozen=True)
class Family:
    """Networks of one kind.

    Attributes:
        form: how their names are written.
        pattern: of the names, options as named groups.
        make: (name, options that the name gives, shape of an input, outputs) to a network.
        tokens: whether they take integer tokens, rather than real numbers.
    """

    form: str
    pattern: re.Pattern[str]
    make: Callable[[str, Options, tuple[int, ...], int], nn.Sequential]
    tokens: bool = False


def _options(**forms: str) -> str:
    """Optional parts of a name: ``-depth3``."""
    return "".join(f"(?:-{name}(?P<{name}>{form}))?" for name, form in forms.items())


_COUNT = "[1-9][0-9]{0,5}"
_SHARE = r"0(?:\.[0-9]{1,6})?"  # a number in [0, 1)
_NUMBER = r"[0-9]{1,3}(?:\.[0-9]{1,9})?"

FAMILIES: tuple[Family, ...] = (
    Family(
        "fc-ACT[-depthD][-widthN][-dropoutP]",
        re.compile(rf"fc-(?P<act>{'|'.join(ACTIVATIONS)}){_options(depth='[1-4]', width=_COUNT, dropout=_SHARE)}"),
        lambda _, o, inputs, outputs: fully_connected(
            o["act"],
            int(o.get("depth", 2)),
            int(o.get("width", WIDTH)),
            inputs,
            outputs,
            dropout=float(o.get("dropout", 0)),
        ),
    ),
    Family(
        "cnn-[bn-|avgpool-]ACT[-widthN]",
        re.compile(rf"cnn-(?:(?P<variant>bn|avgpool)-)?(?P<act>relu|elu|tanh){_options(width=_COUNT)}"),
        lambda name, o, inputs, outputs: convolutional(
            name, o["act"], inputs, outputs, variant=o.get("variant", ""), channels=int(o.get("width", CHANNELS))
        ),
    ),
    Family(
        "cnn3-[strided|avgpool]-ACT[-widthN]",
        re.compile(rf"cnn3-(?P<halving>strided|avgpool)-(?P<act>relu|elu|tanh){_options(width=_COUNT)}"),
        lambda name, o, inputs, outputs: three_stages(
            name, o["act"], inputs, outputs, strided=o["halving"] == "strided", channels=int(o.get("width", CHANNELS))
        ),
    ),
    Family(
        "vgg11[-bn][-widthN][-dropoutP]",
        re.compile(rf"vgg11(?P<bn>-bn)?{_options(width=_COUNT, dropout=_SHARE)}"),
        lambda name, o, inputs, outputs: vgg.vgg11(
            name,
            inputs,
            outputs,
            normalised="bn" in o,
            channels=int(o.get("width", vgg.CHANNELS)),
            dropout=float(o.get("dropout", 0)),
        ),
    ),
    Family(
        "vgg16[-bn][-widthN][-dropoutP]",
        re.compile(rf"vgg16(?P<bn>-bn)?{_options(width=_COUNT, dropout=_SHARE)}"),
        lambda name, o, inputs, outputs: vgg.vgg16(
            name,
            inputs,
            outputs,
            normalised="bn" in o,
            channels=int(o.get("width", vgg.CHANNELS)),
            dropout=float(o.get("dropout", vgg.DROPOUT)),
        ),
    ),
    Family(
        "resnet18[-widthN]",  # before resnetD, whose form it has
        re.compile(f"resnet18{_options(width=_COUNT)}"),
        lambda name, o, inputs, outputs: resnet18.resnet18(
            name, inputs, outputs, channels=int(o.get("width", resnet18.CHANNELS))
        ),
    ),
    Family(
        "resnetD[-widthN]",
        re.compile(rf"resnet(?P<depth>[1-9][0-9]{{0,2}}){_options(width=_COUNT)}"),
        lambda name, o, inputs, outputs: resnet.resnet(
            name, int(o["depth"]), inputs, outputs, channels=int(o.get("width", resnet.CHANNELS))
        ),
    ),
    Family("deeplinear", re.compile("deeplinear"), lambda _, __, inputs, outputs: deep_linear(inputs, outputs)),
    Family("regression", re.compile("regression"), lambda _, __, inputs, outputs: regression(inputs, outputs)),
    Family(
        "diagonal[-alphaA]",
        re.compile(f"diagonal{_options(alpha=_NUMBER)}"),
        lambda name, o, inputs, outputs: diagonal.diagonal(name, inputs, outputs, alpha=float(o.get("alpha", diagonal.ALPHA))),
    ),
    Family(
        "transformer[-depthD][-widthN][-headsH]",
        re.compile(f"transformer{_options(depth=_COUNT, width=_COUNT, heads=_COUNT)}"),
        lambda name, o, inputs, outputs: transformer.transformer(
            name, inputs, outputs, **{option: int(count) for option, count in o.items()}
        ),
        tokens=True,
    ),
)
FORMS = ", ".join(family.form for family in FAMILIES)


def ids() -> tuple[str, ...]:
    """The ids of Cohen et al. 2021: all that their code builds."""
    small = ("relu", "elu", "tanh")
    return (
        *(f"fc-{name}" for name in ACTIVATIONS),
        *(f"fc-tanh-depth{depth}" for depth in range(1, 5)),
        *(f"cnn-{variant}{name}" for variant in ("", "avgpool-", "bn-") for name in small),
        "vgg11",
        "vgg11-bn",
        "resnet32",
        "deeplinear",
        "regression",
    )


def build(
    network: str,
    *,
    inputs: tuple[int, ...],
    outputs: int,
    seed: int,
    dtype: torch.dtype = torch.float32,
    tokens: bool | None = None,
) -> nn.Sequential:
    """A network on the CPU, initialised as the official code does: ``torch.manual_seed(seed)``, then construction.

    The caller's random state is left as it was. Weights are drawn in float32 and converted, so that every ``dtype``
    starts from the same numbers. The official code ignores its seed for deeplinear (always 8) and regression
    (always 0); here the given seed counts, and those two reproduce its weights.

    >>> network = build("transformer-depth1-width8-heads2", inputs=(16,), outputs=30, seed=0)
    >>> network(torch.zeros(3, 16, dtype=torch.int64)).shape  # logits of the next token, at each of 16 places
    torch.Size([3, 16, 30])

    Args:
        network: one of ``ids()``, or another of the forms at the top of this file.
        inputs: shape of one input: (channels, height, width) for images, (tokens,) for a transformer; fc-* flattens any.
        outputs: number of outputs; for a transformer the size of the vocabulary.
        seed: of the initial weights.
        dtype: floating type of the parameters.
        tokens: whether the inputs are integer tokens, where that is known: a network for the other kind is refused.

    Raises:
        ValueError: an unknown id, or inputs and outputs that the network cannot have.
    """
    family, options = _family(network)
    if not inputs or min(inputs) < 1 or outputs < 1:
        raise ValueError(
            f"{network!r} needs inputs of a shape like (3, 32, 32) or (1,) and outputs >= 1, got {inputs} and {outputs}"
        )
    if tokens is not None and tokens != family.tokens:
        raise ValueError(
            f"{network!r} takes real numbers and these data are tokens: use a network like transformer-depth2-width32-heads2"
            if tokens
            else f"{network!r} takes tokens and these data are none: use data like grammar-200, text:FILE or wikitext-2-200"
        )
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating type, got {dtype}: pass torch.float32 or torch.float64")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed accelerators too
        return family.make(network, options, inputs, outputs).to(dtype)


def parameter_count(module: nn.Module) -> int:
    """How many numbers ``module.parameters()`` holds."""
    return sum(parameter.numel() for parameter in module.parameters())


def _family(network: str) -> tuple[Family, Options]:
    for family in FAMILIES:
        if form := family.pattern.fullmatch(network):
            return family, {option: value for option, value in form.groupdict().items() if value is not None}
    near = difflib.get_close_matches(network, [*ids(), "diagonal", "resnet18", "transformer", "vgg16", "vgg16-bn"], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"unknown network {network!r}: expected {FORMS}, where fc-* takes {', '.join(ACTIVATIONS)} with D = 1 .. 4 "
        f"and cnn-* takes relu, elu, tanh{hint}"
    )
