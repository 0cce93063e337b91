"""Models that judge answers: AlpacaEval 2.0, MT-Bench and WildBench as Inspect tasks, and skillworld's exact judge."""
