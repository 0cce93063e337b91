"""A scripted student and a scripted grader: they test the plumbing, and their numbers say nothing about any model.

The student pastes in the examples it was given, each with a fixed chance; the grader looks for them. Both err on purpose: the
grader flips points and answers nonsense at fixed rates, so that votes, retries and controls have something to do. Scripts of
other names err elsewhere, and ``student-60`` shows a skill with a chance of 60%. Told names only, the student has skillworld's
teacher write, for those skills that it shows. ``scripted/judge`` and ``scripted/teacher-of-skills`` are other
scripts: ``judges/script.py`` and ``scripted_teacher.py``.
"""

import json
import re
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage
from inspect_ai.tool import ToolChoice, ToolInfo

from genlab import chance
from genlab.evaluation import scripted_teacher
from genlab.evaluation.judges.script import judged
from genlab.skills.skill import plain
from genlab.skillworld.showing import SKILLS
from genlab.skillworld.teacher import write
from genlab.skillworld.words import TOPICS

SHOWN = 0.85  # chance that a skill is shown
FLIPPED = 0.04  # chance that the grader errs on a criterion
NONSENSE = 0.03  # chance that its reply cannot be read

_ENTRY = re.compile(r"^- (.+?): .*? For example: (.+)$", re.MULTILINE)
_BRIEF = re.compile(r"Write about (.+?), in at most (?:one|(\d+)) sentences?: (.+)\.", re.DOTALL)
_PERCENT = re.compile(r"-(\d{1,3})$")
_CODE = re.compile(r"^BEGIN (\w+)$", re.MULTILINE)


class Scripted(ModelAPI):
    """The provider ``scripted``; it makes no call anywhere."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Play the student, the grader, the judge or the teacher of skills, by the model's name."""
        said = [message.text for message in input]
        if "judge" in self.model_name:
            output = judged(self.model_name, said[-1], config)
        else:
            output = ModelOutput.from_content(self.model_name, _said(self.model_name, said))
        output.usage = ModelUsage(input_tokens=sum(map(len, said)) // 4, output_tokens=len(output.completion) // 4)
        output.usage.total_tokens = output.usage.input_tokens + output.usage.output_tokens
        return output


def _said(model: str, said: list[str]) -> str:
    if scripted_teacher.NAME in model:
        return scripted_teacher.reply(model, said[-1])
    return _graded(model, said[-1]) if "grader" in model else _written(model, said)


def _written(model: str, said: list[str]) -> str:
    shown = int(named[1]) / 100 if (named := _PERCENT.search(model)) else SHOWN
    random = chance.python(model, "\n".join(said))
    if (brief := _BRIEF.fullmatch(said[-1])) and brief[1] in TOPICS:
        kept = [skill for skill in brief[3].split("; ") if skill in SKILLS and random.random() < shown]
        return write(kept, brief[1], int(brief[2] or 1), random)
    skills = _ENTRY.findall(said[0])
    topic = re.search(r" about (.+?) that shows ", said[0])
    about = topic[1] if topic else "this"
    pieces = [re.sub(r"[.!?]+", ",", example).strip(" ,") for _, example in skills if random.random() < shown]
    return f"Answer: On {about}: {'; '.join(pieces) or 'nothing comes to mind'}.\nExplanation: pasted."


def _graded(model: str, prompt: str) -> str:
    code = _CODE.search(prompt)
    if code is None:
        return "There is nothing to grade."
    random = chance.python(model, code[1])
    if random.random() < NONSENSE:
        return "I would rather not say."
    head, rest = prompt[: code.start()], prompt[code.end() :]
    text = plain(rest.partition(f"\nEND {code[1]}")[0])
    topic = re.search(r'(?:on the topic|in the context of) "(.+?)"', head)
    judged: list[dict[str, Any]] = [
        {"criterion": name, "reason": "looked for its example", "earned": int(plain(example) in text)}
        for name, example in _ENTRY.findall(head)
    ]
    about = topic is not None and plain(topic[1]) in text
    judged.append({"criterion": "on topic", "reason": "looked for it", "earned": int(about)})
    judged.append({"criterion": "makes sense", "reason": "it has words", "earned": int(bool(text))})
    judged.append({"criterion": "length", "reason": "not counted", "earned": 1})
    for each in judged:
        if random.random() < FLIPPED:
            each["earned"] = 1 - each["earned"]
    if "Here's the grading table:" not in prompt:
        return json.dumps({"code": code[1], "grading": judged})
    rows = [f"| {each['criterion']} | {each['earned']} |" for each in judged]
    total = sum(each["earned"] for each in judged)
    table = "\n".join(["| Criteria | Points Earned |", "|---|---|", *rows, f"| Total Points Earned | {total} |"])
    return f"Here's the grading table:\n{table}\nExplanation: looked for the examples."
