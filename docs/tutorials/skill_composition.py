# %% [markdown]
# # Skill composition, learned from examples
#
# Fine-tuned on texts of one to three skills, does a model write texts of four, and
# combine skills that it was never fine-tuned on? Zhao et al. (2024) found so on chat
# models. Here you watch it happen to a model of 0.4 million weights: make the data,
# fine-tune, evaluate, and then let the study do it with its controls.
#
# No key, no GPU, a minute or two. It wants `pip install 'genlab[sft,notebook]'`. The
# language is [skillworld](../skillworld.md), whose checker is exact; what holds here is
# a fact about a miniature, and no evidence on large models.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import genlab
from genlab import draw
from genlab.curation.skill_texts import Recipe as Texts
from genlab.curation.skill_texts import read, skill_texts
from genlab.evaluation.writing import draft
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune
from genlab.grading.rubric import rubric
from genlab.skills.pack import load
from genlab.skillworld.checker import check
from genlab.students.generating import Writer
from genlab.students.places import shipped

# %% [markdown]
# ## Data
#
# Texts of k = 1, 2 and 3 skills, by skillworld's own teacher. Three categories of
# skills and a part of the topics are held out: no text here shows one of them.

# %%
skill_texts(Texts(k=(1, 2, 3), n=300), "texts")
rows = read("texts")
for row in (rows[0], rows[-1]):
    print(row["messages"][0]["content"], "\n  ", row["messages"][1]["content"], "\n")

# %% [markdown]
# ## Fine-tune
#
# The base ships with genlab. It knows every skill alone, the held-out ones too, and two
# at a time at the most. A low-rank adapter leaves what it knows in place: training all
# weights makes it forget the held-out skills.

# %%
recipe = Recipe(
    "skillworld-base",
    method="lora",
    lora_rank=8,
    epochs=1,
    batch=24,
    step_size=2e-3,
    by_length=False,  # so that losses along the way are comparable
)
outcome = finetune(recipe, "tuned", train="texts", device="cpu")
losses = [loss for _, loss in outcome.losses]
first, last = sum(losses[:10]) / 10, sum(losses[-10:]) / 10
print(
    f"{outcome.steps} steps; loss of the first ten {first:.2f}, of the last {last:.2f}"
)

# %% [markdown]
# ## Evaluate
#
# Thirty combinations of k skills of the whole pack, one text each, graded by the
# checker: a point a skill, and one each for topic, sense and length. Full marks are all
# of them.

# %%
pack = load("skillworld")


def full_marks(folder: str, k: int, n: int = 30) -> float:
    """Ratio of Full Marks of a student at k."""
    combinations = draw(pack, k=k, n=n, seed=1).combinations
    names = [[skill.name for skill in each.skills] for each in combinations]
    asked = [
        draft(rubric(each.skills, each.topic.name), form=pack.text, manner=pack.manner)
        for each in combinations
    ]
    replies = Writer(folder).write(
        [[{"role": "user", "content": words}] for words in asked]
    )
    points = [
        check(reply.text, skills, each.topic.name, limit=max(1, k - 1))
        for reply, skills, each in zip(replies, names, combinations, strict=True)
    ]
    return sum(min(each) == 1 for each in points) / n


students = {
    "base": str(shipped()["skillworld-base"]),
    "tuned on k = 1, 2, 3": "tuned/model",
}
curves = pd.DataFrame(
    {
        name: [full_marks(folder, k) for k in (1, 2, 3, 4)]
        for name, folder in students.items()
    },
    index=[1, 2, 3, 4],
)
curves.index.name = "k"
curves

# %% [markdown]
# ## As a study
#
# One student and one seed leave much open. Is it the skills, or only the form of the
# requests? More data, or more skills a text? The study has a student for each question,
# at equal tokens, several seeds, and texts of trained and of held-out skills. Here it
# is, cut down to a fraction of its miniature: a thirteenth of the texts, one seed,
# three students.

# %% language="bash"
# genlab run skill_composition --seeds 1 --set 'mixture=base,format,D(1,2,3)' \
#     --set texts=900 --set n=20 --set k=2,3,4 --out runs/composition > run.txt
# tail -n 2 run.txt

# %%
store = genlab.load("runs/composition")
students = store.conditions()[["id", "mixture"]]
texts = store.records("skill_composition").merge(students, on="id")
held = {"symmetry", "logic", "voice"}
texts["skills are"] = [
    "held out"
    if set(each) <= held
    else "trained"
    if not set(each) & held
    else "of both"
    for each in texts.categories
]
texts.pivot_table(
    index=["skills are", "k"], columns="mixture", values="full_marks"
).round(2)

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for axes, kind in zip(panels, ("trained", "held out"), strict=True):
    for name, group in texts[texts["skills are"] == kind].groupby("mixture"):
        means = group.groupby("k").full_marks.mean()
        axes.plot(means.index, means, "o-", label=name)
    axes.set(title=f"skills {kind}", xlabel="k", xticks=[2, 3, 4])
panels[0].set_ylabel("Ratio of Full Marks")
panels[0].legend()
plt.show()
# %% [markdown]
# One seed has no interval, so every claim is undecided, and that is what the study
# says.

# %%
store.claims()[["claim", "verdict", "effect", "n", "sentence"]].drop_duplicates("claim")

# %% [markdown]
# ## Next
#
# - `genlab run skill_composition` is the miniature with three seeds and all five
#   students, four minutes on two idle cores.
# - [Watching skill composition happen](../skill_composition.md): what to look at, and
#   how to run it on real models.
# - [Fine-tuning](../finetuning.md) and [texts to learn skills from](../skill_texts.md),
#   for models and packs of yours.
