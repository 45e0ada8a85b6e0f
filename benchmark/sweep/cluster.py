"""Ray: where the runs of a sweep, and of the main job, are scheduled. The only module that knows Ray, an optional extra.

Without an address Ray runs on this machine and ends with the command; with one, the command joins the cluster that is
there. Every node has the project in a folder of the same path, with the same code, and shares `trials/`, `data/`,
`trunks/` and `runs/` with the others.

Ray is imported where it is used: it may not be installed, and takes seconds that a dry run does without.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import torch

from benchmark.core.errors import BadInput, NoCluster, NoScheduler
from benchmark.runs.status import NOT_FINISHED, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import trial
from benchmark.sweep.private import private
from benchmark.sweep.trial import Job
from benchmark.training import execute
from benchmark.training.loop import Row
from benchmark.training.model import pick_device

ANSWER_S = 30
"""A cluster that has not answered after so many seconds is taken for unreachable."""
OBJECT_STORE = 100 * 2**20
RETRIES = 3
"""Of a run whose process or machine died; it goes on from its checkpoint."""
LOST_STARTS = 2000
"""Of a run, before it is given up. Ray takes some 12 s to see that a node is dead, and sends it runs until then, on a fast
machine ten a second: a run that never began there has not died."""

# Read by Ray when it is imported, and by the processes that it starts.
for variable, value in {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "200",  # as for a grid of Tune's own, so that many workers start at once
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}.items():
    os.environ.setdefault(variable, value)


@dataclass(frozen=True)
class Share:
    """What one run gets, and how many go on side by side."""

    cpus: float
    gpus: float
    at_once: int | None
    """None for as many as fit."""


PORT = re.compile(r"[0-9]{1,5}")
LONGEST = 100
"""Characters of an address in a sentence."""
Where = Callable[[str], str]
"""How a person is told of a setting: by its name, or by what they gave it with."""


def require(address: str, where: Where = str) -> None:
    """Find out, before anything is done, whether there is Ray to run on.

    Raises:
        NoScheduler: Ray is not installed.
        BadInput: `address` is none.
        NoCluster: no cluster answers there.
    """
    if importlib.util.find_spec("ray") is None:
        raise NoScheduler("runs side by side need Ray, which is not installed here")
    if address not in ("", "auto"):
        _must_answer(address, where)


@contextmanager
def connect(address: str, share: Share, where: Where = str) -> Iterator[None]:
    """Ray on this machine, or the cluster at `address`, for as long as the context is open.

    Raises:
        NoCluster: there is none.
        BadInput: a node has other code, or no node has what one run asks for.
    """
    with _ray(address, where):
        _must_have_same_code()
        _must_have_room(share, where)
        yield


@contextmanager
def _ray(address: str, where: Where) -> Iterator[None]:
    import ray

    ended_by = signal.getsignal(signal.SIGTERM)
    with ExitStack() as stack:
        own: dict[str, Any] = {}
        if not address:
            own = {"include_dashboard": False, "object_store_memory": OBJECT_STORE} | stack.enter_context(private())
        raylet: Any = importlib.import_module("ray._raylet")
        raylet.AuthenticationTokenLoader.instance().reset_cache()  # it would go on with the token of an earlier sweep
        stack.callback(ray.shutdown)
        try:
            ray.init(address or "local", log_to_driver=False, logging_level="error", **own)
        except ConnectionError as error:
            raise NoCluster(f"{where('address')}: no Ray cluster at {address!r}") from error
        except RuntimeError as error:  # of another version of Python or Ray, which it says
            if not address:
                raise
            raise BadInput(f"{where('address')}: {' '.join(str(error).split())}") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ended_by)  # Ray's own handler aborts the process
        yield


def _must_answer(address: str, where: Where) -> None:
    """Asked in a process of its own: Ray's client retries for minutes, and may end the process that it is in."""
    host, _, port = address.rpartition(":")
    if not host or not PORT.fullmatch(port):
        raise BadInput(f"{where('address')}: should be HOST:PORT or auto, got {address[:LONGEST]!r}")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
        command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
        subprocess.run(command, timeout=ANSWER_S, check=True, capture_output=True)
    except (OSError, OverflowError, UnicodeError, subprocess.SubprocessError) as error:  # of a host that is no name
        raise NoCluster(
            f"{where('address')}: no Ray cluster answers at {address[:LONGEST]} (waited {ANSWER_S} s at most)"
        ) from error


def _must_have_same_code() -> None:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = execute.fingerprint()
    ask = ray.remote(num_cpus=0, max_retries=0)(execute.fingerprint)
    nodes = {node["NodeID"]: node["NodeName"] for node in ray.nodes() if node["Alive"]}
    asked = {
        node: ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
        for node in nodes
    }
    for node, answer in asked.items():
        try:
            there = ray.get(answer, timeout=ANSWER_S * 2)
        except Exception as error:  # whatever Ray makes of a node on which the project can't be imported
            reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise BadInput(f"node {nodes[node]}: can't run this project's code ({reason[0]})") from error
        if there != here:
            differs = ", ".join(
                f"{name} {there[name][:12]} there, {here[name][:12]} here" for name in here if there[name] != here[name]
            )
            raise BadInput(f"node {nodes[node]}: has another version ({differs}); put the same checkout on every node")


def _must_have_room(share: Share, where: Where) -> None:
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for setting, resource, wanted in (("cpus", "CPU", share.cpus), ("gpus", "GPU", share.gpus)):
        most = max(node.get(resource, 0) for node in nodes)
        if wanted > most:
            raise BadInput(f"{where(setting)}: a run can't have {wanted:g}: no node has more than {most:g} {resource}")


def run(
    jobs: Sequence[Job],
    share: Share,
    workspace: Workspace,
    asha: bool,
    minutes: float,
    on_end: Callable[[Job], None],
) -> None:
    """Run every job by Ray Tune, first to last; a job whose process or machine died is tried again.

    A job after another one of them waits for that one, and is left where it came to nothing.

    Args:
        workspace: of the jobs, whose paths are taken from the current folder on every node.
        asha: give up runs that fall behind after a third of the epochs (asynchronous successive halving,
            Li et al., MLSys 2020).
        minutes: end after so many, leaving the rest for another time; 0 for no limit.
        on_end: called here, in this process, as soon as a job has come to its end.
    """
    from ray import tune

    storage = _storage(workspace.trials.absolute())
    starts = storage / "starts"
    trainable = tune.with_parameters(
        _trainable, jobs=list(jobs), root=str(Path.cwd()), share=share, report=asha, starts=starts
    )
    try:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"CPU": share.cpus, "GPU": share.gpus}),
            tune_config=tune.TuneConfig(
                num_samples=len(jobs),
                search_alg=_in_turn(jobs),
                max_concurrent_trials=share.at_once,
                scheduler=_asha(jobs) if asha else None,
                time_budget_s=minutes * 60 or None,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(storage),
                failure_config=tune.FailureConfig(max_failures=LOST_STARTS),
                callbacks=[_callback(jobs, asha, on_end)],
                verbose=0,
            ),
        )
        tuner.fit()
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _storage(trials: Path) -> Path:
    """Where Tune's own files go: nothing that is needed later, but every node has to see them.

    What killed sweeps of this machine have left there is removed.
    """
    own = f".tune-{socket.gethostname()}+"  # no host's name has a plus sign in it
    for left in trials.glob(f"{own}*"):
        if not psutil.pid_exists(int(left.name.split("+")[1])):
            shutil.rmtree(left, ignore_errors=True)
    return trials / f"{own}{os.getpid()}+{uuid4().hex[:8]}"


def _in_turn(jobs: Sequence[Job]) -> Any:
    from ray.tune.search import Searcher

    class InTurn(Searcher):  # type: ignore[misc]
        """Hands out the jobs in their order, each once what it starts from is done."""

        def __init__(self) -> None:
            super().__init__()
            self.waiting = list(range(len(jobs)))
            self.begun: dict[str, Job] = {}
            self.to_come = {job.folder for job in jobs}

        def suggest(self, trial_id: str) -> Any:
            ready = (number for number in self.waiting if jobs[number].start not in self.to_come)
            if (number := next(ready, None)) is None:
                return None if self.begun else Searcher.FINISHED
            self.waiting.remove(number)
            self.begun[trial_id] = jobs[number]
            return {"job": number}

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            job = self.begun.pop(trial_id)
            if job.status.is_done:
                self.to_come.remove(job.folder)

        def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
            """Tune saves it to go on from; a command goes on from its folders."""

    return InTurn()


def _asha(jobs: Sequence[Job]) -> Any:
    from ray.tune.schedulers import ASHAScheduler

    epochs = jobs[0].config.epochs
    grace = max(1, epochs // 3)
    return ASHAScheduler(
        "epoch", metric="val_auc", mode="max", max_t=epochs + 1, grace_period=grace, reduction_factor=3
    )


def _callback(jobs: Sequence[Job], asha: bool, on_end: Callable[[Job], None]) -> Any:
    from ray import tune

    class Ends(tune.Callback):  # type: ignore[misc]
        """What becomes of a job, as Tune tells it."""

        def __reduce__(self) -> Any:  # Tune saves its callbacks, to go on from; a sweep goes on from its folders
            return tune.Callback, ()

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            job = jobs[trial.config["job"]]
            if asha and trial.last_result and job.status == NOT_FINISHED:
                job.close(Status(State.STOPPED, f"by ASHA after epoch {trial.last_result['epoch']:.0f}"))
            on_end(job)

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
            job = jobs[trial.config["job"]]
            job.close(Status(State.ERROR, f"could not be started in {LOST_STARTS + 1} tries"))
            on_end(job)

    return Ends()


class _Process:
    """The process of Ray's that this is: it makes one run after the other."""

    is_spent = False
    """Whether it can make no further one."""


def _trainable(config: dict[str, Any], jobs: list[Job], root: str, share: Share, report: bool, starts: Path) -> None:
    """In a process of Ray's, on whichever node: one job."""
    from ray import tune

    if _Process.is_spent:
        os._exit(1)  # the job has not begun, and Ray gives it to a new process
    os.chdir(root)
    torch.set_num_threads(max(1, int(share.cpus)))
    job = jobs[config["job"]]
    own = starts / str(config["job"])
    own.mkdir(parents=True, exist_ok=True)
    if len(list(own.iterdir())) > RETRIES:
        job.close(Status(State.ERROR, f"its process died {RETRIES + 1} times"))
    else:
        (own / uuid4().hex).touch()
        _Process.is_spent = not trial.run(job, pick_device(), [_Reporter()] if report else [])
    tune.report({"done_job": config["job"]})


class _Reporter:
    """Observer that tells Tune of every epoch, for ASHA."""

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        pass

    def batch_done(self, images: int) -> None:
        pass

    def epoch_done(self, row: Row) -> None:
        from ray import tune

        tune.report({"epoch": row["epoch"], "val_auc": row["val_auc"]})
