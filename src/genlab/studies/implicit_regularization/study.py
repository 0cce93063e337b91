"""Disentangling the Mechanisms Behind Implicit Regularization in SGD (Novack, Kaur, Marwah, Garg, Lipton 2023).

A large batch generalizes worse than a small one. Which explicit penalty, or which change of the step's length, brings it back?
Every arm has its step size and strength chosen on validation data alike, and L2 stands beside the penalties.
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
class ImplicitRegularization(Bundles):
    """A grid of ways to train, as ``Bundles`` has it; SB and LB are plain descents with the smallest and the largest batch."""

    name: ClassVar[str] = "implicit_regularization"
    title: ClassVar[str] = "Implicit regularization of SGD: which explicit penalty gives large batches what small ones have?"
    paper: ClassVar[str] = (
        "Novack, Kaur, Marwah, Garg, Lipton: Disentangling the Mechanisms Behind Implicit Regularization in SGD, ICLR 2023, "
        "arXiv:2211.15853"
    )
    bibtex: ClassVar[str] = """@inproceedings{novack2023disentangling,
  title     = {Disentangling the Mechanisms Behind Implicit Regularization in {SGD}},
  author    = {Novack, Zachary and Kaur, Simran and Marwah, Tanya and Garg, Saurabh and Lipton, Zachary C.},
  booktitle = {International Conference on Learning Representations},
  year      = {2023},
  note      = {arXiv:2211.15853}
}"""
    intervals: ClassVar[str] = (
        "Ours is the mean over seeds with its Student-t 95% interval; of a share of the gap, a ratio of means, with a bootstrap "
        "over seeds."
    )

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """E1 to E7, and the control."""
        from genlab.studies.implicit_regularization.claims import CLAIMS

        return CLAIMS

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Test accuracy by arm, gradient norms along the runs, and the sweep of micro-batches."""
        from genlab.studies.implicit_regularization.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """The arms as chosen, and every setting."""
        from genlab.studies.implicit_regularization.tables import tables

        return tables(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """What the toys cannot say, and which copies did not train."""
        toys = sorted({run.settings["data"] for run in runs if run.settings["data"].startswith(("sparse-regression", "parity"))})
        said = (
            [
                f"{', '.join(toys)}: made-up data that reward any shrinking of the weights. They cannot say that GN or FT are "
                "special: look at L2 beside them. With one output the two Jacobian penalties are one."
            ]
            if toys
            else []
        )
        return [*said, *super().remarks(runs)]
