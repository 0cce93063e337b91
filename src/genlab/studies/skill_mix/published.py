"""The published leaderboard of Skill-Mix: reference rows, which no run on other skills can be compared with."""

import math
from dataclasses import dataclass

SKILLS = 101  # of the official list, ten of them public (Yu et al. 2023; README of LeoYu/skill-mix)
UNCOMMON = 84  # of these, found in less than 5% of a sample of RedPajama (the leaderboard's page)
DRAWN = 100  # combinations for a GPT-4 grader (default of the official code); those with a common skill were dropped

SOURCE = "Leaderboard of Yu et al. 2023 (skill-mix.github.io at e1dc0e2, 14 March 2024)."
NOTE = (
    "Graded by GPT-4, which is also a student; uncommon skills only; points of named skills deducted; each figure is the mean "
    "over combinations of the best of 3 generations by that measure. Of 100 combinations those with a common skill were "
    "dropped, which leaves about 100 C(84,k)/C(101,k): 69, 57, 47, 39, 32 at k = 2 to 6. No intervals were published."
)


@dataclass(frozen=True)
class Published:
    """One row of the leaderboard, rounded there to two digits."""

    student: str
    k: int
    full_marks: float
    all_skills: float
    skill_fraction: float

    @property
    def n(self) -> float:
        """Combinations expected behind it; the leaderboard does not say how many there were.

        >>> [round(Published("", k, 0, 0, 0).n) for k in range(2, 7)]
        [69, 57, 47, 39, 32]
        """
        return DRAWN * math.comb(UNCOMMON, self.k) / math.comb(SKILLS, self.k)


# student_scores/*.json at e1dc0e2: from k = 2 on, full marks, all skills, skill fraction
_ROWS: tuple[tuple[str, tuple[tuple[float, float, float], ...]], ...] = (
    ("LLaMA-2-7B-Chat", ((0.03, 0.09, 0.32), (0.00, 0.00, 0.22), (0.00, 0.00, 0.20))),
    ("LLaMA-2-13B-Chat", ((0.06, 0.14, 0.33), (0.00, 0.00, 0.30), (0.00, 0.00, 0.35))),
    ("LLaMA-2-70B-Chat", ((0.22, 0.22, 0.58), (0.00, 0.02, 0.43), (0.00, 0.00, 0.40))),
    ("GPT-3.5-turbo", ((0.40, 0.49, 0.68), (0.04, 0.04, 0.48), (0.00, 0.00, 0.39), (0.00, 0.00, 0.36))),
    ("GPT-4", ((0.95, 0.95, 0.98), (0.66, 0.66, 0.88), (0.48, 0.50, 0.85), (0.12, 0.12, 0.79), (0.08, 0.08, 0.76))),
    ("Mistral-7B-Instruct-v0.1", ((0.02, 0.03, 0.35), (0.00, 0.00, 0.31), (0.00, 0.00, 0.20))),
    ("Qwen-14B-Chat", ((0.09, 0.14, 0.45), (0.00, 0.02, 0.34), (0.00, 0.00, 0.30))),
    ("Xwin-LM-70B-V0.1", ((0.38, 0.51, 0.62), (0.06, 0.08, 0.52), (0.00, 0.00, 0.44), (0.00, 0.00, 0.39))),
    ("Falcon-180B-Chat", ((0.20, 0.25, 0.45), (0.00, 0.00, 0.46), (0.00, 0.00, 0.30))),
    ("Tigerbot-70B-Chat", ((0.03, 0.12, 0.19), (0.00, 0.00, 0.11), (0.00, 0.00, 0.08))),
)

PUBLISHED: tuple[Published, ...] = tuple(
    Published(student, k, *figures) for student, by_k in _ROWS for k, figures in enumerate(by_k, start=2)
)
"""All rows; a student's higher k are missing where the leaderboard has none."""
