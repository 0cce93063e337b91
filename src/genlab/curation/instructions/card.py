"""The card of an instruction data set: what it holds, what it is like, where each row comes from, and how to make it again."""

from collections.abc import Mapping, Sequence
from typing import Any

import genlab
from genlab.curation.card import LICENCES, SIZES
from genlab.curation.instructions.benchmarks import GRAM, SHARE
from genlab.curation.instructions.recipe import Plan, shown
from genlab.curation.instructions.sifting import NEAR, Count
from genlab.curation.instructions.statistics import QUANTILES
from genlab.results.environment import commit

_CARD = """# {title}

{private}{n:,} instructions with their answers, {made_of}, after Instruct-SkillMix (Kaur, Park, Goyal, Arora 2024).

```python
from datasets import load_from_disk

instructions = load_from_disk("FOLDER")  # on the hub: load_dataset("OWNER/NAME", split="train")
```

## What it is like

| | words, mean | {quantiles} | distinct-1 | distinct-2 |
|---|---|{bars}---|---|
| instruction | {instruction} |
| response | {response} |

Embedding spread of the instructions, 1 minus the mean cosine of two ({embedder}): {spread}. {covered}

## How it was made

```console
$ {command}
```

genlab {version}. The teacher is {teacher}, the seed {seed}. {turns}

{asked:,} items were asked for: {n:,} kept, {spare:,} spare (as good, and more than were wanted), {apart:,} kept apart, with the
reason and what was said, in `rejected.jsonl`.

| kept apart because | items |
|---|---|
{rejected}

| attempts whose reply could not be used | |
|---|---|
{refused}

{near} {clean}

{tokens}Cost: {cost}.

## Where a row comes from

{columns}, and beside it `index` (the item's number: item 7 asks for the same however many there are), `k`, `skills`,
`query_type`, `topic` ("" where there is none), `teacher`, `sample` ({sample}),
`attempts` (conversations until one could be used).

## Before you use it

- Answers are a teacher's: nobody has checked that they are right.
- {licence} {terms}
"""


def card(plan: Plan, outcome: Mapping[str, Any], command: str) -> str:
    """The card as Markdown with a YAML head, which hubs read."""
    import yaml

    recipe, pack, count = plan.recipe, plan.whole, Count(**outcome["count"])
    about = outcome["statistics"]
    title = _title(plan)
    version = " ".join(each for each in (genlab.__version__, commit()) if each)
    known = plan.own and pack is not None and pack.licence.lower() in LICENCES
    head = {
        "pretty_name": title,
        "license": pack.licence.lower() if known and pack else "other",
        **({} if known else {"license_name": "see-below"}),
        "task_categories": ["text-generation"],
        "tags": ["genlab", "instruct-skillmix", "synthetic"],
        "size_categories": [next((name for most, name in SIZES if count.kept < most), "n>1M")],
        "genlab": {"version": version, **plan.facts, **outcome, "command": command},
    }
    body = _CARD.format(
        title=title,
        private="**Private: these instructions show what the skills of a private pack are. Do not share them.**\n\n"
        if pack and pack.private
        else "",
        n=count.kept,
        made_of=_made_of(plan),
        quantiles=" | ".join(f"{each:.0%}" for each in QUANTILES),
        bars="---|" * len(QUANTILES),
        instruction=_lengths(about["instruction"], about["instruction_distinct"]),
        response=_lengths(about["response"], about["response_distinct"]),
        embedder=recipe.embedder or "n-grams of characters, TF-IDF",
        spread="unknown of one" if about["spread"] is None else f"{about['spread']:.3f}",
        covered=_covered(plan, about),
        command=command,
        version=version,
        teacher=plan.teacher,
        seed=recipe.seed,
        turns="It answers its own queries, exactly." if plan.own else "It drafts, criticizes and refines in one conversation.",
        asked=count.asked,
        spare=count.spare,
        apart=sum(count.rejected.values()),
        rejected=_table(count.rejected),
        refused=_table(count.refused),
        near=f"Of two instructions at a cosine of {plan.near:g} and more the lower index is kept."
        if plan.near
        else "Of equal instructions the lowest index is kept.",
        clean=_clean(plan),
        tokens="" if plan.own else f"Tokens of all calls, for rejected items too: {_tokens(outcome)}. ",
        cost="unknown: no prices were given" if outcome["cost"] is None else f"${outcome['cost']:,.2f}",
        columns="`messages` is the request and its answer, in TRL's conversational format"
        if recipe.format == "conversational"
        else "`instruction`, `input` (empty) and `output` are Alpaca's",
        sample="the item's name" if plan.own else "the sample's id in Inspect's logs, in `logs/`, which hold every call for it",
        licence=f"The pack's licence is {pack.licence or 'not stated'}." if pack else "No pack was used.",
        terms="" if plan.own else f"What {plan.teacher} wrote is under the terms of who offers it.",
    )
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)}---\n\n{body}"


def _title(plan: Plan) -> str:
    if plan.recipe.naive:
        return f"Instructions of {plan.teacher}'s own choice"
    assert plan.whole is not None
    return f"Instructions: {plan.whole.name} {plan.whole.version}, k = {plan.recipe.k}"


def _made_of(plan: Plan) -> str:
    pack = plan.whole
    if pack is None:
        return "which the teacher chose by itself, without skills (naive sampling, the baseline of skill mixing)"
    what = f"the pack {pack.name} {pack.version} (digest {pack.digest})"
    if plan.recipe.naive:
        return (
            f"for whose skills, of {what}, the teacher has a preference of its own (naive sampling, the baseline of skill mixing)"
        )
    skills = "one random skill" if plan.recipe.k == 1 else f"{plan.recipe.k} random skills"
    return f"each for {skills} of {what} and a query type"


def _lengths(about: Mapping[str, Any], distinct: Sequence[float]) -> str:
    return " | ".join(
        [f"{about['mean']:.1f}", *(f"{each:g}" for each in about["quantiles"]), *(f"{each:.3f}" for each in distinct)]
    )


def _covered(plan: Plan, about: Mapping[str, Any]) -> str:
    if plan.whole is None:
        return "The teacher was given no skills."
    (skills, all_skills), (pairs, all_pairs) = about["skills"], about["pairs"]
    two = f", {pairs:,} of {all_pairs:,} pairs" if pairs else ""
    types = ", ".join(f"{name} {count:,}" for name, count in about["query_types"].items())
    return f"Skills covered: {skills:,} of {all_skills:,}{two}. Query types: {types or shown(plan.types)}."


def _clean(plan: Plan) -> str:
    if not plan.benchmarks:
        return "It was compared with no benchmark (`--decontaminate`)."
    names = ", ".join(f"{each.name} ({len(each.texts):,} questions, digest {each.digest})" for each in plan.benchmarks)
    return (
        f"Kept apart is what shares {SHARE:.0%} of the shorter text's pieces of {GRAM} words, or a cosine of "
        f"{plan.near or NEAR:g}, with a question of {names}."
    )


def _table(counts: Mapping[str, int]) -> str:
    return "\n".join(f"| {what} | {number:,} |" for what, number in counts.items()) or "| none | 0 |"


def _tokens(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['input_tokens']:,} in, {outcome['output_tokens']:,} out"
