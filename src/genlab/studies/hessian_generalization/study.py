"""On the Maximum Hessian Eigenvalue and Generalization (Kaur, Cohen, Lipton 2022): does a smaller lambda_max generalize better?

Step sizes, batch sizes, SAM, dropout and batch norm all move the largest Hessian eigenvalue of the training loss. It is measured
at each copy's last iterate, at equal training loss, beside the test error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from genlab.results.claims import Claim
from genlab.results.exhibits import Table
from genlab.results.figures import Figure
from genlab.results.runs import Run
from genlab.studies.bundles.study import Bundles


@dataclass(frozen=True)
class HessianGeneralization(Bundles):
    """A grid of ways to train, as ``Bundles`` has it; method is sgd or sam, dropout and batch norm are networks' ids."""

    name: ClassVar[str] = "hessian_generalization"
    title: ClassVar[str] = "Maximum Hessian eigenvalue: does a smaller one mean better generalization?"
    paper: ClassVar[str] = (
        "Kaur, Cohen, Lipton: On the Maximum Hessian Eigenvalue and Generalization, PMLR 187:51-65 (ICBINB workshop), 2023, "
        "arXiv:2206.10654"
    )
    bibtex: ClassVar[str] = """@inproceedings{kaur2023maximum,
  title     = {On the Maximum {H}essian Eigenvalue and Generalization},
  author    = {Kaur, Simran and Cohen, Jeremy and Lipton, Zachary C.},
  booktitle = {Proceedings on "I Can't Believe It's Not Better!" at NeurIPS 2022 Workshops},
  series    = {Proceedings of Machine Learning Research},
  volume    = {187},
  pages     = {51--65},
  year      = {2023},
  note      = {arXiv:2206.10654}
}"""

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """D1 to D6."""
        from genlab.studies.hessian_generalization.claims import CLAIMS

        return CLAIMS

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Generalization against lambda_max by intervention, and both against what was varied."""
        from genlab.studies.hessian_generalization.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """Every setting, and Kendall's tau within each intervention and pooled."""
        from genlab.studies.hessian_generalization.tables import tables

        return tables(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """What the toys cannot say, and which copies did not train."""
        toys = sorted({run.settings["data"] for run in runs if run.settings["data"].startswith(("sparse-regression", "parity"))})
        said = (
            [f"{', '.join(toys)}: made-up data, known from theory. They show what can happen, not what images do."]
            if toys
            else []
        )
        return [*said, *super().remarks(runs)]
