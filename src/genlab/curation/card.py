"""The card of a data set of skill texts: what it holds, where it comes from, and the command that makes it again."""

from collections.abc import Mapping
from typing import Any

import genlab
from genlab.curation.recipe import Plan
from genlab.curation.sifting import Count
from genlab.evaluation import writing
from genlab.results.environment import commit

LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"}  # as the hub calls them
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))  # as the hub calls them

_CARD = """# {title}

{private}{texts:,} conversations in which a teacher shows skills in short texts: {ks} skills of the pack {pack} on a topic, in the
protocol of Skill-Mix (Yu et al. 2023). Kept is what earned full marks: every skill shown, on the topic, making sense, within
max(1, k - 1) sentences. Skills and topics are of the training part of the pack; the rest was held out.

```python
from datasets import load_from_disk

texts = load_from_disk("FOLDER")  # on the hub: load_dataset("OWNER/NAME", split="train")
```

`messages` is the conversation as it was held, {turns}, in TRL's conversational format. Beside it stand `k`, `index` (the
combination's number: item 7 is item 7 however many there are), `skills`, `topic`, `generation`, `points` (one a skill, then
topic, sense, length), `sample` (as in the logs), `teacher` and `grader`.

## How it was made

```console
$ {command}
```

genlab {version}. The teacher is {teacher}, the grader {grader}. Held out: {held}; what went where stands, by hashes, in
`split.json`.

| k | asked for | kept | spare | rejected | points lost by those without full marks |
|---|---|---|---|---|---|
{rows}

*Spare* texts are as good as those kept, and more than were wanted. Filters: full marks by {judged}; {filters}no text twice within
one k, whatever its case and spaces.

{tokens} Cost: {cost}.

## Before you use it

- Who evaluates a student of these texts draws other combinations: another seed, or held-out skills and topics.
- The pack's licence is {licence}. {terms}
"""


def card(plan: Plan, outcome: Mapping[str, Any], command: str) -> str:
    """The card as Markdown with a YAML head, which hubs read."""
    import yaml

    pack, record, recipe = plan.whole, plan.split.record, plan.recipe
    counts = [Count(**each) for each in outcome["counts"]]
    texts = sum(each.kept for each in counts)
    ks = ", ".join(map(str, recipe.k))
    title = f"Skill texts: {pack.name} {pack.version}, k = {ks}"
    version = " ".join(each for each in (genlab.__version__, commit()) if each)
    known = plan.own and pack.licence.lower() in LICENCES
    paper = pack.manner == "paper"
    head = {
        "pretty_name": title,
        "license": pack.licence.lower() if known else "other",
        **({} if known else {"license_name": "see-below"}),
        "task_categories": ["text-generation"],
        "tags": ["genlab", "skill-mix", "synthetic"],
        "size_categories": [next((name for most, name in SIZES if texts < most), "n>1M")],
        "genlab": {
            "version": version,
            **plan.facts,
            "split": {
                "seed": record.seed,
                "held_topics": record.fraction,
                "held_categories": list(record.categories),
                "train": _part(plan, 0),
                "held": _part(plan, 1),
            },
            **{name: value for name, value in outcome.items() if name != "counts"},
            "counts": [dict(each) for each in outcome["counts"]],
            "command": command,
        },
    }
    categories = ", ".join(record.categories)
    body = _CARD.format(
        title=title,
        private="**Private: these conversations show what the skills of a private pack are. Do not share them.**\n\n"
        if pack.private
        else "",
        texts=texts,
        ks=ks.replace(", ", " or "),
        pack=f"{pack.name} {pack.version} (digest {pack.digest})",
        turns="draft and improvement" if writing.turns(pack.manner) == 2 else "a request and a text",
        command=command,
        version=version,
        teacher=plan.teacher,
        grader=plan.grader,
        held=f"{f'the skills of {categories}, and ' if categories else ''}{record.fraction:.0%} of the topics, on average",
        rows="\n".join(map(_row, counts)),
        judged="the vote of the gradings, with the length by our count" if plan.grader in plan.models else "the checker",
        filters="no text that names a skill it was told not to name; " * paper + "no reply cut at max_tokens; " * (not plan.own),
        tokens=_tokens(outcome),
        cost="unknown: no prices were given" if outcome["cost"] is None else f"${outcome['cost']:,.2f}",
        licence=pack.licence or "not stated",
        terms="" if plan.own else f"What {plan.teacher} wrote is also under the terms of who offers it.",
    )
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)}---\n\n{body}"


def _part(plan: Plan, place: int) -> dict[str, Any]:
    part = plan.split.record.parts[place]
    return {"version": part.version, "digest": part.digest, "skills": part.skill_count, "topics": part.topic_count}


def _row(count: Count) -> str:
    rejected, lacking = (
        ", ".join(f"{number:,} {what}" for what, number in each.items()) or "none" for each in (count.rejected, count.lacking)
    )
    return f"| {count.k} | {count.asked:,} | {count.kept:,} | {count.spare:,} | {rejected} | {lacking} |"


def _tokens(outcome: Mapping[str, Any]) -> str:
    teacher, grader = (f"{outcome[f'{who}input_tokens']:,} in, {outcome[f'{who}output_tokens']:,} out" for who in ("", "grader_"))
    return f"Tokens of all calls, for rejected texts too: teacher {teacher}; grader {grader}."
