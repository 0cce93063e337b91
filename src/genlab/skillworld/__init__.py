"""A small formal language whose skills a program can check: the embedded world of Skill-Mix, with no key and no download."""
