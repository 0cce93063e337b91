"""A scripted judge: it tests the plumbing, and its verdicts say nothing about any answer.

It prefers the longer answer with a fixed chance, rates by length, and answers nonsense at a fixed rate; ``judge-30`` does so in
30% of its replies. It reads no word of an answer. Asked for log-probabilities, it gives those of its own choice.
"""

import json
import re

from inspect_ai.model import GenerateConfig, Logprob, Logprobs, ModelOutput, TopLogprob

from genlab import chance

LONGER = 0.8  # chance that it prefers the longer answer
NONSENSE = 0.03  # chance that its reply cannot be read
SHARE = 0.9  # probability that it gives its choice, where it is asked for log-probabilities

_PIECE = re.compile(r"^BEGIN (\w+) (.+)\n((?:\|.*\n)*)END \1 \2$", re.MULTILINE)
_TOKEN = re.compile(r"\w+|\W")
_PERCENT = re.compile(r"-(\d{1,3})$")
_WORDS = {1: "much better", 2: "slightly better"}


def judged(model: str, prompt: str, config: GenerateConfig) -> ModelOutput:
    """Play the judge."""
    pieces = {name: text for _, name, text in _PIECE.findall(prompt)}
    found = _PIECE.search(prompt)
    code = found[1] if found else ""
    random = chance.python(model, code)
    garbage = int(named[1]) / 100 if (named := _PERCENT.search(model)) else NONSENSE
    if not code or random.random() < garbage:
        return ModelOutput.from_content(model, random.choice(["I would rather not say.", "Both are fine.", '{"better": 1}', ""]))
    answers = [len(text) for name, text in pieces.items() if "ANSWER" in name]
    reply: dict[str, object] = {"code": code}
    if '"rating"' in prompt:
        reply |= {"reason": "by its length", "rating": 1 + min(9, answers[-1] // 40)}
    else:
        first = (answers[0] >= answers[1]) == (random.random() < LONGER)
        if '"verdict"' in prompt:
            extent = _WORDS[random.choice((1, 2))]
            reply |= {"reason": "by their lengths", "verdict": f"{1 if first else 2} {extent}"}
        else:
            reply["better"] = 1 if first else 2
    output = ModelOutput.from_content(model, json.dumps(reply))
    if config.logprobs and "better" in reply:
        output.choices[0].logprobs = _likely(output.completion, str(reply["better"]))
    return output


def _likely(reply: str, choice: str) -> Logprobs:
    from math import log

    other = {"1": "2", "2": "1"}[choice]
    tokens = [Logprob(token=token, logprob=0.0) for token in _TOKEN.findall(reply)]
    at = max(place for place, each in enumerate(tokens) if each.token == choice)
    tops = [TopLogprob(token=choice, logprob=log(SHARE)), TopLogprob(token=other, logprob=log(1 - SHARE))]
    tokens[at] = Logprob(token=choice, logprob=log(SHARE), top_logprobs=tops)
    return Logprobs(content=tokens)
