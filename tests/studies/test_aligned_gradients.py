"""The study of aligned gradients: resumed is uninterrupted, divergence is kept, claims on records whose answer is known."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import pytest

from genlab.results.claims import Verdict, judge
from genlab.results.pictures import grid
from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot, from_bytes, to_bytes
from genlab.studies.aligned_gradients import PRESETS, AlignedGradients
from genlab.studies.aligned_gradients.plan import NOISE, STANDARD, Ask, Net, Row, plan
from genlab.studies.study import all_conditions

TINY = AlignedGradients(
    data="digits-60-pixels",
    network=("cnn3-strided-relu-width4", "cnn3-avgpool-relu-width4"),
    seeds=1,
    arms=("adversarial", "smoothadv"),
    steps=10,
    most_steps=110,
    goal_accuracy=0.25,
    batch_size=20,
    images=4,
    shown=2,
    ascent_steps=2,
    samples=(1, 2),
    certified=3,
    first_draws=4,
    draws=20,
)


def rows_of(study: AlignedGradients, snapshot: Snapshot | None = None) -> tuple[list[Row], str]:
    advances = study.run(study.conditions()[0].settings, snapshot, "cpu")
    rows: list[Row] = []
    while True:
        try:
            rows += next(advances).records
        except StopIteration as end:
            return rows, end.value


@functools.cache
def advanced() -> tuple[list[tuple[tuple[Row, ...], bytes]], str]:
    """Records and snapshot of every advance of the tiny study, and its ending."""
    advances = TINY.run(TINY.conditions()[0].settings, None, "cpu")
    found: list[tuple[tuple[Row, ...], bytes]] = []
    while True:
        try:
            advance = next(advances)
        except StopIteration as end:
            return found, end.value
        found.append((tuple(advance.records), to_bytes(advance.snapshot())))


def tiny() -> tuple[tuple[Row, ...], str]:
    found, ending = advanced()
    return tuple(row for rows, _ in found for row in rows), ending


def run_of(rows: Any, seed: int = 0, **settings: Any) -> Run:
    values = {**TINY.conditions()[0].settings, "seed": seed, **settings}
    return Run(f"{seed:04x}", values, "complete", columns_of(table_of(list(rows), schema_of(Row))))


def test_a_condition_is_one_architecture_judged_by_the_other() -> None:
    conditions = AlignedGradients(seeds=2).conditions()
    assert [(each.settings["network"][5:12], each.settings["judge"][5:12], each.settings["seed"]) for each in conditions] == [
        ("strided", "avgpool", 0),
        ("strided", "avgpool", 1),
        ("avgpool", "strided", 0),
        ("avgpool", "strided", 1),
    ]


def test_the_two_by_two_is_asked_at_every_sigma_and_samples_are_swept_once() -> None:
    asks = plan(AlignedGradients(sigma=(0.25, 0.5), arms=(), samples=(1, 4)).conditions()[0].settings).asks()
    standard, small, large = Net(STANDARD), Net(NOISE, 0.25), Net(NOISE, 0.5)
    assert asks == [
        *(Ask(standard, 0.0, 1), Ask(standard, 0.25, 4), Ask(standard, 0.5, 4)),
        *(Ask(small, 0.0, 1), Ask(small, 0.25, 4), Ask(large, 0.0, 1), Ask(large, 0.5, 4)),
        Ask(small, 0.25, 1),
    ]


@pytest.mark.parametrize("stop", [0, 3, -12, -9, -2])
def test_interrupted_anywhere_it_ends_with_the_records_of_an_uninterrupted_run(stop: int) -> None:
    found, ending = advanced()
    kept = found[: len(found) + stop if stop < 0 else stop + 1]
    more, end = rows_of(TINY, from_bytes(kept[-1][1]))
    assert (tuple(row for rows, _ in kept for row in rows) + tuple(more), end) == (tiny()[0], ending)


def test_every_network_is_trained_asked_and_certified() -> None:
    rows, ending = tiny()
    assert ending == "complete"
    networks = {row.net: row for row in rows if row.what == "network"}
    assert list(networks) == [
        *("standard", "noise 0.25", "noise 0.5", "adversarial", "smoothadv 0.25"),
        *("judge noise 0.25", "judge adversarial", "judge standard"),
    ]
    assert networks["standard"].ending == "goal"
    assert {row.steps for row in networks.values() if row.ending == "steps"} == {10}
    asked = {(row.net, row.sigma, row.samples) for row in rows if row.what == "image"}
    assert asked == {(each.net.name, each.sigma, each.samples) for each in plan(TINY.conditions()[0].settings).asks()}
    assert all(row.target != row.label for row in rows if row.what == "image")
    assert {(row.net, row.sigma) for row in rows if row.what == "certificate"} == {
        ("standard", 0.25),
        ("noise 0.25", 0.25),
        ("noise 0.5", 0.5),
        ("smoothadv 0.25", 0.25),
    }
    abstained = [row for row in rows if row.predicted == -1]
    assert all(row.certified_radius == 0 and not row.correct for row in abstained)
    sizes = [math.dist(picture.pixels or (), start.pixels or ()) for picture, start in pictures(rows)]
    assert max(sizes) <= TINY.radius * (1 + 1e-5)
    assert max(sizes) > 0.5 * TINY.radius


def pictures(rows: tuple[Row, ...]) -> list[tuple[Row, Row]]:
    """Pictures of changed images beside what they were made from."""
    kept = [row for row in rows if row.what == "picture" and row.start == "image"]
    before = {row.image: row for row in kept if row.net == "none"}
    return [(row, before[row.image]) for row in kept if row.net != "none"]


def test_a_network_that_diverges_is_a_record_and_nothing_is_asked_of_it() -> None:
    study = dataclasses.replace(TINY, step_size=1e38, steps=5, most_steps=5)
    rows, ending = rows_of(study)
    assert ending.startswith("diverged: standard, noise 0.25")
    assert {row.ending for row in rows if row.what == "network"} == {"diverged"}
    assert {row.what for row in rows} == {"network"}
    run = run_of(rows)
    assert {each.verdict for each in judge(AlignedGradients.claims(), [run])} <= {Verdict.NOT_MEASURED}
    assert "Diverged" in AlignedGradients.remarks([run])[0]
    assert AlignedGradients.pictures([run]) == []


def test_figures_tables_and_grids_are_filled_by_one_run_and_by_none() -> None:
    run = run_of(tiny()[0])
    assert {each.name for each in AlignedGradients.figures([run])} == {"judges", "certified", "samples", "grain"}
    alignment, networks, certified = AlignedGradients.tables([run])
    assert (len(alignment.rows), len(networks.rows), len(certified.rows)) == (9, 8, 4)
    images, grey = AlignedGradients.pictures([run])
    assert (len(images.rows), len(grey.rows)) == (10, 9)
    assert grid(images).startswith(b"\x89PNG")
    assert not any((AlignedGradients.figures([]), AlignedGradients.tables([]), AlignedGradients.pictures([])))
    assert AlignedGradients.remarks([]) == []


def image(
    training: str, noise: float, sigma: float, hits: float, *, high: float = 0.3, cosine: float = 0.1, samples: int = 2
) -> list[Row]:
    """Ten changed images, of which both judges see the target in some."""
    net = Net(training, noise)
    seen = [place < round(10 * hits) for place in range(10)]
    return [
        Row(
            *("image", net.name, training, noise, sigma, samples if sigma else 1, place, 0, 1),
            own=True,
            judge_noise=hit,
            judge_noise_probability=hits,
            judge_adversarial=hit,
            judge_adversarial_probability=hits,
            cosine=cosine,
            cosine_other=0.05,
            high_frequency=high,
        )
        for place, hit in enumerate(seen)
    ]


def paper(seed: int, shift: float = 0.0) -> Run:
    """Records that bear the paper out, but for ``shift`` of what judges see in images of noise-trained networks."""
    jitter = 0.01 * seed
    rows = image(STANDARD, 0.0, 0.0, 0.3, high=0.6 + jitter, cosine=0.06) + image(STANDARD, 0.0, 0.25, 0.3, high=0.55)
    rows += image(NOISE, 0.25, 0.0, 0.6 + shift) + image(NOISE, 0.25, 0.25, 0.8 + shift, high=0.3)
    rows += image(NOISE, 0.25, 0.25, 0.8 + shift, samples=1)
    rows += image(NOISE, 0.5, 0.0, 0.6 + shift) + image(NOISE, 0.5, 0.5, 0.9 + shift, high=0.2)
    for samples, agreement in ((1, 0.2), (2, 0.5 + jitter)):
        rows += [Row("spread", "noise 0.25", NOISE, 0.25, 0.25, samples, 0, agreement=agreement)]
    for net, sigma, radius in ((Net(STANDARD), 0.25, 0.1), (Net(NOISE, 0.25), 0.25, 0.3), (Net(NOISE, 0.5), 0.5, 0.5)):
        rows += [Row("certificate", net.name, net.training, net.sigma, sigma, 20, 0, 0, correct=True, certified_radius=radius)]
    for noise, accuracy in ((0.25, 0.9), (0.5, 0.8 + jitter)):
        rows += [Row("network", f"noise {noise}", NOISE, noise, test_accuracy=accuracy)]
    return run_of(rows, seed, arms=[])


def test_claims_hold_on_records_that_bear_them_out() -> None:
    verdicts = {each.claim.id: each.verdict for each in judge(AlignedGradients.claims(), [paper(seed) for seed in range(3)])}
    assert {id for id, verdict in verdicts.items() if verdict is not Verdict.HOLDS} == {"F8a", "F8b"}
    assert verdicts["F8a"] is verdicts["F8b"] is Verdict.NOT_MEASURED


def test_claims_fail_where_noise_training_shows_less_and_one_seed_decides_nothing() -> None:
    verdicts = {
        each.claim.id: each.verdict for each in judge(AlignedGradients.claims(), [paper(seed, -0.6) for seed in range(3)])
    }
    assert {id for id, verdict in verdicts.items() if verdict is Verdict.FAILS} == {"F1a", "F2a"}
    alone = {each.claim.id: each.verdict for each in judge(AlignedGradients.claims(), [paper(0)])}
    assert set(alone.values()) == {Verdict.UNDECIDED, Verdict.NOT_MEASURED}


def test_other_settings_are_other_tasks() -> None:
    runs = [paper(0), paper(1), run_of(tiny()[0], 0, radius=9.0)]
    (first, *_) = judge(AlignedGradients.claims(), runs)
    assert sorted((finding.n, finding.setting.rsplit(", ")[-1]) for finding in first.findings) == [
        *((1, "adversarial judge"), (1, "noise judge"), (2, "adversarial judge"), (2, "noise judge"))
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "digits"}, "set data=digits-pixels"),
        ({"data": "digits/held-out"}, "set data=digits-pixels/held-out"),
        ({"network": ("a", "b", "c")}, "two architectures"),
        ({"sigma": (0.25, 0.25)}, "none twice"),
        ({"sigma": (0.0,)}, "above 0"),
        ({"samples": (4, 1)}, "samples rise"),
        ({"arms": ("pgd",)}, "arms are of adversarial, smoothadv, got 'pgd'"),
        ({"shown": 61}, "shown is at most images=60"),
        ({"alpha": 1.0}, "alpha is a probability"),
        ({"momentum": 1.0}, "momentum is in"),
        ({"radius": math.inf}, "radius is above 0 and finite"),
        ({"images": 1}, "images is at least 2"),
        ({"goal_accuracy": 99}, "goal_accuracy is a share"),
    ],
)
def test_fields_that_make_no_run_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(AlignedGradients(), **changes)


def test_a_price_counts_every_record_and_says_what_does_not_fit() -> None:
    price = TINY.price(TINY.conditions()[0].settings, "cpu")
    assert price.records >= len(tiny()[0])
    assert price.seconds > 0
    for changes, words in (({"images": 900}, "at most 797"), ({"batch_size": 61}, "at most 60")):
        study = dataclasses.replace(TINY, **changes)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=words):
            study.price(study.conditions()[0].settings, "cpu")


def test_presets_are_conditions_of_their_own() -> None:
    ids = {name: {condition.id for _, condition in all_conditions(preset())} for name, preset in PRESETS.items()}
    assert {name: len(each) for name, each in ids.items()} == {"mini": 6, "small": 6, "paper": 6}
    assert not ids["mini"] & ids["small"]


def test_of_batch_norm_attacks_see_averages_of_the_weights_they_are_made_at() -> None:
    import torch

    from genlab.studies.aligned_gradients.nets import prepare, training

    study = dataclasses.replace(TINY, network=("cnn-bn-relu-width2", "cnn3-avgpool-relu-width4"))
    held, _ = prepare(plan(study.conditions()[0].settings), "cpu", None)
    place = held.nets.index(Net("adversarial"))
    norm = next(each for each in held.problems[place].module.modules() if isinstance(each, torch.nn.BatchNorm2d))
    (moment,) = training(held, place, held.problems[place].weights(), None, 0, 1)
    assert norm.running_mean is not None
    assert not np.allclose(norm.running_mean.numpy(), 0)
    assert math.isfinite(moment.loss)
