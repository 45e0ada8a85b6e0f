"""What is left of the words beside published figures where a whole table of them is looked at together."""

from collections.abc import Sequence

import numpy as np

from benchmark.evaluation import statistics
from benchmark.published.table import for_task
from benchmark.published.verdict import Verdict, comparable
from benchmark.report import standing
from benchmark.report.gather import collect
from benchmark.runs.workspace import Workspace
from tests.report.parts import (
    PROFILE,
    cell,
    make,
    markdown_of,
    page_of,
    part,
    sample_params,
    write_run,
    write_sample,
)

TOLD = (Verdict.ABOVE, Verdict.BELOW)


def step_down(p: Sequence[float]) -> list[bool]:
    """Which of these are told by Holm's own wording: the smallest first, until one is not below its part of 5 %."""
    told = [False] * len(p)
    for rank, place in enumerate(np.argsort(p)):
        if not p[place] < 0.05 / (len(p) - rank):
            break
        told[place] = True
    return told


def test_every_row_has_its_own_word_and_what_holm_leaves_of_it(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    for seed in range(5):
        write_run(params, workspace, "breastmnist", "readme", seed)
    comparison = collect(params, PROFILE, workspace)
    task = part(comparison, "breastmnist")
    rows = list(standing.beside(task, cell(comparison, "breastmnist", "readme")))
    compared = [one for one in rows if one.judgement.verdict is not Verdict.NOT_COMPARABLE]
    assert len(compared) == len(comparable(for_task("breastmnist"), task.task))
    corrected = statistics.holm([one.judgement.p for one in compared])
    for one, p in zip(compared, corrected, strict=True):
        assert (one.judgement.p < 0.05) == (one.judgement.verdict in (Verdict.ABOVE, Verdict.BELOW))
        assert (p < 0.05) == (one.together in (Verdict.ABOVE, Verdict.BELOW))
    assert any(one.together is not one.judgement.verdict for one in compared)
    assert {one.together for one in rows if one not in compared} == {Verdict.NOT_COMPARABLE}


def test_words_beside_named_figures_are_corrected_over_tasks_recipes_and_references(workspace: Workspace) -> None:
    tasks = ("breastmnist", "vesselmnist3d")
    params = sample_params(tasks)
    write_sample(params, workspace, tasks, seeds=(0, 1, 2))
    comparison = make(params, workspace)
    found = standing.beside_references(comparison.tasks)
    assert len(found) == sum(len(standing.references(task)) * len(task.cells) for task in comparison.tasks)
    named = [one for (_, _, reference), one in found.items() if not reference.startswith("best of")]
    assert {one.judgement.verdict in TOLD for one in named} == {True, False}
    assert [one.together in TOLD for one in named] == step_down([one.judgement.p for one in named])
    alone = [one for one in named if one.is_alone]
    assert alone
    assert all((one.judgement.verdict in TOLD, one.together) == (True, Verdict.SAME) for one in alone)
    best = [one for (_, _, reference), one in found.items() if reference.startswith("best of")]
    assert best
    assert not any(one.is_alone for one in best)
    assert markdown_of(workspace).count(" (alone)") == len(alone)
    assert page_of(workspace).count('<small class="apart">alone</small>') == len(alone)
