"""Instruction data from skills: queries that need k random skills, and their answers, as Instruct-SkillMix makes them."""
