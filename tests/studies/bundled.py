"""Small bundles that the tests of both studies share, and made-up records of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.bundles.plan import Plan, Reading
from genlab.studies.implicit_regularization import ImplicitRegularization

REGRESSION = ImplicitRegularization(
    data="sparse-regression-12-10-2",
    network=("diagonal",),
    loss="mse",
    batch_size=(10,),
    step_size=(0.05, 0.1),
    seeds=2,
    steps=9,
    check_every=2,
    read_every=4,
    noise_of=2,
    precision="float64",
)
DIGITS = ImplicitRegularization(
    data="digits-40/held-out",
    network=("fc-relu-depth1-width6",),
    batch_size=(20,),
    step_size=(0.1,),
    seeds=2,
    steps=6,
    check_every=2,
    read_every=4,
    noise_of=5,
    curvature=False,
)
METHODS: dict[str, ImplicitRegularization] = {
    "plain": dataclasses.replace(REGRESSION, batch_size=(3,), curvature_every=4),
    "sam": dataclasses.replace(REGRESSION, method=("sam",), strength=(0.0, 0.1)),
    "m-SAM": dataclasses.replace(REGRESSION, method=("sam",), microbatch=(3,), strength=(0.05, 0.1)),
    "gn": dataclasses.replace(REGRESSION, method=("gn",), microbatch=(3,), strength=(0.0, 0.1)),
    "ft": dataclasses.replace(REGRESSION, method=("ft",), microbatch=(2,), strength=(0.01, 0.1)),
    "aj": dataclasses.replace(REGRESSION, method=("aj",), microbatch=(2,), strength=(0.01, 0.1)),
    "uj": dataclasses.replace(REGRESSION, method=("uj",), microbatch=(2,), strength=(0.01, 0.1)),
    "l2": dataclasses.replace(REGRESSION, method=("l2",), strength=(0.01, 0.1)),
    "iterative": dataclasses.replace(REGRESSION, method=("iterative",), microbatch=(1,)),
    "external": dataclasses.replace(REGRESSION, method=("external",), donor_batch=2, donor_step_size=0.05),
    "ngd": dataclasses.replace(REGRESSION, method=("ngd",)),
    "digits": DIGITS,
    "dropout": dataclasses.replace(DIGITS, network=("fc-relu-depth1-width6-dropout0.5",)),
    "batch norm": dataclasses.replace(
        DIGITS, network=("cnn-bn-relu-width2",), ghost_batch=20, segment_points=2, noise_of=20, seeds=1, curvature=True
    ),
}


SETTINGS: dict[str, Any] = {
    "data": "cifar10/held-out",
    "network": "vgg11",
    "loss": "ce",
    "precision": "float32",
    "batch_size": 50,
    "method": "sgd",
    "step_sizes": (0.1,),
    "strengths": (0.0,),
    "seed": 0,
    "seeds": 3,
    "steps": 100,
    "check_every": 10,
    "read_every": 10,
    "goal_loss": 0.1,
}
LAST: dict[str, Any] = {"step": 100, "training_loss": 0.1, "training_accuracy": 1.0, "ending": "goal", "sharpness": 1.0}
COLUMNS = {each.name for each in dataclasses.fields(Reading)} - {"step_size", "strength", "seed"}


def rows_of(
    study: ImplicitRegularization, settings: Mapping[str, Any], snapshot: Snapshot | None = None
) -> tuple[list[Reading], str]:
    advances = study.run(settings, snapshot, "cpu")
    rows: list[Reading] = []
    while True:
        try:
            rows += next(advances).records
        except StopIteration as end:
            return rows, end.value


def run_of(readings: Sequence[Reading], **settings: Any) -> Run:
    """A finished condition with these records."""
    values: dict[str, Any] = {**SETTINGS, **settings}
    columns = columns_of(table_of(readings, schema_of(Reading)))
    return Run(f"{abs(hash(str(sorted(values.items())))):x}", dataclasses.asdict(Plan(**values)), "goal", columns)


def made(quality: Mapping[int, float], *, step_size: float = 0.1, strength: float = 0.0, **settings: Any) -> Run:
    """A run whose copies end with these test accuracies by seed; validation accuracy is the same. Other columns by keyword."""
    columns = {name: settings.pop(name) for name in COLUMNS & settings.keys()}
    rows = []
    for seed, value in quality.items():
        own = {name: each[seed] if isinstance(each, Mapping) else each for name, each in columns.items()}
        values = {**LAST, "seed": seed, "validation_accuracy": value, "test_accuracy": value, **own}
        rows.append(Reading(**{**values, "step_size": step_size, "strength": strength}))
    return run_of(rows, step_sizes=(step_size,), strengths=(strength,), **settings)
