"""Texts a second, side by side: a bare asyncio client, Inspect alone, and genlab in one and in several processes.

    python benchmarks/skill_mix.py [--connections 64 256] [--texts 1000] [--latency 0.05] [--rounds 3]

All ask the same local endpoint, which answers after a set latency; rounds go A B C D A B C D in one process order, medians and
ratios are printed. A text is three calls here: two turns of the student and one grading. ``--memory 10000`` runs genlab alone on
that many texts and prints its largest memory; ``--start`` times the command line.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = "Answer: The rope was a patient friend that never asked where the boat had been.\nExplanation: a metaphor."


def serve(latency: float, port: Any) -> None:
    """An OpenAI-compatible endpoint that answers a grader with full marks and anybody else with one sentence."""
    import re

    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> JSONResponse:
        said = (await request.json())["messages"][-1]["content"]
        await asyncio.sleep(latency)
        code = re.search(r"^BEGIN (\w+)$", said, re.MULTILINE)
        text = WORDS
        if code:
            names = re.findall(r'\{"criterion": "(.+?)", "reason"', said)
            entries = [{"criterion": name, "reason": "yes", "earned": 1} for name in names]
            text = json.dumps({"code": code[1], "grading": entries})
        message = {"role": "assistant", "content": text}
        usage = {
            "prompt_tokens": len(said) // 4,
            "completion_tokens": len(text) // 4,
            "total_tokens": (len(said) + len(text)) // 4,
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(
            {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
        )

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))

    async def run() -> None:
        started = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port.value = server.servers[0].sockets[0].getsockname()[1]
        await started

    asyncio.run(run())


def bare(url: str, texts: int, connections: int) -> None:
    """Three calls a text with the openai client and a semaphore, and nothing else."""
    from openai import AsyncOpenAI

    from genlab.evaluation import writing
    from genlab.grading import prompts
    from genlab.grading.rubric import rubric
    from genlab.skills.combinations import draw
    from genlab.skills.pack import load

    pack = load("english")

    async def main() -> None:
        client, gate = AsyncOpenAI(base_url=url, api_key="none", max_retries=0), asyncio.Semaphore(connections)

        async def ask(messages: list[Any]) -> str:
            async with gate:
                reply = await client.chat.completions.create(model="m", messages=messages)
            return reply.choices[0].message.content or ""

        async def one(combination: Any) -> None:
            sought = rubric(combination.skills, combination.topic.name)
            messages = [{"role": "user", "content": writing.draft(sought, form=pack.text)}]
            first = await ask(messages)
            messages += [{"role": "assistant", "content": first}, {"role": "user", "content": writing.improved(sought)}]
            text = writing.text_of(await ask(messages))
            await ask([{"role": "user", "content": prompts.grading(sought, text, "gggggggggg", form=pack.text)}])

        await asyncio.gather(*[one(each) for each in draw(pack, 3, texts, seed=0).combinations])

    asyncio.run(main())


def inspect_alone(cache: bool) -> Callable[[str, int, int], None]:
    """A task of Inspect's own parts with the same calls: what any evaluation of this shape costs there."""

    def run(url: str, texts: int, connections: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"LOCAL_BASE_URL": url, "LOCAL_API_KEY": "none", "INSPECT_CACHE_DIR": f"{folder}/cache"}
            _inspect(texts, connections, cache, folder)

    return run


def _inspect(texts: int, connections: int, cache: bool, folder: str) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
    from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
    from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

    from genlab.evaluation import writing
    from genlab.grading import prompts
    from genlab.grading.rubric import rubric
    from genlab.skills.combinations import draw
    from genlab.skills.pack import load

    pack = load("english")
    rubrics = [rubric(each.skills, each.topic.name) for each in draw(pack, 3, texts, seed=0).combinations]

    @solver
    def revise() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            state.messages.append(ChatMessageUser(content=writing.improved(rubrics[int(state.sample_id)])))
            return await generate(state, cache=cache)

        return solve

    @scorer(metrics=[mean()])
    def graded() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            text = writing.text_of(state.output.completion)
            prompt = prompts.grading(rubrics[int(state.sample_id)], text, "gggggggggg", form=pack.text)
            reply = await get_model(role="grader").generate(prompt, cache=cache)
            return Score(value=float("earned" in reply.completion))

        return score

    samples = [Sample(id=place, input=writing.draft(each, form=pack.text)) for place, each in enumerate(rubrics)]
    (log,) = eval(
        Task(dataset=MemoryDataset(samples), solver=[generate(cache=cache), revise()], scorer=graded()),
        model="openai-api/local/m",
        model_roles={"grader": get_model("openai-api/local/m", config=GenerateConfig(max_connections=connections))},
        max_connections=connections,
        max_samples=2 * connections,
        log_realtime=False,
        log_dir=folder,
        display="none",
    )
    assert log.status == "success", log.error


def ours(processes: int) -> Callable[[str, int, int], None]:
    """Genlab's own run of one cell, logs and cache included, read back to rows."""

    def run(url: str, texts: int, connections: int) -> None:
        from dataclasses import replace

        from genlab.studies.skill_mix import SkillMix

        os.environ |= {"LOCAL_BASE_URL": url, "LOCAL_API_KEY": "none"}
        with tempfile.TemporaryDirectory() as folder:
            os.environ["INSPECT_CACHE_DIR"] = f"{folder}/cache"
            each = max(1, connections // processes)
            study = SkillMix(
                student=("openai-api/local/m",),
                grader=("openai-api/local/m",),
                k=(3,),
                n=texts,
                generations=1,
                gradings=1,
                controls=0,
                processes=processes,
                inspect=(f"max_connections={each}",),
            )
            settings = study.conditions()[0].settings
            rows = [
                row for advance in replace(study, store=f"{folder}/store").run(settings, None, "cpu") for row in advance.records
            ]
            graded = sum(row.status == "graded" for row in rows)
            assert graded == texts, f"{graded} of {texts} graded"

    return run


def timed(call: Callable[[str, int, int], None], url: str, texts: int, connections: int) -> tuple[float, float, float]:
    """(texts a second, processor seconds, largest memory of one process in MB) of a call in processes of its own."""
    import psutil

    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()

    def body() -> None:
        begun = time.perf_counter()
        call(url, texts, connections)
        results.put(time.perf_counter() - begun)

    process = context.Process(target=body)
    process.start()
    seconds: dict[int, float] = {}
    memory = 0
    while process.is_alive():
        with contextlib.suppress(psutil.Error):
            for each in (root := psutil.Process(process.pid), *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    seconds[each.pid] = sum(each.cpu_times()[:2])
                    memory = max(memory, each.memory_info().rss)
        time.sleep(0.1)
    assert process.exitcode == 0, "a contestant failed"
    return texts / results.get(), sum(seconds.values()), memory / 2**20


def start_up() -> None:
    """Median seconds of commands that should start at once."""
    for words in (["--help"], ["run", "skill_mix", "--dry-run"]):
        command = [str(Path(sys.executable).with_name("genlab")), *words]
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - begun)
        print(f"genlab {' '.join(words)}: {statistics.median(times):.2f} s")


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--start", action="store_true")
    given = parser.parse_args()
    if given.start:
        return start_up()
    port = multiprocessing.Value("i", 0)
    endpoint = multiprocessing.get_context("fork").Process(target=serve, args=(given.latency, port), daemon=True)
    endpoint.start()
    while not port.value:
        time.sleep(0.05)
    url = f"http://127.0.0.1:{port.value}/v1"
    if given.memory:
        rate, cpu, memory = timed(ours(1), url, given.memory, given.connections[0])
        print(f"{given.memory:,} texts: {rate:.1f} a second, {cpu:.0f} s of processor, largest process {memory:.0f} MB")
        return None
    contestants = {
        "bare openai client": bare,
        "Inspect alone": inspect_alone(cache=False),
        "Inspect, its cache on": inspect_alone(cache=True),
        "genlab, 1 process": ours(1),
        "genlab, 2 processes": ours(2),
    }
    for connections in given.connections:
        seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in contestants}
        for _ in range(given.rounds):
            for name, call in contestants.items():
                seen[name].append(timed(call, url, given.texts, connections))
        limit = connections / given.latency / 3
        print(
            f"\n{given.texts} texts, {connections} connections, latency {given.latency} s; limit of the endpoint: {limit:.0f}/s"
        )
        peer = statistics.median(rate for rate, _, _ in seen["Inspect alone"])
        for name, runs in seen.items():
            rate, cpu = statistics.median(each[0] for each in runs), statistics.median(each[1] for each in runs)
            memory = max(each[2] for each in runs)
            print(
                f"{name:<22} {rate:6.1f} texts/s  {3 * rate:6.1f} calls/s  {1000 * cpu / given.texts / 3:5.1f} ms CPU a call  "
                f"{memory:5.0f} MB  {rate / peer:.2f} x Inspect alone"
            )
    return None


if __name__ == "__main__":
    main()
