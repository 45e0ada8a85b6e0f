"""The answer, made by rule: does training for AUROC help, by how much, and what could have been seen."""

from __future__ import annotations

import math

from benchmark.evaluation import measures
from benchmark.evaluation.chance import ALPHA
from benchmark.evaluation.design import WANTED, Design
from benchmark.evaluation.effect import OVERALL, Contest, Measure, Word
from benchmark.report import wording
from benchmark.report.model import Comparison

NONE = (
    "Whether training for AUROC helps is not answered here: no two recipes with figures differ in their objective alone, "
    "one of them trained for AUROC."
)


HEADINGS = (
    "recipes",
    "tasks \N{MULTIPLICATION SIGN} seeds",
    f"{measures.NAMES[Measure.AUROC]} [95\N{NO-BREAK SPACE}%]",
    "verdict",
    "p (Holm)",
    "detectable",
    f"for {WANTED}",
    *(measures.NAMES[measure] for measure in Measure if measure is not Measure.AUROC),
)
"""Of the answer's table: test AUROC with what could have been seen, then further figures."""
FURTHER = -(len(Measure) - 1)
"""Columns, from the end."""
CAPTION = (
    "Difference on test, mean over all tasks, to the same training for another objective [95 % interval of other images and other seeds, of this difference alone]. "
    "Detectable: the smallest true difference in AUROC that would be called with 80 % probability, "
    f"and how many seeds or test images {WANTED} takes"
)


def answer(comparison: Comparison) -> str:
    """In how many comparisons the recipe that trains for AUROC is better, over all tasks, in one sentence."""
    contests = comparison.contests
    if not contests:
        return NONE
    words = [contest.word(Measure.AUROC) for contest in contests]
    counts = ", ".join(f"{word} in {words.count(word)}" for word in Word if word in words)
    return (
        f"{_found(set(words))}: beside the same training for another objective, test AUROC over all tasks is {counts} of "
        f"{wording.counted(len(contests), 'comparison')}."
    )


def _found(words: set[Word]) -> str:
    told = words & {Word.BETTER, Word.WORSE, Word.SAME}
    if not told:
        return "Whether training for AUROC helped can't be told"
    if told == {Word.SAME}:
        return "Training for AUROC did not measurably help"
    if {Word.BETTER, Word.WORSE} <= told:
        return "Training for AUROC helped in one comparison and hurt in another"
    verb = "helped" if Word.BETTER in told else "hurt"
    if Word.SAME in told:
        return f"Training for AUROC {verb} in some comparisons, not in all"
    return f"Training for AUROC {verb}" if told == words else f"Training for AUROC {verb} where that is decided"


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """For each objective, over all tasks, what `HEADINGS` name: AUROC with what could have been seen, then other measures."""
    return [(wording.two(comparison, contest.a, contest.b), *_row(contest)) for contest in comparison.contests]


def rows_of_tasks(comparison: Comparison) -> list[tuple[str, ...]]:
    """The same of every single task: recipes, task, then AUROC with what could have been seen."""
    return [
        (wording.two(comparison, contest.a, contest.b), task, *_auroc(contest, task))
        for contest in comparison.contests
        for task in contest.measures[Measure.AUROC].tasks
    ]


def _row(contest: Contest) -> tuple[str, ...]:
    overall = contest.measures[Measure.AUROC]
    seeds = sorted({len(task.seeds) for task in overall.tasks.values()})
    return (
        f"{len(overall.tasks)} \N{MULTIPLICATION SIGN} {' or '.join(map(str, seeds))}",
        *_auroc(contest, OVERALL),
        *(_further(contest, measure) for measure in contest.measures if measure is not Measure.AUROC),
    )


def _auroc(contest: Contest, place: str) -> tuple[str, ...]:
    """Difference with its interval, word, p, and what could have been seen: of one task, or over all."""
    return (
        wording.effect(contest.effects(Measure.AUROC)[place]),
        contest.word(Measure.AUROC, place),
        wording.p_value(contest.p_holm.get((Measure.AUROC, place), math.nan)),
        *_could_be_seen(contest.designs.get((Measure.AUROC, place))),
    )


def _further(contest: Contest, measure: Measure) -> str:
    """The difference, and the word where there is one to say."""
    word = contest.word(measure)
    difference = wording.difference(contest.measures[measure].mean.value)
    return f"{difference}, {word}" if word in (Word.BETTER, Word.WORSE) else difference


def told(contest: Contest, measure: Measure, place: str = OVERALL) -> str:
    """The word, with the p-value behind it."""
    word, p = contest.word(measure, place), contest.p_holm.get((measure, place))
    return word if p is None else f"{word} (p {wording.p_equals(p)}, Holm)"


def _could_be_seen(design: Design | None) -> tuple[str, str]:
    """The smallest true difference, and what `WANTED` takes; nothing where nothing was decided."""
    if design is None:
        return wording.NOTHING, wording.NOTHING
    needed = ((design.seeds_needed, "seeds"), (design.images_needed, "images"))
    ways = [f"{wording.needed(count)} {what}" for count, what in needed if math.isfinite(count)]
    return f"{design.detectable:.3f}", " or ".join(ways) or "neither alone"


def ranks(comparison: Comparison) -> str:
    """The recipes' mean ranks and their test; empty where there is nothing to rank."""
    ranking = comparison.ranking
    if ranking.tasks < 2 or len(ranking.ranks) < 2:
        return ""
    best_first = sorted(ranking.ranks.items(), key=lambda item: item[1])
    each = ", ".join(f"{wording.marked(comparison, name)} {rank:.2f}" for name, rank in best_first)
    meaning = "they do not all rank alike" if ranking.p < ALPHA else "no difference can be told"
    return (
        f"Mean rank in test AUROC over {ranking.tasks} tasks (1 is best): {each}; "
        f"{ranking.test} p {wording.p_equals(ranking.p)}: {meaning}."
    )
