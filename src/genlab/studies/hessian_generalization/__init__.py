"""On the Maximum Hessian Eigenvalue and Generalization (Kaur, Cohen, Lipton 2022, arXiv:2206.10654): a study."""

from genlab.studies.hessian_generalization.presets import PRESETS
from genlab.studies.hessian_generalization.study import HessianGeneralization

__all__ = ["PRESETS", "HessianGeneralization"]
