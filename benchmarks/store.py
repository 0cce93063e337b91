"""What ten thousand conditions in one store cost to list, query and show: from their folders, and from the index.

python benchmarks/store.py [CONDITIONS] [ROWS] [--s3]      medians of REPEATS, in seconds; with --s3 on moto's server, on loopback
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from examples.toy_study import Parabola, Row
from tests.results.buckets import serving

from genlab.results import index, records
from genlab.results.store import Store
from genlab.studies.reporting import summaries

REPEATS = 5
STUDY = f"{Path(__file__).parents[1]}/examples/toy_study.py:study"
SQL = """
select settings ->> '$.step_size' as eta, count(*) as n, avg(loss) as loss
from records join conditions using (condition) group by all"""


def fill(store: Store, conditions: int, rows: int) -> None:
    """What finished conditions of the toy study leave, written directly."""
    store.prepare()
    study = Parabola(seeds=conditions // 2, steps=rows)
    schema = records.schema_of(Row)
    for condition in study.conditions():
        folder = f"conditions/{condition.id}"
        table = records.table_of([Row(step, 0.5 * (step + 1.0)) for step in range(rows)], schema)
        files = {
            "condition.json": {"study": study.name, "reference": STUDY, "protocol": 1, "settings": dict(condition.settings)},
            "environments.json": [{"genlab": "0.1.0", "python": "3.11", "device": "cpu", "threads": "1", "processor": "x"}],
            "facts.json": {},
            "outcome.json": {"status": "finished", "ending": "steps", "records": rows, "cpu_seconds": 0.1, "peak_bytes": 1},
        }
        if store.local:
            (store.local / folder).mkdir(parents=True)
            (store.local / folder / "records.parquet").write_bytes(records.to_bytes(table))
            for name, value in files.items():
                (store.local / folder / name).write_text(json.dumps(value))
        else:
            store.put(f"{folder}/records.parquet", records.to_bytes(table))
            for name, value in files.items():
                store.put_json(f"{folder}/{name}", value)


def median(call: Callable[[], object], repeats: int = REPEATS) -> str:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return f"{statistics.median(taken):8.3f}   [{min(taken):.3f}, {max(taken):.3f}]  n={repeats}"


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    remote = "--s3" in sys.argv
    conditions, rows = (*numbers, *(1000 if remote else 10_000, 50)[len(numbers) :])[:2]
    folder = Path(tempfile.mkdtemp())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        if remote:
            stack.enter_context(serving())
        store = Store("s3://lab/bench" if remote else folder / "store")
        print(f"{conditions} conditions of {rows} rows, {'S3' if remote else 'a folder'}: median [min, max], s")
        print("fill              ", median(lambda: fill(store, conditions, rows), 1))
        print("ids               ", median(store.ids))
        print("stamps            ", median(store.stamps))
        print("status, one by one", median(lambda: [store.status(id) for id in store.ids()], 1))
        print("query, no index   ", median(lambda: index.query(index.look(store, worth=10**9), SQL), 1))
        print("look, makes index ", median(store.look, 1))
        print("look              ", median(store.look))
        print("prepare           ", median(store.prepare))
        print("query             ", median(lambda: store.query(SQL)))
        print("query, status only", median(lambda: store.query("select status, count(*) from conditions group by all")))
        print("runs              ", median(lambda: store.runs("parabola")))
        print("summaries         ", median(lambda: summaries(store)))
        command = [sys.executable, "-c", "from genlab.cli import main; main()", "show", store.url]
        print("genlab show       ", median(lambda: subprocess.run(command, check=True, capture_output=True), 3))
        if store.local:
            sizes = {
                name: sum(f.stat().st_size for f in (store.local / name).rglob("*") if f.is_file())
                for name in ("conditions", "index")
            }
            print(f"bytes: {sizes}")


if __name__ == "__main__":
    main()
