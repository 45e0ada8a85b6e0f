"""How to mend what went wrong: the second half of an error's sentence, by its class.

The library says what is wrong and where; only the command line knows which commands and files a person has in hand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from benchmark.core import errors
from benchmark.core.addresses import without_passwords
from benchmark.core.errors import BenchmarkError

Facts = dict[str, Any]


def mend(error: BenchmarkError) -> str:
    """What helps against this error; empty where its sentence says it all."""
    for kind in type(error).__mro__:
        if kind in MENDS:
            return MENDS[kind](error.facts)
    return ""


def sentence(error: BenchmarkError) -> str:
    """What went wrong, where, and how to mend it; nobody's password, where an address has one."""
    return without_passwords("; ".join(part for part in (str(error), mend(error)) if part))


def warn(error: BenchmarkError) -> None:
    """Say on stderr what is left out because of this error, where the command goes on without it."""
    print(f"warning: {sentence(error)}", file=sys.stderr, flush=True)


def _wrong_file(facts: Facts) -> str:
    if facts["own"]:
        return f"put the declared file there or declare its MD5 in params.yaml: tasks.{facts['task']}.md5"
    return "put the official file there or unset MEDMNIST_MIRROR"


def _unreachable(facts: Facts) -> str:

    origin = without_passwords(facts["origin"])
    first = f"a file at {origin}" if facts["own"] else f"a network that reaches {origin}"
    return (
        f"what helps: (1) {first}, (2) MEDMNIST_MIRROR naming a folder or address that has {facts['file_name']}, or "
        f"(3) a shorter fetch.tasks (and pretrain.{facts['dim']}.tasks) in params.yaml, which `make repro` does by itself"
    )


def _of_grid(facts: Facts) -> str:
    return f" --grid {facts['grid']}" if "grid" in facts else ""


def _not_finite(facts: Facts) -> str:
    lower = f"a lower lr of recipe {facts['recipe']} in params.yaml is the likely remedy"
    return lower if facts["precision"] == "fp32" else f"{lower}, or precision fp32 of profile {facts['profile']}"


def _out_of_memory(facts: Facts) -> str:
    cheaper = f"name a cheaper network in profile {facts['profile']}"
    return (
        f"lower batch_size of recipe {facts['recipe']} in params.yaml, or {cheaper}" if facts["in_a_batch"] else cheaper
    )


def _no_store(facts: Facts) -> str:
    first = {
        "deleted": f"`mlflow experiments restore --experiment-id {facts.get('experiment_id')}` brings it back",
        "refused": "name this host in `--allowed-hosts` of the server, or set MLFLOW_TRACKING_USERNAME and _PASSWORD",
        "folder": "set MLFLOW_TRACKING_URI to a database such as sqlite:///mlflow.db, or unset it",
        "version": "`mlflow db upgrade` brings the database to this version",
        "address": "set MLFLOW_TRACKING_URI to a server or a database, or unset it",
    }.get(str(facts.get("why")), "see that it runs")
    return f"{first}; then `python -m pipelines.track` completes MLflow's view from the run folders, which are whole"


MENDS: dict[type[BenchmarkError], Callable[[Facts], str]] = {
    errors.NoConfiguration: lambda facts: "run the command from the project's folder",
    errors.BadTask: lambda facts: "mend the entry in params.yaml",
    errors.NoWinner: lambda facts: (
        f"run `python -m pipelines.sweep {facts.get('task', 'TASK')}{_of_grid(facts)}` for it"
    ),
    errors.NoTrunk: lambda facts: (
        f"name {facts['dim']} in params.yaml: pretrain.dims, and the tasks to train it on in "
        f"pretrain.{facts['dim']}.tasks"
    ),
    errors.NoStart: lambda facts: (
        f"run `python -m pipelines.finetune {facts['task']} {facts['recipe']} --profile {facts['profile']}` before, "
        "with these seeds in the profile"
    ),
    errors.NoMember: lambda facts: (
        f"run `python -m pipelines.finetune {facts['task']} {facts['recipe']} --profile {facts['profile']}` before"
    ),
    errors.Occupied: lambda facts: "give the command again when that has ended",
    errors.NoScheduler: lambda facts: "pip install '.[sweep]'",
    errors.NoCluster: lambda facts: (
        "start one with `ray start --head`, and set RAY_AUTH_MODE=token here where it asks for a token"
    ),
    errors.NoStore: _no_store,
    errors.NothingDone: lambda facts: "some are not finished: give the command again" if facts["left"] else "",
    errors.DataMissing: lambda facts: (
        f"run `dvc repro fetch@{facts['task']}` or `python -m pipelines.fetch {facts['task']}`"
    ),
    errors.WrongFile: _wrong_file,
    errors.WrongStructure: lambda facts: (
        "save the file again in MedMNIST's format and declare its new MD5 in params.yaml"
    ),
    errors.OneClass: lambda facts: f"take {facts['task']} out of params.yaml, or mend the file",
    errors.DamagedRun: lambda facts: "run its stage again, which makes it anew, or remove the folder",
    errors.DataUnreachable: _unreachable,
    errors.NotFinite: _not_finite,
    errors.OutOfMemory: _out_of_memory,
}
