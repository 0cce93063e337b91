"""Which parameters of a module a problem is a function of: all that train, or those that names, patterns or a test choose."""

import difflib
import fnmatch
from collections.abc import Callable, Sequence

from torch import nn

# A name or pattern in the manner of the shell ("*lora_*", "head.weight"), several of them, or a test of a name.
Choice = str | Sequence[str] | Callable[[str], bool]


def chosen(module: nn.Module, choice: Choice | None) -> tuple[str, ...]:
    """The names of the chosen parameters, each parameter once, in the order of ``module.named_parameters()``.

    None chooses every parameter with ``requires_grad``. A choice is made among all parameters of a floating type, frozen ones
    too. A parameter that several layers share has several names: any of them chooses it, its first stands for it.

    >>> network = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    >>> chosen(network, "2.*")
    ('2.weight', '2.bias')
    >>> chosen(network, lambda name: name.endswith("weight"))
    ('0.weight', '2.weight')

    Raises:
        ValueError: nothing with ``requires_grad``, or a name, pattern or test that chooses nothing.
    """
    if choice is None:
        trainable = tuple(name for name, each in module.named_parameters() if each.requires_grad)
        if not trainable:
            raise ValueError("the module has no parameter with requires_grad=True: there is nothing to differentiate")
        return trainable
    aliases: dict[int, list[str]] = {}
    for name, each in module.named_parameters(remove_duplicate=False):
        if each.is_floating_point():
            aliases.setdefault(id(each), []).append(name)
    names = [name for shared in aliases.values() for name in shared]
    if callable(choice):
        wanted = {name for name in names if choice(name)}
        if not wanted:
            raise ValueError(f"the test parameters= is true of none of the {len(names)} parameters, among them {_some(names)}")
    else:
        known, wanted = set(names), set()
        for pattern in [choice] if isinstance(choice, str) else choice:
            found = {pattern} if pattern in known else set(fnmatch.filter(names, pattern))
            if not found:
                near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
                hint = f"near it are {_some(near)}" if near else f"there are {_some(names)}"
                raise ValueError(f"no parameter is named {pattern!r}: {hint}. Patterns are the shell's, such as '*.weight'")
            wanted |= found
        if not wanted:
            raise ValueError("parameters=() chooses no parameter: give names or patterns, or leave it out for all that train")
    return tuple(shared[0] for shared in aliases.values() if wanted & set(shared))


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + rest
