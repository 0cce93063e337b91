"""The smoothed classifier: a linear one's exact radius, an obvious loop, keys, abstention, and what it refuses."""

import copy
import math

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from genlab.smoothing import bounds, noise
from genlab.smoothing.classifier import EarlyStop, SmoothedClassifier, agreement
from genlab.training import networks

SHAPE = (1, 4, 4)


class Linear(nn.Module):
    """Two classes apart by a plane at distance ``distance`` from the grey image."""

    def __init__(self, distance: float) -> None:
        super().__init__()
        direction = torch.arange(16.0) - 4
        self.direction = nn.Parameter(direction / direction.norm())
        self.distance = distance

    def forward(self, images: Tensor) -> Tensor:
        score = (images - 0.5).flatten(1) @ self.direction + self.distance
        return torch.stack([-score, score], 1)


def grey() -> Tensor:
    return torch.full(SHAPE, 0.5)


def cnn(seed: int = 0) -> nn.Sequential:
    return networks.build("cnn-relu-width8", inputs=(3, 8, 8), outputs=4, seed=seed)


def image(seed: int = 0) -> Tensor:
    return torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("distance", "sigma"), [(0.3, 0.25), (0.1, 0.5), (-0.4, 0.5)])
def test_the_radius_of_a_linear_classifier_is_the_distance_to_its_plane(distance: float, sigma: float) -> None:
    smoothed = SmoothedClassifier(Linear(distance), sigma)
    n = 100_000
    found = smoothed.certify(grey(), n=n, alpha=0.001, key=(0,))
    p = stats.norm.cdf(abs(distance) / sigma)
    assert found.label == int(distance > 0)
    assert abs(found.successes / n - p) < 4 * (p * (1 - p) / n) ** 0.5
    assert found.radius <= abs(distance)
    near = stats.norm.ppf(bounds.lower_bound(math.floor(n * p - 3 * (n * p * (1 - p)) ** 0.5), n, 0.001))
    assert found.radius >= sigma * near
    assert (found.n, found.n0, found.alpha, found.sigma, found.looks) == (n, 100, 0.001, sigma, 1)
    assert smoothed.predict(grey(), key=(0,)).label == found.label


def test_counts_are_those_of_an_obvious_loop() -> None:
    model, x, n = cnn().double(), image(), 300
    each = noise.copies((3, 8, 8))
    drawn = torch.cat([noise.blocks(("k", "x"), block, 1, (3, 8, 8), torch.device("cpu")) for block in range(-(-n // each))])[:n]
    with torch.no_grad():
        labels = [int(model((x + 0.4 * each).double()[None]).argmax()) for each in drawn]
    smoothed = SmoothedClassifier(model, 0.4)
    assert smoothed.labels(x, n, key=("k", "x")).tolist() == labels
    assert smoothed.counts(x, n, key=("k", "x")).tolist() == [labels.count(each) for each in range(4)]
    assert len(set(labels)) > 1


def test_a_certificate_depends_on_its_key_and_not_on_its_place_or_the_batch() -> None:
    model, sigma = cnn().double(), 0.5
    plain = SmoothedClassifier(model, sigma)
    run = [plain.certify(image(each), n=700, key=(0, each)) for each in range(3)]
    alone = SmoothedClassifier(model, sigma).certify(image(2), n=700, key=(0, 2))
    assert run[2] == alone
    for batch in (1000, 128, 100, 33):
        assert SmoothedClassifier(model, sigma, batch=batch).certify(image(2), n=700, key=(0, 2)) == alone
    assert plain.certify(image(2), n=700, key=(1, 2)).successes != alone.successes
    assert plain.counts(image(2), 700).tolist() == plain.counts(image(2).clone(), 700).tolist()  # keyed by content
    assert SmoothedClassifier(model, sigma, channels_last=False).certify(image(2), n=700, key=(0, 2)) == alone


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 3)).train()
    before = copy.deepcopy(model)
    smoothed = SmoothedClassifier(model, 0.25, dtype=torch.bfloat16)
    smoothed.certify(image(), n=200)
    assert all(each.training and all(p.requires_grad for p in each.parameters()) for each in model.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before.state_dict()[name])
        assert value.stride() == before.state_dict()[name].stride()
    frozen = smoothed.counts(image(), 200)
    with torch.no_grad():
        list(model.parameters())[-1][1] += 100  # and what happens to it later changes nothing
    assert torch.equal(smoothed.counts(image(), 200), frozen)


def test_it_abstains_exactly_where_the_bound_is_below_one_half() -> None:
    found = [SmoothedClassifier(Linear(d), 0.25).certify(grey(), n=400, key=(str(d), seed)) for d in (0.0, 0.04, 0.1)
             for seed in range(8)]  # fmt: skip
    for each in found:
        assert each.lower == bounds.lower_bound(each.successes, 400, 0.001)
        assert (each.label is None) == (each.lower < 0.5)
        assert each.radius == (0 if each.label is None else pytest.approx(0.25 * stats.norm.ppf(each.lower)))
    assert {each.label for each in found} == {None, 1}
    on_the_plane = SmoothedClassifier(Linear(0.0), 0.25).predict(grey(), n=300)
    assert on_the_plane.label is None
    assert sum(on_the_plane.counts) == 300
    assert on_the_plane.p_value > on_the_plane.alpha == 0.001


def test_agreement_of_all_copies_gives_the_largest_radius() -> None:
    found = SmoothedClassifier(Linear(50.0), 0.25).certify(grey(), n=1000)
    assert found.radius == pytest.approx(0.25 * 2.4633, abs=1e-5)


def test_an_early_stop_saves_copies_and_keeps_its_confidence() -> None:
    smoothed = SmoothedClassifier(Linear(0.3), 0.25)
    found = smoothed.certify(grey(), n=20_000, key=(0,), stop=EarlyStop(0.1))
    assert found.n == 3072  # the first look, 2,500, in whole blocks
    assert found.looks == 4
    assert 0.1 <= found.radius <= 0.3
    assert smoothed.certify(grey(), n=20_000, key=(0,)).n == 20_000
    hopeless = SmoothedClassifier(Linear(0.02), 0.25).certify(grey(), n=20_000, stop=EarlyStop(0.6))
    assert hopeless.n < 20_000
    assert hopeless.radius < 0.6
    # of bounds at looks that may stop it, a share alpha at most lies above the truth
    alpha, runs, p = 0.2, 200, stats.norm.cdf(0.1 / 0.25)
    tempting = SmoothedClassifier(Linear(0.1), 0.25)
    wrong = sum(
        tempting.certify(grey(), n0=10, n=4096, alpha=alpha, key=(seed,), stop=EarlyStop(0.105)).lower > p for seed in range(runs)
    )
    assert wrong / runs <= alpha + 3 * (alpha * (1 - alpha) / runs) ** 0.5


def test_precisions_are_compared_on_the_same_copies() -> None:
    model = cnn()
    plain = SmoothedClassifier(model, 0.5)
    found = agreement(plain, SmoothedClassifier(model, 0.5, dtype=torch.bfloat16), image(), 1000)
    assert 0.9 < found.centre <= 1
    assert found.n == 1000
    assert agreement(plain, SmoothedClassifier(model, 0.5, batch=100), image(), 500).centre > 0.995  # rounding alone
    with pytest.raises(ValueError, match="same sigma"):
        agreement(plain, SmoothedClassifier(model, 0.25), image(), 100)


class Views(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(144, 3)

    def forward(self, images: Tensor) -> Tensor:
        convolved = self.convolution(images)
        found: Tensor = self.linear(convolved.view(len(images), -1))
        return found


def test_a_model_that_calls_view_is_run_in_the_layout_it_takes() -> None:
    assert SmoothedClassifier(Views(), 0.25).counts(image(), 200).sum() == 200
    with pytest.raises(ValueError, match="pass channels_last=False"):
        SmoothedClassifier(Views(), 0.25, channels_last=True).counts(image(), 200)


def test_a_plain_function_is_a_classifier_too() -> None:
    assert SmoothedClassifier(lambda x: x.flatten(1)[:, :2], 0.25).counts(grey(), 100).sum() == 100


@pytest.mark.parametrize("sigma", [0, -0.25, float("nan"), float("inf")])
def test_a_sigma_that_is_none(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"sigma.*is positive.*pass 0\.25"):
        SmoothedClassifier(cnn(), sigma)


NAN = lambda x: torch.where(x.mean(dim=(1, 2, 3), keepdim=False)[:, None] > 0.5, float("nan"), x.flatten(1)[:, :3])
MODELS = {
    "one class": (lambda x: x.flatten(1)[:, :1], "one output.*two classes"),
    "no classes": (lambda x: x.flatten(1).sum(1), r"shape \(1, classes\), got \(1,\)"),
    "a map": (lambda x: x, r"got \(1, 1, 4, 4\)"),
    "a tuple": (lambda x: (x,), "returns a tuple.*logits"),
    "rows lost": (lambda x: x.flatten(1)[:1, :2], r"3 image.* got \(1, 2\)"),
    "batch": (lambda x: x.flatten(1)[:, :3] - x.mean(), "with the other images of the batch.*track_running_stats"),
    "chance": (lambda x: torch.rand_like(x.flatten(1)[:, :3]), "from pass to pass.*dropout"),
    "nan": (NAN, r"NaN logits for \d+ of 100 noisy copies of image a/7/select.*precision"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_no_classifier(name: str) -> None:
    model, said = MODELS[name]
    with pytest.raises(ValueError, match=said), torch.random.fork_rng():
        SmoothedClassifier(model, 0.25).certify(grey(), n=100, key=("a", 7))


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (torch.full(SHAPE, 1.5), r"reach from 1\.5 to 1\.5.*first layer"),
        (torch.full(SHAPE, -0.01), r"\[0, 1\]"),
        (torch.full(SHAPE, float("nan")), "reach from nan"),
        (torch.zeros(SHAPE, dtype=torch.uint8), "got torch.uint8.*255"),
        (torch.zeros(2, *SHAPE), r"pass images\[0\]"),
        ([0.5], "got list"),
    ],
    ids=["bright", "dark", "nan", "bytes", "many", "list"],
)
def test_an_image_that_is_none(pixels: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SmoothedClassifier(Linear(0.1), 0.25).certify(pixels, n=100)


def test_rounding_beyond_the_border_is_taken() -> None:
    assert SmoothedClassifier(Linear(0.1), 0.25).counts(torch.full(SHAPE, 1 + 1e-6), 10).sum() == 10


def test_numbers_that_cannot_be() -> None:
    smoothed = SmoothedClassifier(Linear(0.1), 0.25)
    for n0, n, alpha, said in ((1, 0, 0.1, "n, a number"), (0, 1, 0.1, "n0, a number"), (1, 1, 0.0, "alpha"), (1, 1, 1, "alpha")):
        with pytest.raises(ValueError, match=said):
            smoothed.certify(grey(), n0=n0, n=n, alpha=alpha)
    with pytest.raises(ValueError, match="alpha"):
        smoothed.predict(grey(), alpha=2)
    with pytest.raises(ValueError, match="batch"):
        SmoothedClassifier(Linear(0.1), 0.25, batch=0)
    with pytest.raises(ValueError, match="floating type"):
        SmoothedClassifier(Linear(0.1), 0.25, dtype=torch.int64)
    with pytest.raises(ValueError, match="early stop"):
        EarlyStop(-1)
