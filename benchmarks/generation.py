"""Tokens a second of Writer.write beside plain loops and transformers, and requests a second of ``batched/`` beside ``hf/``.

    OMP_NUM_THREADS=1 python benchmarks/generation.py [--texts 256] [--rows 32] [--rounds 3] [--evaluated 64] [--device cpu]

All write with the student that ships with genlab, greedily, for skillworld's own prompts (k from 1 to 6), which arrive in no
order of length. The plain loops are nanoGPT's: no cache, the whole text again for every token; one row at a time takes only the
first ``--rows`` prompts. transformers' generate gets batches padded in the order of arrival. "Outside the model" is the share of
time that is not spent in its forward. Then Inspect evaluates genlab/skill_mix through each provider in turn. Rounds are A B C D
A B C D, medians are printed, and all texts must be equal.
"""

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from genlab.evaluation import writing
from genlab.grading.rubric import rubric
from genlab.skills.combinations import draw
from genlab.skills.pack import load
from genlab.students.generating import Conversation, Writer
from genlab.students.places import shipped

STUDENT = shipped()["skillworld"]
TOKENS = 160  # of a text at most
BATCH = 64


def prompts(number: int) -> list[Conversation]:
    pack, found = load("skillworld"), list[Conversation]()
    drawn = [draw(pack, k, number, seed=0).combinations for k in range(1, 7)]
    for place in range(number):
        combination = drawn[place % 6][place]
        said = writing.draft(rubric(combination.skills, combination.topic.name), form=pack.text, manner=pack.manner)
        found.append([{"role": "user", "content": said}])
    return found


class Stopwatch:
    """Seconds that a model spends in its forward."""

    def __init__(self, model: Any) -> None:
        self.seconds = 0.0
        model.register_forward_pre_hook(self.begin)
        model.register_forward_hook(self.end)

    def begin(self, *call: Any) -> None:
        self.wait()
        self.begun = time.perf_counter()

    def end(self, *call: Any) -> None:
        self.wait()
        self.seconds += time.perf_counter() - self.begun

    def wait(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()


def padded(writer: Writer, rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[writer.pad] * (width - len(row)) + row for row in rows], device=writer.model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=writer.model.device)
    return ids, mask


@torch.no_grad()
def plain(writer: Writer, asked: Sequence[Conversation], batch: int) -> list[list[int]]:
    """No cache: a batch goes on until its last row has ended."""
    tokens, found = writer.tokens(asked), []
    for start in range(0, len(tokens), batch):
        ids, mask = padded(writer, tokens[start : start + batch])
        width, ends = ids.shape[1], torch.tensor(writer.ends, device=ids.device)
        done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
        while not done.all() and ids.shape[1] < width + TOKENS:
            places = (mask.cumsum(-1) - 1).clamp(min=0)
            scores = writer.model(input_ids=ids, attention_mask=mask, position_ids=places, use_cache=False).logits[:, -1]
            token = scores.argmax(-1).masked_fill(done, writer.pad)
            ids, mask = torch.cat([ids, token[:, None]], 1), torch.cat([mask, mask.new_ones(len(ids), 1)], 1)
            done |= torch.isin(token, ends)
        found += ids[:, width:].tolist()
    return found


@torch.no_grad()
def transformers(writer: Writer, asked: Sequence[Conversation], batch: int) -> list[list[int]]:
    """Generate as its documentation shows it, in the order of arrival."""
    tokens, found = writer.tokens(asked), []
    for start in range(0, len(tokens), batch):
        ids, mask = padded(writer, tokens[start : start + batch])
        out = writer.model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=TOKENS, do_sample=False, top_k=None)
        found += out[:, ids.shape[1] :].tolist()
    return found


def text(writer: Writer, tail: list[int]) -> tuple[str, int]:
    """What a row says and its tokens, without what follows its end."""
    end = next((place + 1 for place, token in enumerate(tail) if token in writer.ends), len(tail))
    return writer.tokenizer.decode(tail[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False), end


def writing_alone(given: argparse.Namespace) -> None:
    """Tokens a second."""
    writer = Writer(STUDENT, device=given.device)
    asked, watch = prompts(given.texts), Stopwatch(writer.model)
    few = asked[: given.rows]

    def ours() -> list[tuple[str, int]]:
        return [(each.text, each.output_tokens) for each in writer.write(asked, max_tokens=TOKENS, batch=BATCH)]

    peers: dict[str, Callable[[], list[tuple[str, int]]]] = {
        "Writer.write": ours,
        "plain loop, a row at a time": lambda: [text(writer, tail) for tail in plain(writer, few, 1)],
        "plain loop, batched": lambda: [text(writer, tail) for tail in plain(writer, asked, BATCH)],
        "transformers, batched": lambda: [text(writer, tail) for tail in transformers(writer, asked, BATCH)],
    }
    wanted, rates, outside = ours(), {name: list[float]() for name in peers}, {name: list[float]() for name in peers}
    for _ in range(given.rounds):
        for name, call in peers.items():
            watch.seconds, begun = 0.0, time.perf_counter()
            found = call()
            spent = time.perf_counter() - begun
            assert found == wanted[: len(found)], f"{name} says something else"
            rates[name].append(sum(count for _, count in found) / spent)
            outside[name].append(1 - watch.seconds / spent)
    print(f"{len(asked)} texts, {sum(count for _, count in wanted):,} tokens, batches of {BATCH}; all texts equal\n")
    print(f"{'':30}{'tokens/s':>10}{'Writer.write is':>18}{'outside the model':>20}")
    most = statistics.median(rates["Writer.write"])
    for name, found_rates in rates.items():
        rate = statistics.median(found_rates)
        print(f"{name:30}{rate:10,.0f}{most / rate:16.1f} x{statistics.median(outside[name]):20.0%}")


def evaluations(given: argparse.Namespace) -> None:
    """Requests a second through Inspect: with its own number of connections, and with one for every text."""
    from inspect_ai import eval as inspect_eval
    from inspect_ai.model import GenerateConfig, get_model

    from genlab.evaluation.task import skill_mix

    options = {"max_tokens": TOKENS, "temperature": 0.0}

    def evaluated(name: str, connections: int | None) -> tuple[float, list[str], int]:
        config = GenerateConfig(**options if name == "batched" else {"max_tokens": TOKENS})
        more: dict[str, Any] = {} if name == "batched" else {"do_sample": False}
        model = get_model(f"{name}/{STUDENT}", memoize=False, device=given.device, config=config, **more)
        desk = getattr(model.api, "desk", None)
        before = len(desk.batches) if desk else 0
        task = skill_mix(pack="skillworld", k=3, n=given.evaluated, generations=1, gradings=1, controls=0, cache=False)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            begun = time.perf_counter()
            (log,) = inspect_eval(
                task, model=model, log_dir=folder, display="none", log_realtime=False,
                max_connections=connections, max_samples=connections,
            )  # fmt: skip
            spent = time.perf_counter() - begun
            assert log.status == "success", log.error
            said = {str(each.id): each.store["text"] for each in log.samples or []}
        return len(said) / spent, [said[id] for id in sorted(said)], len(desk.batches) - before if desk else 0

    evaluated("batched", given.evaluated)  # what is imported first
    print(f"\n{given.evaluated} texts of genlab/skill_mix through Inspect\n")
    print(f"{'':40}{'texts/s':>10}{'batched/ is':>14}")
    for connections in (given.evaluated, None):
        rates: dict[str, list[float]] = {"batched": [], "hf": []}
        texts, batches = [], 0
        for _ in range(given.rounds):
            for name, seen in rates.items():
                rate, said, written = evaluated(name, connections)
                seen.append(rate)
                texts.append(said)
                batches = written or batches
        assert all(each == texts[0] for each in texts), "the two providers say different things"
        how = f"{connections} connections" if connections else "Inspect's own connections"
        most = statistics.median(rates["batched"])
        for name, seen in rates.items():
            parts = f" ({batches} batches)" if name == "batched" else ""
            print(f"{name + '/, ' + how + parts:40}{statistics.median(seen):10.1f}{most / statistics.median(seen):12.1f} x")


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--evaluated", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    os.environ.setdefault("TQDM_DISABLE", "1")
    torch.set_num_threads(1)
    print(f"{given.device}, torch {torch.__version__}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    writing_alone(given)
    evaluations(given)


if __name__ == "__main__":
    main()
