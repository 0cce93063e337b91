"""Skill-Mix: a family of evaluations of how language models combine skills (Yu et al. 2023)."""

from genlab.studies.skill_mix.study import PRESETS, SkillMix

__all__ = ["PRESETS", "SkillMix"]
