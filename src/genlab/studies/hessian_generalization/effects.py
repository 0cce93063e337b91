"""From trained copies to effects, one value a seed."""

import math
from collections.abc import Callable, Mapping, Sequence

from genlab.results.claims import Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Grid, Point, Seeds, Trained, Way, by_point, chosen, noted, tasks, trained

Value = Callable[[Trained], float]
Measure = Callable[[Sequence[Run]], Sequence[Finding]]


def sharpness(copy: Trained) -> float:
    """lambda_max at the last iterate, of a copy that reached its goal and whose solver converged; else NaN."""
    return copy.last("sharpness") if copy.reached and copy.last("converged") else math.nan


def over(above: float, below: float) -> float:
    """A ratio; NaN over zero."""
    return above / below if below else math.nan


def quality(copy: Trained) -> float:
    """Generalization on the test set, of a copy that reached its goal; else NaN."""
    return copy.quality() if copy.reached else math.nan


def descents(runs: Sequence[Run]) -> dict[str, dict[int, Grid]]:
    """Plain descent by task and batch size."""
    return {
        name: {way.batch: grid for way, grid in ways.items() if way.method == "sgd"}
        for name, ways in tasks(trained(runs)).items()
        if any(way.method == "sgd" for way in ways)
    }


def tau(pairs: Sequence[tuple[float, float]]) -> float:
    """Kendall's tau-b; NaN of fewer than three pairs, or where one side does not vary."""
    from scipy.stats import kendalltau

    known = [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
    if len(known) < 3 or len({x for x, _ in known}) < 2 or len({y for _, y in known}) < 2:
        return math.nan
    return float(kendalltau(*zip(*known, strict=True)).statistic)


def seeds_of(grid: Grid) -> list[int]:
    """Every seed of a grid."""
    return sorted({seed for copies in grid.values() for seed in copies})


def ids(*grids: Grid | Seeds) -> tuple[str, ...]:
    """Conditions that were used."""
    found: dict[str, None] = {}
    for grid in grids:
        for each in grid.values():
            for copy in each.values() if isinstance(each, Mapping) else [each]:
                found[copy.id] = None
    return tuple(found)


def every(grid: Grid) -> list[Trained]:
    """All copies of a grid."""
    return [copy for copies in grid.values() for copy in copies.values()]


def trains(grid: Grid) -> list[Point]:
    """Points at which at least half of the seeds reached their goal, in rising order."""
    return [point for point, copies in grid.items() if 2 * sum(each.reached for each in copies.values()) >= len(copies)]


def falls_with_the_step_size(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Kendall's tau between step size and lambda_max, for each batch size."""
    found = []
    for name, by_batch in descents(runs).items():
        for batch, grid in by_batch.items():
            if len(grid) < 3:
                continue
            setting = f"{name} batch={batch}"
            values = {
                seed: tau([(point.step_size, sharpness(copies[seed])) for point, copies in grid.items() if seed in copies])
                for seed in seeds_of(grid)
            }
            found.append(finding(setting, expected, values, conditions=ids(grid), note=noted(by_point(grid))))
    return found


def gains(grid: Grid, value: Value) -> tuple[dict[int, float], str]:
    """What the largest step size that trains gains over the smallest, by seed; and which two they are."""
    points = trains(grid)
    if len(points) < 2:
        return {}, ""
    least, most = points[0], points[-1]
    shared = sorted(grid[least].keys() & grid[most].keys())
    values = {seed: value(grid[most][seed]) - value(grid[least][seed]) for seed in shared}
    return values, f"{least.step_size:g} to {most.step_size:g}"


def gain_shrinks(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """The gain of the smallest batch size from larger steps, less that of the largest."""
    found = []
    for name, by_batch in descents(runs).items():
        swept = {batch: grid for batch, grid in by_batch.items() if len(trains(grid)) > 1}
        if len(by_batch) < 2:
            continue
        if len(swept) < 2:
            found.append(not_measured(name, expected, "fewer than two batch sizes with two step sizes that train"))
            continue
        small, large = min(swept), max(swept)
        (few, over), (many, across) = gains(swept[small], quality), gains(swept[large], quality)
        values = {seed: few[seed] - many[seed] for seed in sorted(few.keys() & many.keys())}
        setting = f"{name} batch={small} (eta {over}) against {large} (eta {across})"
        groups = {f"batch={batch} {name}": each for batch in (small, large) for name, each in by_point(swept[batch]).items()}
        found.append(finding(setting, expected, values, conditions=ids(swept[small], swept[large]), note=noted(groups)))
    return found


def gain_of_the_whole_batch(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """The gain of the largest batch size from larger steps."""
    found = []
    for name, by_batch in descents(runs).items():
        if len(by_batch) < 2:
            continue
        large = max(by_batch)
        values, across = gains(by_batch[large], quality)
        setting = f"{name} batch={large}" + (f" eta {across}" if across else "")
        if not values:
            found.append(not_measured(setting, expected, "fewer than two step sizes that train"))
            continue
        found.append(finding(setting, expected, values, conditions=ids(by_batch[large]), note=noted(by_point(by_batch[large]))))
    return found


def along_the_ratio(expected: Region, value: Value, *, ratio: bool) -> Measure:
    """The largest batch size against the smallest at one eta / B: the ratio of a value, or the difference."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for name, by_batch in descents(runs).items():
            lines: dict[str, dict[int, Seeds]] = {}
            for batch, grid in by_batch.items():
                for point, copies in grid.items():
                    lines.setdefault(f"{point.step_size / batch:.3g}", {})[batch] = copies
            for line, sizes in sorted(lines.items(), key=lambda pair: float(pair[0])):
                if len(sizes) < 2:
                    continue
                small, large = min(sizes), max(sizes)
                a, b = sizes[small], sizes[large]
                shared = sorted(a.keys() & b.keys())
                values = {
                    seed: over(value(b[seed]), value(a[seed])) if ratio else value(b[seed]) - value(a[seed]) for seed in shared
                }
                both = {f"batch={small}": list(a.values()), f"batch={large}": list(b.values())}
                note = noted(both)
                setting = f"{name} eta/B={line}, batch={large} against {small}"
                found.append(finding(setting, expected, values, conditions=ids(a, b), note=note))
            if len(by_batch) > 1 and not any(len(sizes) > 1 for sizes in lines.values()):
                found.append(not_measured(name, expected, "no two batch sizes at one eta/B"))
        return found

    return measure


def sams(runs: Sequence[Run]) -> list[tuple[str, Way, Grid, Grid]]:
    """SAM and plain descent with the same batch: (task, SAM's way, SAM's grid, plain grid)."""
    found = []
    for name, ways in tasks(trained(runs)).items():
        for way, grid in ways.items():
            if way.method == "sam":
                found.append((name, way, grid, ways.get(Way("sgd", way.batch, 0), {})))
    return found


def sam_flattens(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """lambda_max with SAM over that without, at the same batch and step size, for the largest rho that trains."""
    found = []
    for name, way, grid, plain in sams(runs):
        for size in dict.fromkeys(point.step_size for point in grid):
            points = [point for point in trains(grid) if point.step_size == size and point.strength]
            setting = f"{name} batch={way.batch} eta={size:g}"
            if not points or Point(size, 0.0) not in plain:
                found.append(
                    not_measured(setting, expected, "SAM does not train here" if not points else "no plain run beside it")
                )
                continue
            with_sam, without = grid[points[-1]], plain[Point(size, 0.0)]
            values = {seed: over(sharpness(copy), sharpness(without[seed])) for seed, copy in with_sam.items() if seed in without}
            note = noted({"SAM": list(with_sam.values()), "plain": list(without.values())})
            found.append(
                finding(f"{setting} rho={points[-1].strength:g}", expected, values, conditions=ids(with_sam, without), note=note)
            )
    return found


def sam_gain_shrinks(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """What SAM gains at the smallest batch less what it gains at the largest; rho and step sizes chosen on validation data."""
    found = []
    by_task: dict[str, dict[int, tuple[Grid, Grid]]] = {}
    for name, way, grid, plain in sams(runs):
        by_task.setdefault(name, {})[way.batch] = (grid, plain)
    for name, by_batch in by_task.items():
        small, large = min(by_batch), max(by_batch)
        gain = {}
        words = {}
        for batch in (small, large):
            grid, plain = by_batch[batch]
            best, without = chosen(_fitted(grid)), chosen(_fitted(plain))
            if best and without:
                pairs = {seed: copy for seed, copy in grid[best].items() if seed in plain[without]}
                gain[batch] = {seed: quality(copy) - quality(plain[without][seed]) for seed, copy in pairs.items()}
                words[batch] = f"rho={best.strength:g} eta={best.step_size:g} over eta={without.step_size:g}"
        if small == large or len(gain) < 2:
            why = (
                "SAM was not run with two batch sizes"
                if small == large
                else "no validation set, or no setting that all seeds fit"
            )
            found.append(not_measured(name, expected, why))
            continue
        values = {seed: gain[small][seed] - gain[large][seed] for seed in sorted(gain[small].keys() & gain[large].keys())}
        setting = f"{name} batch={small} ({words[small]}) against {large} ({words[large]})"
        groups = {
            f"{what} batch={batch}": every(grid)
            for batch in (small, large)
            for what, grid in zip(("SAM", "plain"), by_batch[batch], strict=True)
        }
        used = tuple(dict.fromkeys(copy.id for copies in groups.values() for copy in copies))
        found.append(finding(setting, expected, values, conditions=used, note=noted(groups)))
    return found


def _fitted(grid: Grid) -> Grid:
    """The points at which every seed reached its goal: only those can be compared at equal training loss."""
    return {point: copies for point, copies in grid.items() if all(each.reached for each in copies.values())}


def correlations(runs: Sequence[Run]) -> dict[str, dict[str, dict[int, float]]]:
    """Kendall's tau between lambda_max and generalization: by task, within each sweep and pooled, one value a seed."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for name, ways in tasks(trained(runs)).items():
        sweeps = {str(way): every(grid) for way, grid in ways.items() if len(grid) > 2}
        if len(ways) > 1:
            sweeps["pooled"] = [copy for grid in ways.values() for copy in every(grid)]
        for sweep, copies in sweeps.items():
            by_seed: dict[int, list[tuple[float, float]]] = {}
            for copy in copies:
                by_seed.setdefault(copy.seed, []).append((sharpness(copy), quality(copy)))
            found.setdefault(name, {})[sweep] = {seed: tau(pairs) for seed, pairs in sorted(by_seed.items())}
    return found


def within_steps(expected: Region, *, small: bool) -> Measure:
    """Kendall's tau between lambda_max and generalization within plain descent's step sizes, at the smallest or largest batch."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for name, by_batch in descents(runs).items():
            batch = min(by_batch) if small else max(by_batch)
            grid = by_batch[batch]
            setting = f"{name} batch={batch}"
            if len(by_batch) < 2:  # no sweep of batches was meant
                continue
            if len(grid) < 3:
                found.append(not_measured(setting, expected, "fewer than three step sizes"))
                continue
            by_seed: dict[int, list[tuple[float, float]]] = {seed: [] for seed in seeds_of(grid)}
            for copy in every(grid):
                by_seed[copy.seed].append((sharpness(copy), quality(copy)))
            values = {seed: tau(pairs) for seed, pairs in by_seed.items()}
            found.append(finding(setting, expected, values, conditions=ids(grid), note=noted(by_point(grid))))
        return found

    return measure
