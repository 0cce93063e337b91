"""Graphs of one point that are built once a physical batch and kept for as many batches as fit."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from torch import Tensor

from genlab.training.problem import Inputs, Problem

Graph = TypeVar("Graph")

GRAPH_OVER_ACTIVATIONS = 3  # our assumption: a gradient graph holds about this many times what one forward pass saves


class Kept(Generic[Graph]):
    """What ``build`` makes of each physical batch, in order; kept where ``graph_bytes`` allow it, else made anew each time."""

    def __init__(self, problem: Problem, build: Callable[[Inputs, Tensor], Graph], graph_bytes: int) -> None:
        self.problem = problem
        self.build = build
        self.graph_bytes = graph_bytes
        self._kept: dict[int, Graph] = {}  # by physical batch

    def __iter__(self) -> Iterator[Graph]:
        room = self.graph_bytes // max(1, GRAPH_OVER_ACTIVATIONS * self.problem.activation_bytes)
        for index, (inputs, targets) in enumerate(self.problem.batches()):
            graph = self._kept.get(index)
            if graph is None:
                graph = self.build(inputs, targets)
                if index < room:
                    self._kept[index] = graph
            yield graph
