"""Tasks over a Ray cluster, with the face of the pool: live messages, lost workers made good, a clean stop, nothing left.

Ray is imported when a cluster is entered, for it is an extra. A task is a Ray task, so one worker process runs many, one
after another; Ray's own retries are off, because here a retry is counted, told, and kept from tasks that failed by themselves.
"""

import contextlib
import logging
import os
import queue
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from typing import Any

from genlab.running.pool import STOP_SECONDS, THREAD_VARIABLES, Event, Task
from genlab.running.reach import LOCAL, Reach
from genlab.running.switchboard import Switchboard, perform

LOST_AT_MOST = 3  # Ray's own default of max_retries: a task that takes its worker down with it is not run for ever
AHEAD = 1000  # our assumption: tasks that wait within Ray, so that no core idles and an autoscaler sees what is wanted
LISTENERS = 100_000  # calls that the switchboard holds open, one a worker: an actor's default is 1,000
QUEUED_SECONDS = 2.0  # how long tasks that wait within Ray get to say that they have not begun
PLACE = "GENLAB_RAY_PLACE"  # an environment variable that all processes of a cluster of this command's own have
STORE_BYTES = 80 << 20  # of Ray's object store: nothing large goes through it, and less than 75 MB is refused


class Cluster:
    """Runs tasks on a Ray cluster; use as a context manager, which leaves no process of its own behind.

    Args:
        call: an importable function, as of a ``Pool``.
        tasks: what to run, in order.
        reach: which cluster, and what each task takes.
        workers: tasks at once at most; None: as many as the cluster has room for.
        variables: environment variables of the workers.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        tasks: Sequence[Task],
        *,
        reach: Reach,
        workers: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.call = call
        self.waiting = list(reversed(tasks))  # the next one last
        self.reach = reach
        self.workers = workers
        self.variables = {**dict.fromkeys(THREAD_VARIABLES, str(reach.threads())), **(variables or {})}
        self._tasks = {task.key: task for task in tasks}
        self._lost = dict.fromkeys(self._tasks, 0)
        self._running: dict[str, Any] = {}  # what Ray was given: key, and the reference to its result
        self._begun: set[str] = set()
        self._stopping = False
        self._inbox: queue.SimpleQueue[tuple[str, int, Future[Any]]] = queue.SimpleQueue()
        self._place: str | None = None
        self._before: dict[str, str | None] = {}  # environment variables as they were

    def __enter__(self) -> "Cluster":
        """Join or start the cluster.

        Raises:
            ValueError: none answers at this address, or no machine of it is large enough.
        """
        with self._left():
            if self.reach.address == LOCAL:
                self._guard()  # before Ray is imported: it reads these then
            import ray
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            self._join(ray)
            room = self._room(ray)
            self._window = self.workers or room + AHEAD
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            board = ray.remote(Switchboard)
            self._board = board.options(num_cpus=0, max_concurrency=LISTENERS, scheduling_strategy=here).remote()
            self._remote = ray.remote(num_cpus=self.reach.cpus, num_gpus=self.reach.gpus or 0, max_retries=0)(perform)
            self._folder = str(Path.cwd())
            self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        try:
            if ray.is_initialized() and self.reach.address != LOCAL:
                for reference in self._running.values():
                    ray.cancel(reference, force=True)
            self._running.clear()
            ray.shutdown()
        finally:
            self._unguard()
            if self._place:
                os.environ.pop(PLACE, None)
                _sweep(self._place)
                shutil.rmtree(self._place, ignore_errors=True)
                self._place = None

    def events(self, *, tick: float = 0.2) -> Iterator[Event | None]:
        """Events as they come, and None at least every ``tick`` seconds, until all tasks have ended."""
        while self.waiting or self._running:
            while self.waiting and len(self._running) < self._window:
                self._start(self.waiting.pop())
            yield from self._collect(tick)
            yield None

    def stop(self) -> Iterator[Event]:
        """Start nothing more, ask what runs to reach a safe place, and yield its last events."""
        self._stopping = True
        self.waiting.clear()
        self._board.stop.remote()
        began = time.monotonic()
        while self._running and time.monotonic() - began < STOP_SECONDS:
            if not self._begun and time.monotonic() - began > QUEUED_SECONDS:
                return
            yield from self._collect(0.2)

    def _guard(self) -> None:
        """Ask all who speak to this command's own cluster for a token: Ray listens on every address of the machine."""
        own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        own["RAY_USAGE_STATS_ENABLED"] = "0"  # and it reports to nobody
        self._before = {name: os.environ.get(name) for name in own}
        os.environ |= own

    def _unguard(self) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}

    def _join(self, ray: Any) -> None:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        variables = dict(self.variables)
        source = Path(__file__).parents[1]  # genlab
        if self.reach.address == LOCAL:
            # workers import this genlab, wherever the command found it
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(source.parent), os.environ.get("PYTHONPATH")]))
            self._place = os.environ[PLACE] = tempfile.mkdtemp(prefix="genlab-ray-")
            cpus = max(1, int((self.reach.cpus or 1) * (self.workers or 1)))
            options |= {"num_cpus": cpus, "include_dashboard": False, "_temp_dir": self._place}
            options |= {"object_store_memory": STORE_BYTES, "runtime_env": {"env_vars": variables}}
        else:
            described = metadata.distribution("genlab").locate_file(f"genlab-{metadata.version('genlab')}.dist-info")
            sent = [str(each) for each in (source, described) if Path(str(each)).is_dir()]
            options["runtime_env"] = {"env_vars": variables, "py_modules": sent, "excludes": ["**/__pycache__/**"]}
        try:
            ray.init(self.reach.address, **options)
        except Exception as error:  # Ray raises a plain one where a busy machine has not started it within half a minute
            local = self.reach.address == LOCAL
            how = "try again, or run without --ray" if local else "start one with 'ray start --head', or use --ray local"
            raise ValueError(f"--ray {self.reach.address}: no Ray cluster answers ({error}): {how}") from error

    def _room(self, ray: Any) -> int:
        """How many tasks the machines have room for.

        Raises:
            ValueError: no machine is large enough for one.
        """
        wanted = {"CPU": self.reach.cpus or 1, "GPU": self.reach.gpus or 0}
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        room = sum(int(min(node.get(name, 0) / much for name, much in wanted.items() if much)) for node in machines)
        if not room:
            largest = "; ".join(", ".join(f"{node.get(name, 0):g} {name}" for name in wanted) for node in machines)
            raise ValueError(
                f"--ray {self.reach.address}: a condition takes {wanted['CPU']:g} CPU and {wanted['GPU']:g} GPU, and no machine "
                f"has them (there are: {largest}). Ask for less with cpus= and gpus=, or add a machine"
            )
        return room

    def _start(self, task: Task) -> None:
        lost = self._lost[task.key]
        arguments = (self.call, task.arguments, (task.key, lost), self._board, self._folder)
        self._running[task.key] = self._remote.options(name=f"genlab {task.key}").remote(*arguments)
        ended = self._running[task.key].future()
        ended.add_done_callback(lambda future: self._inbox.put((task.key, lost, future)))

    def _listen(self) -> None:
        self._board.news.remote().future().add_done_callback(lambda future: self._inbox.put(("", -1, future)))

    def _collect(self, timeout: float) -> Iterator[Event]:
        with contextlib.suppress(queue.Empty):
            key, lost, future = self._inbox.get(timeout=timeout)
            while True:
                yield from self._ended(key, lost, future) if key else self._heard(future)
                key, lost, future = self._inbox.get_nowait()

    def _heard(self, future: "Future[Any]") -> Iterator[Event]:
        for (key, lost), content in future.result().items():
            if key not in self._running or lost != self._lost[key]:
                continue
            yield from self._first(key)
            if content:
                yield Event(key, "progress", content)
        self._listen()

    def _first(self, key: str) -> Iterator[Event]:
        if key not in self._begun:
            self._begun.add(key)
            yield Event(key, "started")

    def _ended(self, key: str, lost: int, future: "Future[Any]") -> Iterator[Event]:
        del self._running[key]
        kind, content = _outcome(future)
        if kind == "lost" and lost < LOST_AT_MOST and not self._stopping:
            self._lost[key] += 1
            self._begun.discard(key)
            self.waiting.append(self._tasks[key])
        elif kind == "lost":
            kind, content = "died", {"why": content["why"] + (f", {lost + 1} times" if lost else "")}
        if kind in ("done", "died"):
            yield from self._first(key)
            self._begun.discard(key)
        if kind != "unbegun":
            yield Event(key, kind, content)

    @contextlib.contextmanager
    def _left(self) -> Iterator[None]:
        """Leave the cluster again if entering it fails half way."""
        try:
            yield
        except ModuleNotFoundError:
            raise
        except BaseException:
            self.__exit__()
            raise


def _sweep(place: str) -> None:
    """Kill what Ray has left of the cluster at ``place``: workers that were just starting outlive it for a while."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{PLACE}={place}\0".encode() in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)


def _outcome(future: "Future[Any]") -> tuple[str, dict[str, Any]]:
    """How a Ray task ended: what it says itself, lost with its worker, or died for Ray's own reasons."""
    from ray import exceptions

    error = future.exception()
    if error is None:
        kind, content = future.result()
        return kind, content
    words = str(error).strip().splitlines() or [""]
    gone = (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError, exceptions.ObjectLostError)
    if isinstance(error, exceptions.RayTaskError) or not isinstance(error, gone):
        return "died", {"why": f"{type(error).__name__}: {words[-1]}", "traceback": str(error)}
    why = {
        exceptions.OutOfMemoryError: "its machine ran out of memory: try more cpus= for each",
        exceptions.NodeDiedError: "its machine is gone",
    }
    return "lost", {"why": why.get(type(error), "its worker is gone")}
