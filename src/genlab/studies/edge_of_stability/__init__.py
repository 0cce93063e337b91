"""Edge of Stability (Cohen et al. 2021, arXiv:2103.00065): a study."""

from genlab.studies.edge_of_stability.presets import PRESETS
from genlab.studies.edge_of_stability.study import EdgeOfStability, Reading

__all__ = ["PRESETS", "EdgeOfStability", "Reading"]
