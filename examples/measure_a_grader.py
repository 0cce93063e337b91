"""Krippendorff's alpha, error rates and a sequential stop on numbers of your own: no model, no network."""

from genlab import chance
from genlab.grading.agreement import agreement
from genlab.grading.sequential import until_narrow

ratings = [(1, 1, 1), (0, 0, 1), (1, 1, None), (0, 0, 0), (1, 0, 1), (1, 1, 1)]  # six texts, three raters, one rating missing
found = agreement(ratings, random=chance.numpy("example"))
print(f"alpha {found.alpha:.2f} over {found.items} texts, raw agreement {found.raw:.2f}")

rule = until_narrow(0.1)  # stop when the ratio is known to plus or minus 0.1, looking every five combinations
values: list[float] = []
while not (decision := rule.decide(values := [*values, *[1.0] * 5])).stop:
    pass
print(f"{decision.why} after {len(values)} of at most {rule.most}: {decision.interval}")
