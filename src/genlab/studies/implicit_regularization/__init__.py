"""Disentangling the Mechanisms Behind Implicit Regularization in SGD (Novack et al. 2023): a study."""

from genlab.studies.implicit_regularization.presets import PRESETS
from genlab.studies.implicit_regularization.study import ImplicitRegularization

__all__ = ["PRESETS", "ImplicitRegularization"]
