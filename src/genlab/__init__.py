"""genlab: a workbench for experiments on generalization. Studies are run from the command line; these are the parts.

Names are imported when they are first used, so that ``import genlab`` costs nothing and needs no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlab.callbacks.hugging_face import TrainerSharpness
    from genlab.callbacks.lightning import LightningSharpness
    from genlab.callbacks.lightning_intervention import LightningIntervention
    from genlab.callbacks.trainer_intervention import TrainerIntervention
    from genlab.evaluation.logs import read_texts
    from genlab.grading.agreement import agreement
    from genlab.grading.correction import corrected
    from genlab.grading.saturation import novelty_bound, saturation
    from genlab.grading.sequential import StopRule
    from genlab.intervals import Interval, cluster_bootstrap
    from genlab.interventions.adversarial import AdversarialTraining, SmoothAdv
    from genlab.interventions.finite_difference import FiniteDifferencePenalty
    from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
    from genlab.interventions.noise import GaussianNoise
    from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
    from genlab.interventions.plain_loop import backward, intervened
    from genlab.interventions.quantities import average_jacobian, fisher, gradient_norm, unit_jacobian
    from genlab.interventions.sam import Sam
    from genlab.interventions.stability import StabilityTraining
    from genlab.interventions.together import slopes_together
    from genlab.notebook import load
    from genlab.probes.batch_sharpness import BatchEstimate, batch_sharpness, gradient_noise_interaction
    from genlab.probes.density import SpectralDensity, spectral_density
    from genlab.probes.eigen import Eigenpairs
    from genlab.probes.fisher import fisher_trace, sampled_fisher_trace
    from genlab.probes.gauss_newton import GaussNewton
    from genlab.probes.gradient_noise import gradient_noise, microbatch_norms
    from genlab.probes.hessian import Hessian
    from genlab.probes.jacobian import jacobian_norms
    from genlab.probes.preconditioned import Preconditioned
    from genlab.probes.sam_edge import sam_edge
    from genlab.probes.segment import SegmentSharpness, midpoint_sharpness, segment_sharpness
    from genlab.probes.trace import Trace, hutch_plus_plus, hutchinson
    from genlab.probes.tracker import Tracker, sharpness
    from genlab.results.store import Store
    from genlab.skills.combinations import draw
    from genlab.skills.pack import Pack
    from genlab.skills.skill import Skill, Topic
    from genlab.smoothing.accuracy import certified_accuracy
    from genlab.smoothing.classifier import Certificate, EarlyStop, SmoothedClassifier
    from genlab.smoothing.gradients import smoothed_gradient
    from genlab.smoothing.layers import Normalised
    from genlab.smoothing.synthesis import synthesize
    from genlab.training.augmentation import Augmented, CropAndFlip
    from genlab.training.batches import Batches
    from genlab.training.flow import flow
    from genlab.training.hugging_face import transformers_problem
    from genlab.training.loop import descend
    from genlab.training.losses import cross_entropy, half_squared_error
    from genlab.training.problem import Problem
    from genlab.training.together import Together
    from genlab.training.updates import Adam, Averaged, GradientDescent, Nesterov, Polyak, RMSProp

_HOMES = {
    "Adam": "genlab.training.updates",
    "AdversarialTraining": "genlab.interventions.adversarial",
    "Augmented": "genlab.training.augmentation",
    "Averaged": "genlab.training.updates",
    "BatchEstimate": "genlab.probes.batch_sharpness",
    "Batches": "genlab.training.batches",
    "Certificate": "genlab.smoothing.classifier",
    "CropAndFlip": "genlab.training.augmentation",
    "EarlyStop": "genlab.smoothing.classifier",
    "Eigenpairs": "genlab.probes.eigen",
    "ExternalGrafting": "genlab.interventions.grafting",
    "FiniteDifferencePenalty": "genlab.interventions.finite_difference",
    "GaussNewton": "genlab.probes.gauss_newton",
    "GaussianNoise": "genlab.interventions.noise",
    "GradientDescent": "genlab.training.updates",
    "Hessian": "genlab.probes.hessian",
    "Interval": "genlab.intervals",
    "IterativeGrafting": "genlab.interventions.grafting",
    "L2Penalty": "genlab.interventions.penalties",
    "LightningIntervention": "genlab.callbacks.lightning_intervention",
    "LightningSharpness": "genlab.callbacks.lightning",
    "MicrobatchPenalty": "genlab.interventions.penalties",
    "Nesterov": "genlab.training.updates",
    "Normalised": "genlab.smoothing.layers",
    "NormalisedGradient": "genlab.interventions.grafting",
    "Pack": "genlab.skills.pack",
    "Polyak": "genlab.training.updates",
    "Preconditioned": "genlab.probes.preconditioned",
    "Problem": "genlab.training.problem",
    "RMSProp": "genlab.training.updates",
    "Sam": "genlab.interventions.sam",
    "SegmentSharpness": "genlab.probes.segment",
    "Skill": "genlab.skills.skill",
    "SmoothAdv": "genlab.interventions.adversarial",
    "SmoothedClassifier": "genlab.smoothing.classifier",
    "SpectralDensity": "genlab.probes.density",
    "StabilityTraining": "genlab.interventions.stability",
    "StopRule": "genlab.grading.sequential",
    "Store": "genlab.results.store",
    "Together": "genlab.training.together",
    "Topic": "genlab.skills.skill",
    "Trace": "genlab.probes.trace",
    "Tracker": "genlab.probes.tracker",
    "TrainerIntervention": "genlab.callbacks.trainer_intervention",
    "TrainerSharpness": "genlab.callbacks.hugging_face",
    "agreement": "genlab.grading.agreement",
    "average_jacobian": "genlab.interventions.quantities",
    "backward": "genlab.interventions.plain_loop",
    "batch_sharpness": "genlab.probes.batch_sharpness",
    "certified_accuracy": "genlab.smoothing.accuracy",
    "cluster_bootstrap": "genlab.intervals",
    "corrected": "genlab.grading.correction",
    "cross_entropy": "genlab.training.losses",
    "descend": "genlab.training.loop",
    "draw": "genlab.skills.combinations",
    "fisher": "genlab.interventions.quantities",
    "fisher_trace": "genlab.probes.fisher",
    "flow": "genlab.training.flow",
    "gradient_noise": "genlab.probes.gradient_noise",
    "gradient_noise_interaction": "genlab.probes.batch_sharpness",
    "gradient_norm": "genlab.interventions.quantities",
    "half_squared_error": "genlab.training.losses",
    "hutch_plus_plus": "genlab.probes.trace",
    "hutchinson": "genlab.probes.trace",
    "intervened": "genlab.interventions.plain_loop",
    "jacobian_norms": "genlab.probes.jacobian",
    "load": "genlab.notebook",
    "microbatch_norms": "genlab.probes.gradient_noise",
    "midpoint_sharpness": "genlab.probes.segment",
    "novelty_bound": "genlab.grading.saturation",
    "read_texts": "genlab.evaluation.logs",
    "sam_edge": "genlab.probes.sam_edge",
    "sampled_fisher_trace": "genlab.probes.fisher",
    "saturation": "genlab.grading.saturation",
    "segment_sharpness": "genlab.probes.segment",
    "sharpness": "genlab.probes.tracker",
    "slopes_together": "genlab.interventions.together",
    "smoothed_gradient": "genlab.smoothing.gradients",
    "spectral_density": "genlab.probes.density",
    "synthesize": "genlab.smoothing.synthesis",
    "transformers_problem": "genlab.training.hugging_face",
    "unit_jacobian": "genlab.interventions.quantities",
}

__all__ = [
    "Adam",
    "AdversarialTraining",
    "Augmented",
    "Averaged",
    "BatchEstimate",
    "Batches",
    "Certificate",
    "CropAndFlip",
    "EarlyStop",
    "Eigenpairs",
    "ExternalGrafting",
    "FiniteDifferencePenalty",
    "GaussNewton",
    "GaussianNoise",
    "GradientDescent",
    "Hessian",
    "Interval",
    "IterativeGrafting",
    "L2Penalty",
    "LightningIntervention",
    "LightningSharpness",
    "MicrobatchPenalty",
    "Nesterov",
    "Normalised",
    "NormalisedGradient",
    "Pack",
    "Polyak",
    "Preconditioned",
    "Problem",
    "RMSProp",
    "Sam",
    "SegmentSharpness",
    "Skill",
    "SmoothAdv",
    "SmoothedClassifier",
    "SpectralDensity",
    "StabilityTraining",
    "StopRule",
    "Store",
    "Together",
    "Topic",
    "Trace",
    "Tracker",
    "TrainerIntervention",
    "TrainerSharpness",
    "agreement",
    "average_jacobian",
    "backward",
    "batch_sharpness",
    "certified_accuracy",
    "cluster_bootstrap",
    "corrected",
    "cross_entropy",
    "descend",
    "draw",
    "fisher",
    "fisher_trace",
    "flow",
    "gradient_noise",
    "gradient_noise_interaction",
    "gradient_norm",
    "half_squared_error",
    "hutch_plus_plus",
    "hutchinson",
    "intervened",
    "jacobian_norms",
    "load",
    "microbatch_norms",
    "midpoint_sharpness",
    "novelty_bound",
    "read_texts",
    "sam_edge",
    "sampled_fisher_trace",
    "saturation",
    "segment_sharpness",
    "sharpness",
    "slopes_together",
    "smoothed_gradient",
    "spectral_density",
    "synthesize",
    "transformers_problem",
    "unit_jacobian",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata  # a tenth of what a command takes to start

        return metadata.version("genlab")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'genlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
