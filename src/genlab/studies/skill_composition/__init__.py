"""Skill composition: does fine-tuning on texts of few skills teach texts of more, and other skills (Zhao et al. 2024)?"""

from genlab.studies.skill_composition.study import PRESETS, SkillComposition

__all__ = ["PRESETS", "SkillComposition"]
