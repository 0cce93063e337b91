"""The study of Kaur, Park, Goyal and Arora 2024: instruction data from random pairs of skills, and what spoils them."""

from genlab.studies.instruct_skillmix.study import PRESETS, InstructSkillMix

__all__ = ["PRESETS", "InstructSkillMix"]
