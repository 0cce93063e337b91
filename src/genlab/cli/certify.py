"""``genlab certify``: a checkpoint, test images, and the radius within which each one's class is certain."""

import shlex
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from genlab.cli.screen import INTERRUPTED, err, out, usage

if TYPE_CHECKING:
    from genlab.smoothing.records import Row
    from genlab.smoothing.run import Prepared


def certify(
    model: Annotated[str, typer.Option(help="The weights: a safetensors file, with a Normalised first layer or without")],
    arch: Annotated[str, typer.Option(help="The network they belong to, such as resnet20")],
    data: Annotated[str, typer.Option(help="Whose test images, such as cifar10; the model gets them with pixels in [0, 1]")],
    sigma: Annotated[float, typer.Option(help="Standard deviation of the noise, on pixels in [0, 1]")],
    place: Annotated[str, typer.Option("--out", help="A file of lines idx, label, predict, radius, correct, time")],
    n: Annotated[int, typer.Option(help="Noisy copies of an image")] = 10_000,
    n0: Annotated[int, typer.Option(help="Noisy copies that select its class, before those")] = 100,
    alpha: Annotated[float, typer.Option(help="Probability that a certificate is wrong")] = 0.001,
    skip: Annotated[int, typer.Option(help="Of so many images one: 20 takes images 0, 20, 40, ...")] = 1,
    max: Annotated[int | None, typer.Option(help="Only images numbered below")] = None,
    until: Annotated[
        float | None,
        typer.Option(help="Stop counting an image once this radius is certified or out of reach; alpha is shared out"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the noise")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes a GPU where there is one")] = "auto",
    batch: Annotated[int | None, typer.Option(help="Noisy images of a pass; default by the device")] = None,
    dtype: Annotated[Literal["float32", "bfloat16"], typer.Option(help="Of the model's passes")] = "float32",
) -> None:
    """Certify test images under Gaussian noise, an image a line. The same command goes on where it stopped."""
    with usage():
        from genlab.smoothing.run import Plan, prepare
        from genlab.studies.execute import resolve

        where = resolve(device)
        plan = Plan(model, arch, data, sigma, n, n0, alpha, skip, max, seed, until, where, dtype, batch)
        begun = time.monotonic()
        try:
            prepared = prepare(plan, place)
            _say_precision(prepared)
            rows = _run(prepared)
        except KeyboardInterrupt as stop:
            again = shlex.join(["genlab", *sys.argv[1:]])
            err.print(f"Stopped; no finished image is lost. To go on:\n  {again}", style="bold", markup=False)
            raise typer.Exit(INTERRUPTED) from stop
    _tell(prepared, rows, time.monotonic() - begun)


def _run(prepared: "Prepared") -> "tuple[Row, ...]":
    from genlab.progress import Line
    from genlab.smoothing.run import certify

    of = len(prepared.indices)
    known = {row.index for row in prepared.file.rows()}
    done = sum(index in known for index in prepared.indices)
    if done:
        out.print(f"{done} of {of} images are in {prepared.file.path}", markup=False, soft_wrap=True)
    right: list[bool] = []

    with Line(out, "images", of, done) as line:

        def report(place: int, of: int, row: "Row") -> None:
            right.append(row.correct)
            line.at(done + len(right), f"{sum(right)} of the last {len(right)} right and certain")

        return certify(prepared, report)


def _say_precision(prepared: "Prepared") -> None:
    """What lower precision does to the counts, measured before anything is counted."""
    from genlab.intervals import wilson
    from genlab.smoothing.run import compared

    if prepared.plan.dtype == "float32" or prepared.file.path.exists():
        return
    same, of = compared(prepared)
    share = wilson(same, of)
    out.print(
        f"{prepared.plan.dtype} gives {share.centre:.2%} [{share.low:.2%}, {share.high:.2%}] of {of:,} noisy copies the class "
        "that float32 gives them; what is certified is the network as it is computed",
        markup=False,
    )


def _tell(prepared: "Prepared", rows: "Sequence[Row]", seconds: float) -> None:
    from genlab.results.duration import duration
    from genlab.smoothing.accuracy import abstention, accuracy_of
    from genlab.smoothing.run import radii

    plan = prepared.plan
    at = radii(prepared.largest)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("radius", "certified accuracy", "95% interval"):
        table.add_column(column, justify="right")
    for radius, share in zip(at, accuracy_of(rows, at), strict=True):
        table.add_row(f"{radius:g}", f"{share.centre:.3f}", f"[{share.low:.3f}, {share.high:.3f}]")
    out.print(table)
    none = abstention(rows)
    early = f", counting stopped early at radius {plan.until:g}" if plan.until is not None else ""
    out.print(
        f"{len(rows)} images; abstained {none.centre:.3f} [{none.low:.3f}, {none.high:.3f}]. sigma={plan.sigma:g}, "
        f"n0={plan.n0:,}, n={plan.n:,}, alpha={plan.alpha:g}{early}; no radius above {prepared.largest:.4g} can come of this n. "
        f"{prepared.classifier.passes.device}, {plan.dtype}, {duration(seconds)}.",
        markup=False,
    )
    out.print(f"Lines: {prepared.file.path}; what they stand on: {prepared.file.beside.name}", markup=False, soft_wrap=True)
