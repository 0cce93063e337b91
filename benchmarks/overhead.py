"""What running a condition costs beyond the condition: thousands of tiny ones, by processes of this machine and by Ray.

python benchmarks/overhead.py --conditions 5000 --milliseconds 100 --by local --out /tmp/by-local
python benchmarks/overhead.py --conditions 5000 --milliseconds 100 --by ray --out /tmp/by-ray

Driver time is processor time of the process that hands conditions out. A core counts as busy while a condition is on it: from
the moment its call begins (the store opened, the study found) to the moment its records and outcome are in the store.
"""

import argparse
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genlab.cli.grant import granted
from genlab.results.snapshots import Snapshot
from genlab.results.store import Store
from genlab.running.cluster import Cluster
from genlab.running.pool import Line, Pool, Task
from genlab.studies.catalogue import Choice
from genlab.studies.execute import Place, execute, execute_there
from genlab.studies.study import Advance, Condition, Study, all_conditions

PRELOAD = ("genlab.studies.execute", "pyarrow.parquet", "pandas", "safetensors.numpy", "filelock", "pydantic.type_adapter")


@dataclass(frozen=True)
class Row:
    turns: int


@dataclass(frozen=True)
class Spin(Study):
    name, title, record = "spin", "How long does nothing take?", Row
    many: int = 5000
    milliseconds: float = 100.0

    def conditions(self) -> list[Condition]:
        return [self.condition(milliseconds=self.milliseconds, seed=seed) for seed in range(self.many)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        end = time.process_time() + settings["milliseconds"] / 1000
        while time.process_time() < end:
            pass
        yield Advance(1, 1, (Row(settings["seed"]),), snapshot=lambda: Snapshot({}, {}))
        return "steps"


study = Spin()


def timed(line: Line, choice: Choice, id: str, place: Place, there: bool) -> tuple[float, float]:
    """Seconds that the condition held its core, and processor seconds of them."""
    began, spent = time.monotonic(), time.process_time()
    ended = (execute_there if there else execute)(line, choice, id, place)
    assert ended.status == "finished", ended
    return time.monotonic() - began, time.process_time() - spent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--conditions", type=int, default=5000)
    parser.add_argument("--milliseconds", type=float, default=100.0)
    parser.add_argument("--by", choices=["local", "ray"], required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    assignments = (f"many={args.conditions}", f"milliseconds={args.milliseconds}")
    choice = Choice(f"{Path(__file__).resolve()}:study", "mini", assignments)
    store = Store(str(Path(args.out).resolve()))
    store.prepare()
    grant = granted("local" if args.by == "ray" else None, "cpu", args.conditions, None)
    assert grant.at_once is not None
    mine = replace(study, many=args.conditions, milliseconds=args.milliseconds)
    place = Place(store.url, "cpu", grant.threads)
    tasks = [Task(pair[1].id, (choice, pair[1].id, place, args.by == "ray")) for pair in all_conditions([mine])]
    if grant.reach:
        pool: Pool | Cluster = Cluster(timed, tasks, reach=grant.reach, workers=grant.at_once)
    else:
        pool = Pool(timed, tasks, workers=grant.at_once, threads=grant.threads, preload=PRELOAD)
    entering = time.monotonic()
    busy, spent, first, last, ended = 0.0, 0.0, 0.0, 0.0, 0
    with pool:
        began, driver = time.monotonic(), time.process_time()
        for event in pool.events():
            if event is not None and event.kind == "done":
                first, last, ended = first or time.monotonic(), time.monotonic(), ended + 1
                busy, spent = busy + event.content["result"][0], spent + event.content["result"][1]
            assert event is None or event.kind != "died", event
        driver = time.process_time() - driver
    wall, cores = last - began, grant.at_once
    print(f"{args.by}: {ended} conditions of {args.milliseconds:g} ms, {cores} at once, load {os.getloadavg()[0]:.1f}")
    print(f"  started in {began - entering:.1f} s, first done after {first - began:.1f} s, all after {wall:.1f} s")
    print(f"  driver {1000 * driver / ended:.2f} ms of processor time a condition")
    print(f"  a condition holds its core {1000 * busy / ended:.1f} ms, {1000 * spent / ended:.1f} ms of processor time")
    print(f"  cores busy {100 * busy / (wall * cores):.1f}%, after the first {100 * busy / ((last - first) * cores):.1f}%")


if __name__ == "__main__":
    main()
