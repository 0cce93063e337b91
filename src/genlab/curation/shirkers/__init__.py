"""Shirkers: answers that a careless writer left in instruction data, planted on purpose, and found in anybody's."""
