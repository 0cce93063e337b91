"""What Tab offers, asked as a shell asks, and that nothing heavy is imported for it."""

import json
import subprocess
import sys

from genlab.skills.pack import SHIPPED
from genlab.studies.catalogue import STUDIES, presets

HEAVY = ["torch", "pandas", "duckdb", "plotly", "matplotlib", "scipy", "sklearn", "pyarrow", "inspect_ai"]
ASKED = [
    "genlab run e",
    "genlab cite ",
    "genlab run edge_of_stability --preset ",
    "genlab run edge_of_stability --preset p",
    "genlab run --preset ",
    "genlab run mine.py:study --preset ",
    "genlab pack check ",
    "genlab data skill-texts --pack m",
    "genlab data instruct --pack m",
]
SHELL = f"""
import contextlib, io, json, os, sys
from genlab.cli import main
offered = []
sys.argv = ["genlab"]
for line in {ASKED}:
    os.environ.update(_GENLAB_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1))
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main()
    offered.append(said.getvalue().split())
print(json.dumps([offered, [name for name in {HEAVY} if name in sys.modules]]))
"""


def test_studies_presets_and_packs_are_offered_and_nothing_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", SHELL], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    offered, heavy = json.loads(done.stdout)
    assert heavy == []
    every = list(dict.fromkeys(preset for study in STUDIES for preset in presets(study)))
    of_edge = list(presets("edge_of_stability"))
    maths = ["mathematics"]
    assert offered == [["edge_of_stability"], list(STUDIES), of_edge, ["paper"], every, [], list(SHIPPED), maths, maths]
