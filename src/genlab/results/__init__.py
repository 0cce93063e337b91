"""Where facts rest: records, the store, claims and their verdicts, figures, the report."""
