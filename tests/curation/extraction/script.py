"""The scripted teacher in this process: the same prompts, replies and reading as in Inspect's, without its logs."""

from collections.abc import Callable, Mapping, Sequence

from genlab.curation.extraction import prompts
from genlab.curation.extraction.reading import Unreadable, read
from genlab.curation.extraction.requests import Answer, Request
from genlab.evaluation import scripted_teacher

Say = Callable[[str], str]


class Script:
    """Asks what ``say`` replies to a prompt, up to ``tries`` times a request.

    Attributes:
        stages: how many requests each stage had.
        prompts: all that were asked.
    """

    def __init__(self, say: Say | None = None, tries: int = 5) -> None:
        self.say: Say = say or (lambda prompt: scripted_teacher.reply("teacher-of-skills", prompt))
        self.tries = tries
        self.stages: dict[str, int] = {}
        self.prompts: list[str] = []

    def __call__(self, stage: str, requests: Sequence[Request]) -> Mapping[str, Answer]:
        assert stage not in self.stages
        assert len({each.id for each in requests}) == len(requests)
        self.stages[stage] = len(requests)
        return {each.id: self._answer(each) for each in requests}

    def _answer(self, request: Request) -> Answer:
        why: list[str] = []
        for attempt in range(1, self.tries + 1):
            code = prompts.code_of(request, attempt)
            self.prompts.append(prompts.prompt(request, code))
            found = read(self.say(self.prompts[-1]), request.kind, code)
            if not isinstance(found, Unreadable):
                return Answer(request.id, found, attempt, tuple(why))
            why.append(found.why)
        return Answer(request.id, None, self.tries, tuple(why))
