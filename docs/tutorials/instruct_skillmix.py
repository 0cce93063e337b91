# %% [markdown]
# # Instruction data from pairs of skills
#
# Instruct-SkillMix (Kaur, Park, Goyal, Arora 2024) has a teacher write instructions
# that need two random skills each. A few thousand of them turn a base into a model that
# rivals chat models, and a fifth of careless answers spoils much of it. Here you make
# such data, spoil a part, look for the careless answers, and let the study measure what
# each does to a student.
#
# No key, no GPU, a minute or two. It wants `pip install 'genlab[sft,notebook]'`.
# Teacher and judge are programs of a formal language, [skillworld](../skillworld.md): a
# miniature, and no evidence on large models.

# %%
from itertools import islice

import matplotlib.pyplot as plt
import pandas as pd

import genlab
from genlab import chance
from genlab.curation.shirkers.detecting import dropped, score
from genlab.curation.shirkers.planting import plant, skillworld
from genlab.skillworld import queries
from genlab.skillworld.skills import pack

# %% [markdown]
# ## Instructions
#
# Each query is of a type (planning, story, help, ...), on a topic, and needs k skills.
# With a model as the teacher the same is `genlab data instruct --teacher openai/...`,
# which drafts, criticises and refines.

# %%
rows = []
for each in islice(queries.queries(pack(), 2, seed=0), 200):
    answer = queries.answer(each, chance.python("answer", each.index))
    rows.append(
        {
            "instruction": each.instruction,
            "output": answer,
            "skills": list(each.skills),
            "topic": each.topic,
            "query_type": each.query_type,
        }
    )
pd.DataFrame(rows)[["query_type", "instruction", "output"]].head(4)

# %% [markdown]
# ## Shirkers, planted and looked for
#
# A fifth of the answers becomes hasty. Which rows are hit is random, keyed by the seed,
# and those of a smaller share are among those of a larger one.

# %%
spoilt = plant(rows, kind="brevity", share=0.2, seed=0, write=skillworld("brevity"))
hit = {index for index, row in enumerate(spoilt) if row["shirker"]}
for index in sorted(hit)[:2]:
    print(
        spoilt[index]["instruction"],
        "\n   before:",
        spoilt[index]["unshirked"],
        "\n   now:   ",
        spoilt[index]["output"],
        "\n",
    )

# %% [markdown]
# Nobody tells the detector which they are. It measures every answer beside the others
# of its data set, and gives reasons.

# %%
suspects = dropped(score(spoilt))
right = sum(each.index in hit for each in suspects)
print(f"{len(suspects)} suspects, of which {right} were planted, of {len(hit)} planted")
pd.DataFrame(
    [
        {
            "row": each.index,
            "score": round(each.score, 1),
            "reasons": "; ".join(each.reasons),
        }
        for each in suspects[:3]
    ]
)

# %% [markdown]
# It finds hasty answers, and fails on long empty ones whose phrases it does not know:
# [how well it works](../shirkers.md).
#
# ## What they do to a student
#
# The study fine-tunes a student on each kind of data, has it answer instructions that
# it has not met, and lets a judge compare every answer with a reference's: the win
# rate. Here with a quarter of the miniature's examples and one seed.

# %%
# %%writefile grid.py
from dataclasses import replace

from genlab.studies.instruct_skillmix import InstructSkillMix

base = InstructSkillMix(n=(100,), seeds=1, questions=30, held_out=30)
study = (
    replace(base, source=("base",)),
    base,
    replace(base, shirkers=("brevity", "junk"), share=(0.4,)),
)

# %% language="bash"
# genlab run grid.py:study --out runs/instruct > run.txt
# tail -n 2 run.txt

# %%
store = genlab.load("runs/instruct")
students = store.conditions()[["id", "label"]]
answers = store.records("instruct_skillmix").merge(students, on="id")
answers["win"] = (
    answers.preference - 1
)  # AlpacaEval's scale: 1 the reference, 2 the student, 1.5 a tie
rates = answers.groupby("label").win.agg(["mean", "count"]).sort_values("mean")
rates

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.barh([label.removesuffix(" seed 0") for label in rates.index], rates["mean"])
axes.set_xlabel("win rate over the reference (one seed)")
plt.show()
# %% [markdown]
# Ninety answers a student and one seed: differences of a few hundredths are noise here,
# and the study leaves its claims undecided. Three seeds and four times the data decide
# some of them ([what was found](../studies/instruct_skillmix.md)).

# %%
store.claims()[["claim", "verdict", "effect", "n", "sentence"]].drop_duplicates("claim")

# %% [markdown]
# ## Next
#
# - `genlab run instruct_skillmix` is the miniature: 45 students, three seeds, five
#   minutes on two idle cores.
# - [From a teacher's key to a judged model](../instruct_skillmix.md), with what each
#   step costs.
# - [Instruction data](../instruction_data.md) from a model of yours, and [judging
#   answers](../judging.md).
