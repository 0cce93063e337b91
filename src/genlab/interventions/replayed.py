"""Two passes that see the same dropout masks: the second starts from where PyTorch's generator stood at the first."""

from types import TracebackType

import torch


class Replayed:
    """A context to enter several times: each time the generators of CPU and device start where they did the first time.

    >>> passes, seen = Replayed(torch.device("cpu")), []
    >>> for _ in range(2):
    ...     with passes:
    ...         seen.append(torch.nn.functional.dropout(torch.ones(9)))
    >>> torch.equal(*seen)
    True
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._state: torch.Tensor | None = None
        self._on_device: torch.Tensor | None = None

    def __enter__(self) -> None:
        if self._state is None:
            self._state = torch.get_rng_state()
            self._on_device = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
            return
        torch.set_rng_state(self._state)
        if self._on_device is not None:
            torch.cuda.set_rng_state(self._on_device, self.device)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None
