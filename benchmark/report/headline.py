"""The answer in a few sentences made by rule: does training for AUROC help, by how much, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmark.evaluation import measures
from benchmark.evaluation.chance import ALPHA
from benchmark.evaluation.design import WANTED, Design
from benchmark.evaluation.effect import OVERALL, Contest, Measure, Word
from benchmark.evaluation.ranks import Ranking
from benchmark.report import wording
from benchmark.report.model import Comparison

NONE = (
    "Whether training for AUROC helps is not answered here: no two recipes with figures differ in their objective alone, "
    "one of them trained for AUROC."
)


def headline(comparison: Comparison) -> list[str]:
    """The answer over all tasks, then a sentence for each objective, then the recipes' ranks."""
    if not comparison.contests:
        return [NONE, *_ranks(comparison.ranking)]
    sentences = [_sentence(contest) for contest in comparison.contests]
    return [_answer(comparison.contests), *sentences, *_ranks(comparison.ranking)]


def _answer(contests: Sequence[Contest]) -> str:
    """How many of the recipes that train for AUROC are better, over all tasks."""
    words = [contest.word(Measure.AUROC) for contest in contests]
    counts = ", ".join(f"{word} in {words.count(word)}" for word in Word if word in words)
    return (
        f"{_found(set(words))}: beside the same training for another objective, test AUROC over all tasks is {counts} of "
        f"{wording.counted(len(contests), 'recipe')}."
    )


def _found(words: set[Word]) -> str:
    if words <= {Word.UNDECIDED, Word.UNDEFINED}:
        return "Whether training for AUROC helped can't be told"
    better, worse = Word.BETTER in words, Word.WORSE in words
    if better and worse:
        return "Training for AUROC helped by one objective and hurt by another"
    if not better and not worse:
        return "Training for AUROC did not measurably help"
    verb = "helped" if better else "hurt"
    return (
        f"Training for AUROC {verb}" if len(words) == 1 else f"Training for AUROC {verb} by some objectives, not by all"
    )


def _sentence(contest: Contest) -> str:
    """Over all tasks: AUROC with what could have been seen, then the other measures' words."""
    overall = contest.measures[Measure.AUROC]
    seeds = sorted({len(task.seeds) for task in overall.tasks.values()})
    scope = f"{wording.counted(len(overall.tasks), 'task')}, {' or '.join(map(str, seeds))} {'seed' if seeds == [1] else 'seeds'} each"
    name = f"{contest.a} \N{MINUS SIGN} {contest.b}"
    found = f"{name}, {scope}: {wording.effect(overall.mean)} in test AUROC, {told(contest, Measure.AUROC)}"
    return ". ".join((found, *_seen(contest.designs.get((Measure.AUROC, OVERALL))), *_others(contest))) + "."


def _others(contest: Contest) -> Iterator[str]:
    """Measures of one word together."""
    by_word: dict[Word, list[str]] = {}
    for measure, one in contest.measures.items():
        if measure is not Measure.AUROC:
            found = f"{measures.NAMES[measure]}: {wording.difference(one.mean.value)}"
            by_word.setdefault(contest.word(measure), []).append(found)
    for word, several in by_word.items():
        yield f"{word.capitalize()} in {' and in '.join(several)}"


def told(contest: Contest, measure: Measure, place: str = OVERALL) -> str:
    """The word, with the p-value behind it."""
    word, p = contest.word(measure, place), contest.p_holm.get((measure, place))
    return word if p is None else f"{word} (p {wording.p_equals(p)}, Holm)"


def _seen(design: Design | None) -> Iterator[str]:
    """What could have been seen; nothing where nothing was decided."""
    if design is None:
        return
    yield f"A true difference of {design.detectable:.3f} would be called with 80 % probability"
    needed = ((design.seeds_needed, "seeds of each"), (design.images_needed, "test images"))
    ways = [f"{wording.needed(count)} {what}" for count, what in needed if math.isfinite(count)]
    if ways:
        yield f"For {WANTED} it takes {' or '.join(ways)}"
    else:
        yield f"For {WANTED} neither more seeds nor more test images are enough alone"


def _ranks(ranking: Ranking) -> Iterator[str]:
    if ranking.tasks < 2 or len(ranking.ranks) < 2:
        return
    each = ", ".join(f"{name} {rank:.2f}" for name, rank in sorted(ranking.ranks.items(), key=lambda item: item[1]))
    meaning = "they do not all rank alike" if ranking.p < ALPHA else "no difference can be told"
    yield (
        f"Mean rank in test AUROC over {ranking.tasks} tasks (1 is best): {each}; "
        f"{ranking.test} p {wording.p_equals(ranking.p)}: {meaning}."
    )
