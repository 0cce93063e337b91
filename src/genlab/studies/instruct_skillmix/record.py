"""One answer of a student to one instruction, beside the reference's, as a judge saw the two."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """An answer and its judgement.

    Attributes:
        student: the arm in words.
        epoch: of its model, from 1; 0 for the base.
        judge: who judged: ``checker/skillworld``, or an Inspect model.
        sample, index: which instruction; students of one seed get the same ones.
        k, skills, query_type, topic: what it was made of; 0 and empty for instructions of a benchmark.
        instruction, text, reference: the words.
        preference: from 1 (the reference's is better) to 2 (the student's is), 1.5 a tie, as AlpacaEval writes it; None where
            ungraded.
        points: k + 3 points of an exact checker; empty where a model judged.
        full_marks: whether all of them were earned; None where a model judged.
        characters, reference_characters: of the two answers.
        status, why: "graded", or what went wrong.
        input_tokens, output_tokens: of the student.
        cost: in dollars, of all calls for it; None where no price is known.
    """

    student: str
    epoch: int
    judge: str
    sample: str
    index: int
    k: int
    skills: tuple[str, ...]
    query_type: str
    topic: str
    instruction: str
    text: str
    reference: str
    preference: float | None
    points: tuple[float, ...]
    full_marks: float | None
    characters: int
    reference_characters: int
    status: str
    why: str
    input_tokens: int
    output_tokens: int
    cost: float | None

    @property
    def share(self) -> float | None:
        """How far the student's answer is preferred, from 0 to 1."""
        return None if self.preference is None else self.preference - 1

    @property
    def present(self) -> float | None:
        """The share of its skills that an answer shows; None where a model judged."""
        return sum(self.points[: self.k]) / self.k if self.points else None
