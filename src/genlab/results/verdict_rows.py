"""Verdicts as rows: one a finding, plain values that a frame, a tracker or a file can hold."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from genlab.results.claims import Judged

SCHEMA = pa.schema(
    {
        "study": pa.string(),
        "claim": pa.string(),
        "sentence": pa.string(),
        "quantity": pa.string(),
        "paper": pa.string(),
        "claim_verdict": pa.string(),
        "setting": pa.string(),
        "verdict": pa.string(),
        "effect": pa.float64(),
        "low": pa.float64(),
        "high": pa.float64(),
        "n": pa.int64(),
        "expected_low": pa.float64(),
        "expected_high": pa.float64(),
        "note": pa.string(),
        "conditions": pa.list_(pa.string()),
    }
)


def verdict_rows(study: str, judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """One row a setting of a claim; one, with None in what is measured, where a claim has no setting at all.

    Columns:
        study, claim: names, as in ``genlab show``.
        sentence, quantity, paper: the claim in words, what its effect is, and the paper's own figure or None.
        claim_verdict: of the claim as a whole, decided by its worst setting.
        setting, verdict: what was held fixed, and what its values say.
        effect, low, high, n: the effect with its 95% interval (None without one) and how many values it rests on.
        expected_low, expected_high: the region in which the claim holds, None for an open side.
        note: what a reader must know.
        conditions: ids of the conditions it used.
    """
    rows: list[dict[str, Any]] = []
    for each in judged:
        claim = each.claim
        about = {"study": study, "claim": claim.id, "sentence": claim.sentence, "quantity": claim.quantity, "paper": claim.paper}
        whole = dict.fromkeys(SCHEMA.names) | about | {"claim_verdict": str(each.verdict)}
        if not each.findings:
            rows.append(whole | {"verdict": str(each.verdict), "n": 0, "conditions": []})
        for found in each.findings:
            interval = found.interval
            measured = {
                "setting": found.setting,
                "verdict": str(found.verdict),
                "effect": found.effect,
                "low": interval.low if interval else None,
                "high": interval.high if interval else None,
                "n": found.n,
                "expected_low": found.expected.low,
                "expected_high": found.expected.high,
                "note": found.note,
                "conditions": list(found.conditions),
            }
            rows.append(whole | measured)
    return rows
