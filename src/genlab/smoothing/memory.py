"""Memory that a CPU's passes free stays with the process: else the next pass begins with a page fault for every 4 KB of it."""

import functools

import torch

LARGEST = 31 * 2**20  # bytes: just below the 32 MB beyond which glibc adapts to nothing (mallopt(3), M_MMAP_THRESHOLD)


@functools.cache
def keep_freed() -> None:
    """Let glibc keep tensors of up to 31 MB, twice that in all, when they are freed: by its own rule, once a process.

    What it freed last tells glibc how large a piece it may keep instead of giving it back to the system. So one tensor that
    nothing is ever written to is enough, and costs no memory. Noisy passes were 1.5 and 2 times as fast for it (measured:
    docs/log.md). With another allocator it does nothing.
    """
    torch.empty(LARGEST, dtype=torch.uint8)
