"""Effects that compare networks: with more and less dropout, with and without batch norm."""

import math
import re
from collections.abc import Callable, Sequence

from genlab.results.claims import Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Seeds, Trained, goal, mean, noted, trained
from genlab.studies.hessian_generalization.effects import ids, over, quality, sharpness, tau

FORM = re.compile(r"(?P<drop>-dropout(?P<p>[0-9.]+))|(?P<norm>-bn)")


def family(network: str) -> str:
    """A network's id without dropout and batch norm."""
    return FORM.sub("", network)


def dropout(network: str) -> float:
    """The probability in a network's id; 0 without dropout."""
    found = re.search(r"-dropout([0-9.]+)", network)
    return float(found[1]) if found else 0.0


def normalised(network: str) -> bool:
    """Whether the id names batch norm."""
    return "-bn" in network


def by_network(runs: Sequence[Run], keep: Callable[[str], bool]) -> dict[str, dict[str, Seeds]]:
    """Plain descents at one batch and step size, by network, for the networks to keep."""
    found: dict[str, dict[str, Seeds]] = {}
    for each in trained(runs):
        settings = each.settings
        if settings["method"] == "sgd" and keep(settings["network"]):
            name = f"{settings['data']} {family(settings['network'])} {settings['loss']}{goal(settings)} "
            name += f"batch={settings['batch_size']} eta={settings['step_size']:g}"
            found.setdefault(name, {}).setdefault(settings["network"], {})[each.seed] = each
    return {name: networks for name, networks in found.items() if len(networks) > 1}


def dropouts(runs: Sequence[Run]) -> dict[str, dict[float, Seeds]]:
    """By setting, then by the probability of dropout."""
    found = {}
    for name, networks in by_network(runs, lambda network: not normalised(network)).items():
        found[name] = {dropout(network): networks[network] for network in sorted(networks, key=dropout)}
    return found


def dropout_flattens(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Kendall's tau between the probability of dropout and lambda_max."""
    found = []
    for name, by_p in dropouts(runs).items():
        seeds = sorted(set.intersection(*(set(copies) for copies in by_p.values())))
        values = {seed: tau([(p, sharpness(copies[seed])) for p, copies in by_p.items()]) for seed in seeds}
        setting = f"{name} p={', '.join(f'{p:g}' for p in by_p)}"
        groups = {f"p={p:g}": list(each.values()) for p, each in by_p.items()}
        found.append(finding(setting, expected, values, conditions=ids(*by_p.values()), note=noted(groups)))
    return found


def dropout_has_a_best(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Test accuracy at the inner p that is best on validation data, less that at the better end."""
    found = []
    for name, by_p in dropouts(runs).items():
        inner = list(by_p)[1:-1]
        if not inner:
            found.append(not_measured(name, expected, "fewer than three probabilities"))
            continue
        validated = {p: mean(by_p[p], lambda each: each.quality("validation")) for p in inner}
        known = {p: value for p, value in validated.items() if math.isfinite(value)}
        if not known:
            found.append(not_measured(name, expected, "no validation set to choose by"))
            continue
        best = max(known, key=lambda p: known[p])
        ends = (by_p[min(by_p)], by_p[max(by_p)])
        values = {
            seed: quality(copy) - max(quality(end[seed]) for end in ends)
            for seed, copy in by_p[best].items()
            if all(seed in end for end in ends)
        }
        groups = {f"p={p:g}": list(each.values()) for p, each in by_p.items()}
        found.append(finding(f"{name} p={best:g}", expected, values, conditions=ids(*by_p.values()), note=noted(groups)))
    return found


def norms(runs: Sequence[Run]) -> dict[str, tuple[Seeds, Seeds]]:
    """By setting: with batch norm, and without."""
    found = {}
    for name, networks in by_network(runs, lambda network: not dropout(network)).items():
        with_norm = [each for each in networks if normalised(each)]
        without = [each for each in networks if not normalised(each)]
        if with_norm and without:
            found[name] = (networks[with_norm[0]], networks[without[0]])
    return found


def norm_helps(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Generalization with batch norm less that without, at one batch and step size."""
    found = []
    for name, (normal, plain) in norms(runs).items():
        values = {seed: quality(copy) - quality(plain[seed]) for seed, copy in normal.items() if seed in plain}
        note = noted({"batch norm": list(normal.values()), "without": list(plain.values())})
        found.append(finding(name, expected, values, conditions=ids(normal, plain), note=note))
    return found


def norm_does_not_flatten(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """lambda_max with batch norm over that without, in the setting of a task where its mean over seeds is largest.

    Between two iterates where both were read there, else at the last one.
    """
    found = []
    settings: dict[str, dict[str, dict[int, float]]] = {}
    used: dict[str, tuple[Seeds, Seeds]] = norms(runs)
    for name, (normal, plain) in used.items():
        ratios = {seed: over(*_levels(copy, plain[seed])) for seed, copy in normal.items() if seed in plain}
        settings.setdefault(name.rpartition(" batch=")[0], {})[name] = ratios
    for where, by_setting in settings.items():
        known = {name: [value for value in values.values() if math.isfinite(value)] for name, values in by_setting.items()}
        known = {name: values for name, values in known.items() if values}
        if not known:
            found.append(not_measured(where, expected, "no pair of copies with and without batch norm that trained"))
            continue
        name = max(known, key=lambda each: math.fsum(known[each]) / len(known[each]))
        normal, plain = used[name]
        note = noted({"batch norm": list(normal.values()), "without": list(plain.values())})
        found.append(finding(name, expected, by_setting[name], conditions=ids(normal, plain), note=note))
    return found


def _levels(normal: Trained, plain: Trained) -> tuple[float, float]:
    between = (normal.last("segment_sharpness"), plain.last("segment_sharpness"))
    if normal.reached and plain.reached and all(map(math.isfinite, between)):
        return between
    return sharpness(normal), sharpness(plain)
