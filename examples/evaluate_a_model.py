"""Skill-Mix on any model that Inspect can reach, from Python, and what its grades are worth.

python examples/evaluate_a_model.py [STUDENT GRADER], for instance openai/gpt-4o anthropic/claude-opus-4-5; without names, two
scripts stand in for them and only the plumbing is shown.
"""

import sys
import tempfile

from inspect_ai import eval
from inspect_ai.model import get_model

from genlab import chance
from genlab.evaluation.logs import read_texts
from genlab.evaluation.task import skill_mix
from genlab.grading.agreement import between_gradings
from genlab.intervals import cluster_bootstrap

student, grader = sys.argv[1:3] if len(sys.argv) > 2 else ("scripted/student", "scripted/grader")
with tempfile.TemporaryDirectory() as folder:
    eval(
        skill_mix(k=3, n=10, generations=2),
        model=student,
        model_roles={"grader": get_model(grader)},
        log_dir=folder,
        display="none",
    )
    texts = [row for row in read_texts(folder) if not row.control]

graded = [row for row in texts if row.full_marks is not None]
marks = [row.full_marks for row in graded if row.full_marks is not None]
interval = cluster_bootstrap(marks, [row.sample for row in graded], random=chance.numpy("example"))
alpha = between_gradings(graded, random=chance.numpy("agreement"))[grader]["all"].alpha
print(f"{student}, k=3: full marks {interval}, {interval.n} combinations, {len(texts) - len(graded)} texts without a grade")
print(f"alpha between the gradings of {grader}: {alpha}")
