"""What texts will cost: calls and tokens counted from the very prompts, dollars where there are prices."""

from dataclasses import dataclass

from genlab.curation.recipe import Plan
from genlab.evaluation import writing
from genlab.grading import prompts
from genlab.grading.rubric import rubric
from genlab.skills.combinations import draw

CHARACTERS_A_TOKEN = 4.0  # our assumption: English in the tokenizers of 2024 and later
TEXT_TOKENS = 160  # of a reply in the paper's manner, its explanation too: as the study skill_mix reckons
SENTENCE_TOKENS = 15  # of a reply in the brief manner, a sentence: as the study skill_mix reckons
CRITERION_TOKENS = 40  # of a grader's reply, a criterion with its reason; our assumption
SAMPLE = 10  # combinations whose prompts are written to be measured


@dataclass(frozen=True)
class Price:
    """Of all texts of one k, if each is kept at the first try; ``max_tries`` times as much is the most.

    Attributes:
        k: skills a text.
        texts: how many.
        calls, tokens: of teacher and grader together.
        dollars: None where a model has no price.
    """

    k: int
    texts: int
    calls: int
    tokens: int
    dollars: float | None


def prices(plan: Plan) -> list[Price]:
    """The price of each k.

    Raises:
        ValueError: prices that cannot be read.
    """
    if plan.own:
        return [Price(k, plan.recipe.n, 0, 0, 0.0) for k in plan.recipe.k]
    return [_price(plan, k) for k in plan.recipe.k]


def _price(plan: Plan, k: int) -> Price:
    from genlab.evaluation.budget import rates

    recipe, pack = plan.recipe, plan.split.train
    drawn = draw(pack, k, SAMPLE, seed=recipe.seed, distinct=False).combinations
    asked = [rubric(each.skills, each.topic.name) for each in drawn]
    first = _tokens([writing.draft(each, form=pack.text, manner=pack.manner) for each in asked])
    second = _tokens([writing.improved(each) for each in asked])
    turns = writing.turns(pack.manner)
    reply = TEXT_TOKENS if turns == 2 else SENTENCE_TOKENS * asked[0].limit
    used: dict[str, tuple[float, float]] = {}
    used[plan.teacher] = (recipe.n * (2 * first + second + reply if turns == 2 else first), recipe.n * turns * reply)
    calls = turns * recipe.n
    if plan.grader in plan.models:
        text = "x" * int(reply * CHARACTERS_A_TOKEN / turns)  # half of a reply explains the text
        told = _tokens([prompts.grading(each, text, "gggggggggg", form=pack.text, mode="strict") for each in asked])
        gradings = recipe.n * recipe.gradings
        before = used.get(plan.grader, (0.0, 0.0))
        used[plan.grader] = (before[0] + gradings * told, before[1] + gradings * CRITERION_TOKENS * (k + 3))
        calls += gradings
    known = rates(recipe.prices) if recipe.prices else {}
    dollars = [known[name].cost(*map(int, tokens)) for name, tokens in used.items() if name in known]
    return Price(k, recipe.n, calls, int(sum(map(sum, used.values()))), sum(dollars) if len(dollars) == len(used) else None)


def _tokens(prompts: list[str]) -> float:
    return sum(map(len, prompts)) / len(prompts) / CHARACTERS_A_TOKEN
