"""What instructions will cost: calls and tokens counted from the very prompts, dollars where there are prices."""

from dataclasses import dataclass

from genlab.curation.instructions import prompts
from genlab.curation.instructions.items import Item, item
from genlab.curation.instructions.recipe import Plan
from genlab.curation.pricing import CHARACTERS_A_TOKEN, SAMPLE

PAIR_TOKENS = 600  # of a reply with an instruction and its response; our assumption: the released responses have 2,302 characters
CRITIQUE_TOKENS = 150  # our assumption


@dataclass(frozen=True)
class Price:
    """Of all instructions, if each is kept at the first try; ``max_tries`` times ``TRIES`` as much is the most.

    Attributes:
        calls, input_tokens, output_tokens: of the teacher.
        dollars: None where it has no price.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    dollars: float | None


def price(plan: Plan) -> Price:
    """The price of a plan.

    Raises:
        ValueError: prices that cannot be read.
    """
    if plan.own:
        return Price(0, 0, 0, 0.0)
    from genlab.evaluation.budget import rates

    recipe = plan.recipe
    items = [_item(plan, index) for index in range(SAMPLE)]
    draft = _tokens([prompts.draft(each, named=plan.named) for each in items])
    critique, refine = _tokens([prompts.critique(each) for each in items]), _tokens([prompts.refine()])
    told = draft + (draft + PAIR_TOKENS + critique) + (draft + PAIR_TOKENS + critique + CRITIQUE_TOKENS + refine)
    tokens = int(recipe.n * told), recipe.n * (2 * PAIR_TOKENS + CRITIQUE_TOKENS)
    known = rates(recipe.prices) if recipe.prices else {}
    dollars = known[plan.teacher].cost(*tokens) if plan.teacher in known else None
    return Price(len(prompts.TURNS) * recipe.n, *tokens, dollars)


def _item(plan: Plan, index: int) -> Item:
    recipe = plan.recipe
    return item(plan.whole, recipe.k, index, seed=recipe.seed, query_types=plan.types) if plan.whole else Item(index)


def _tokens(words: list[str]) -> float:
    return sum(map(len, words)) / len(words) / CHARACTERS_A_TOKEN
