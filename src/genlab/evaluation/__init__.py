"""Who is asked: Skill-Mix as an Inspect task, with its prompts, controls, budget and logs."""
