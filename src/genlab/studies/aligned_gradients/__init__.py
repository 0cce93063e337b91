"""Are Perceptually-Aligned Gradients a General Property of Robust Classifiers? (Kaur, Cohen, Lipton 2019): a study."""

from genlab.studies.aligned_gradients.presets import PRESETS
from genlab.studies.aligned_gradients.study import AlignedGradients

__all__ = ["PRESETS", "AlignedGradients"]
