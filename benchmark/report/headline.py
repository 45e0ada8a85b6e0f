"""The answer in a few sentences made by rule: does training for AUROC help, by how much, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmark.evaluation.design import WANTED
from benchmark.evaluation.effect import OVERALL, Contest, Effect, Measure, Word
from benchmark.report import wording

NONE = (
    "Whether training for AUROC helps is not answered here: no two recipes with figures differ in their objective alone, "
    "one of them trained for AUROC."
)


def headline(contests: Sequence[Contest]) -> list[str]:
    """The answer over all tasks, then a sentence for each objective."""
    if not contests:
        return [NONE]
    return [_answer(contests), *(_sentence(contest) for contest in contests)]


def _answer(contests: Sequence[Contest]) -> str:
    words = [contest.word(Measure.AUROC) for contest in contests]
    counts = ", ".join(f"{words.count(word)} {word}" for word in Word if word in words)
    found = "Training for AUROC helped" if Word.BETTER in words else "Training for AUROC did not measurably help"
    if set(words) <= {Word.UNDECIDED, Word.UNDEFINED}:
        found = "Whether training for AUROC helped can't be told"
    return (
        f"{found}: of {wording.counted(len(contests), 'recipe')} beside another one that differs from it in the "
        f"objective alone, test AUROC is {counts}."
    )


def _sentence(contest: Contest) -> str:
    """Over all tasks, with what could have been seen."""
    overall = contest.measures[Measure.AUROC]
    seeds = sorted({len(task.seeds) for task in overall.tasks.values()})
    scope = f"{wording.counted(len(overall.tasks), 'task')}, {' or '.join(map(str, seeds))} {'seed' if seeds == [1] else 'seeds'} each"
    found = f"{contest.a} \N{MINUS SIGN} {contest.b}, {scope}: {wording.effect(overall.mean)} in test AUROC, {told(contest, Measure.AUROC)}"
    return ". ".join((found, *seen(overall.mean))) + "."


def told(contest: Contest, measure: Measure, place: str = OVERALL) -> str:
    """The word, with the p-value behind it."""
    word, p = contest.word(measure, place), contest.p_holm.get((measure, place))
    return word if p is None else f"{word} (p {wording.p_equals(p)}, Holm)"


def seen(found: Effect) -> Iterator[str]:
    """What this design could have seen; nothing where nothing was decided."""
    if found.design is None:
        return
    yield f"A true difference of {found.design.detectable:.3f} would be called with 80 % probability"
    needed = ((found.design.seeds_needed, "seeds of each"), (found.design.images_needed, "test images"))
    ways = [f"{wording.needed(count)} {what}" for count, what in needed if math.isfinite(count)]
    if ways:
        yield f"For {WANTED} it takes {' or '.join(ways)}"
    else:
        yield f"For {WANTED} neither more seeds nor more test images are enough alone"
