"""`mlflow run` of an entry point, in a process of its own that the launcher can end: it asks the store first, once.

`python -m pipelines.console.through_mlflow EXPERIMENT ENTRY_POINT NAME=VALUE ...` ends with `NO_ANSWER`, and has begun
nothing, where the store does not answer; a warning has said why.
"""

from __future__ import annotations

import sys

NO_ANSWER = 75
"""Exit code; EX_TEMPFAIL of sysexits.h."""
ANSWER_S = 10.0
"""For the question before the stage, and the tidying behind it."""


def main(experiment: str, entry_point: str, parameters: dict[str, str]) -> int:
    """Exit code of the project run."""
    from benchmark.tracking import found, project, store
    from benchmark.tracking.line import Line
    from pipelines.console import mends

    line = Line(mends.warn, seconds=ANSWER_S)
    store.prepare(line)
    experiment_id = line.ask("take the experiment", lambda: store.experiment_id(experiment))
    if experiment_id is None:
        return NO_ANSWER
    if not project.run(entry_point, parameters, experiment):
        return 1
    line.ask("clear away the run that it was launched with", lambda: found.sweep_up(experiment_id))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], dict(one.split("=", 1) for one in sys.argv[3:])))
