# %% [markdown]
# # Skill-Mix
#
# Can a model combine k random skills on a random topic in one short text? Yu et al.
# (2023) ask exactly that, and with enough skills most combinations cannot have been in
# anybody's training data. Here you draw combinations, evaluate the small model that
# ships with genlab through Inspect, look at what it wrote, and get from the texts to a
# number with an interval.
#
# No key, no GPU, a minute. It wants `pip install 'genlab[sft,notebook]'`. The model
# knows one formal language, [skillworld](../skillworld.md), in which a program decides
# without error which skills a text shows; its numbers are comparable with nothing in
# English.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import genlab
from genlab import chance, cluster_bootstrap, draw, novelty_bound
from genlab.evaluation.writing import draft
from genlab.grading.rubric import rubric
from genlab.skills.pack import load
from genlab.skillworld.checker import check

# %% [markdown]
# ## A combination, and what the student is asked
#
# A *pack* holds skills and topics. A combination is k of its skills and a topic, drawn
# at random; its number and the seed say which, so that two models are asked the same.

# %%
pack = load("skillworld")
combinations = draw(pack, k=3, n=4, seed=0).combinations
pd.DataFrame(
    {
        "skills": [[skill.name for skill in each.skills] for each in combinations],
        "topic": [each.topic.name for each in combinations],
    }
)

# %%
first = combinations[0]
print(draft(rubric(first.skills, first.topic.name), form=pack.text, manner=pack.manner))

# %% [markdown]
# A text earns a point a skill, and three more: on topic, makes sense, no longer than k
# - 1 sentences. *Full marks* is all k + 3 points.

# %%
check(
    "Perhaps the tiny, small bee sees the hive.",
    ["hedge", "faint echo of size", "fear"],
    "beekeeping",
    2,
)

# %% [markdown]
# ## Evaluate
#
# The study asks the student for one text each of 20 combinations at every k. Any model
# that Inspect can reach goes in its place: `--set student=openai/...`, then with a
# grader and a budget ([from a key to a number](../skill_mix.md)).

# %% language="bash"
# genlab run skill_mix --set n=20 --set k=2,4,5 --out runs/mix > run.txt
# tail -n 2 run.txt

# %% [markdown]
# ## From texts to a ratio
#
# Every text is a record: what was asked, what was written, which points it earned.
# Planted texts, which measure the grader, stand among them with `control` set, and are
# in no ratio.

# %%
store = genlab.load("runs/mix")
texts = store.records("skill_mix")
texts = texts[texts.control.isna() | (texts.control == "")]
texts[["k", "skills", "topic", "text", "full_marks"]].groupby("k").head(1)

# %% [markdown]
# The interval is a bootstrap over combinations: several texts of one combination are
# not independent. Where all texts agree, a bootstrap knows no spread;
# `cluster_bootstrap` falls back to Wilson's interval there.

# %%
rows = []
for k, group in texts.groupby("k"):
    found = cluster_bootstrap(
        group.full_marks, group["index"], random=chance.numpy("tutorial", int(k))
    )
    rows.append((k, found.centre, found.low, found.high, found.n))
curve = pd.DataFrame(rows, columns=["k", "full marks", "low", "high", "combinations"])
curve

# %%
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
spread = [curve["full marks"] - curve.low, curve.high - curve["full marks"]]
axes.errorbar(curve.k, curve["full marks"], yerr=spread, fmt="o-", capsize=3)
axes.set(
    xlabel="k, skills a text",
    ylabel="Ratio of Full Marks",
    xticks=curve.k,
    ylim=(0, 1.02),
)
plt.show()

# %% [markdown]
# ## What went wrong
#
# A ratio does not say why. The points do.

# %%
failed = texts[texts.full_marks == 0]
for _, row in failed.head(3).iterrows():
    criteria = [*row.skills, "on topic", "makes sense", "length"]
    missed = [
        name for name, point in zip(criteria, row.points, strict=True) if point < 1
    ]
    print(f"k={row.k}, {row.topic}: {', '.join(row.skills)}")
    print(f"  {row.text}\n  misses: {', '.join(missed)}\n")

# %% [markdown]
# ## Could it have seen the combination?
#
# A corpus of L texts, of which a share p_s shows a skill and a share p_t is about a
# topic, holds at most p_s^k p_t L of the combinations of k skills, if these are
# independent. A model whose ratio lies above that bound combines what it has not seen
# (Yu et al. 2023). The frequencies here are assumptions, and so is what follows from
# them; a bound of 1 or more says nothing.

# %%
for k in (2, 3, 4, 5, 6):
    bound = novelty_bound(k, p_s=0.02, p_t=1e-6, L=1e13)
    print(f"k={k}: at most {bound:.2g} of the combinations")
