"""How far our figures and the published ones are comparable: sentences that follow from facts by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmark.config.tasks import STAMP, dimension_of
from benchmark.core.terms import Dimension
from benchmark.published.table import README, load
from benchmark.report.model import Comparison, TaskComparison

KEPT = {"best": "the epoch of best val AUROC", "last": "the last epoch, chosen by nothing"}
"""By a run's `keep`."""


@dataclass(frozen=True)
class Note:
    """One fact about a comparison."""

    topic: str
    text: str
    differs: bool
    """Whether it is a difference between our runs and the published ones, rather than something to know."""


def notes(comparison: Comparison, task: TaskComparison) -> list[Note]:
    """Everything that limits or explains the comparison of one task."""
    return [
        *_data(task),
        *_elsewhere(task),
        *_protocol(task),
        *_trunk(comparison, task),
        *_seeds(task),
        *_validation(task),
        *_ensembles(task),
        *_selection(task),
        *_accuracy(task),
        *_published(task),
    ]


def verdict(task: TaskComparison, noted: list[Note]) -> str:
    """The differences in one sentence."""
    if not task.runs:
        return "Nothing to compare: no run of this task has figures."
    topics = list(dict.fromkeys(note.topic.lower() for note in noted if note.differs))
    if not topics:
        return "Comparable as far as the sources state how their figures came about."
    return f"Not like for like: {', '.join(topics)}."


def _data(task: TaskComparison) -> Iterator[Note]:
    one = task.task
    if task.is_standin:
        text = f"{STAMP}: generated images in the shape of {one.reference}; no difference is computed."
        yield Note("Data", text, differs=True)
    elif one.reference is None:
        yield Note("Data", "There are no published figures for this task.", differs=True)
    elif one.source == "own":
        yield Note("Data", f"Set beside the figures of {one.reference}: {one.comparable}.", differs=True)
    elif one.comparable:
        yield Note("Image size", f"Not the published input: {one.comparable}.", differs=True)
    elif task.readme and "not stated" in task.readme.image_size:
        text = f"Official file at {one.size} pixels; the README's image size is {task.readme.image_size}."
        yield Note("Image size", text, differs=False)


def _elsewhere(task: TaskComparison) -> Iterator[Note]:
    for cell in task.cells:
        if cell.external and cell.origin:
            size, weights = cell.origin.pixels or "not stated", cell.origin.external_weights or "not stated"
            text = (
                f"{cell.recipe}: image size {size}, external weights {weights}, as given; on which data it was trained, "
                "and by what its epoch was chosen, is not checked here."
            )
            yield Note("Predictions from elsewhere", text, differs=True)


def _protocol(task: TaskComparison) -> Iterator[Note]:
    short: dict[str, dict[str, None]] = {}
    other: dict[str, dict[str, None]] = {}
    for config in (run.trained.config for run in task.runs if run.trained):
        if config.epochs < config.recipe_epochs:
            what = f"{config.epochs} of the recipe's {config.recipe_epochs} epochs"
            short.setdefault(what, {})[config.recipe] = None
        if config.network != config.recipe_network:
            what = f"{config.network} in place of the recipe's {config.recipe_network}"
            other.setdefault(what, {})[config.recipe] = None
    for what, recipes in short.items():
        yield Note("Fewer epochs", f"{', '.join(recipes)}: {what}.", differs=True)
    for what, recipes in other.items():
        yield Note("Another network", f"{', '.join(recipes)}: {what}.", differs=True)


def _trunk(comparison: Comparison, task: TaskComparison) -> Iterator[Note]:
    trunk = comparison.trunks.get(task.task.dim)
    configs = [run.trained.config for run in task.runs if run.trained]
    recipes = list(dict.fromkeys(config.recipe for config in configs if config.start == "trunk"))
    if not recipes or trunk is None or trunk.trained is None or task.readme is None:
        return
    config, standin = trunk.trained.config, trunk.is_standin
    trained_on = f"{', '.join(config.tasks)}{f' ({STAMP})' if standin else ''}"
    text = f"{', '.join(recipes)} start from a trunk trained on {trained_on}"
    shorter = config.epochs < config.recipe_epochs
    if shorter:
        text += f" for {config.epochs} of {config.recipe_epochs} epochs"
    unseen = [name for name in _pool(task.task.dim) if name not in map(comparison.reference, config.tasks)]
    if unseen:
        text += f"; the README's was trained on all {task.task.dim.upper()} sets, so also on {', '.join(unseen)}"
    yield Note("Pretraining", f"{text}.", differs=standin or shorter or bool(unseen))


def _pool(dim: Dimension) -> list[str]:
    """The tasks on which the README's trunk of this dimension was trained: those that it lists results for."""
    return [row.task for row in load() if row.source_key == README and dimension_of(row.task) is dim]


def _seeds(task: TaskComparison) -> Iterator[Note]:
    counts: Mapping[str, int] = {cell.recipe: len(cell.done) for cell in task.cells if cell.done and not cell.ensemble}
    if not counts:
        return
    stated = "; the published figures do not state their number of seeds" if task.readme or task.medmnist else ""
    if set(counts.values()) == {1}:
        yield Note(
            "Seeds",
            f"One seed, so the spread is unknown, and the intervals of ours are of other images alone{stated}.",
            differs=False,
        )
    elif len(set(counts.values())) == 1:
        yield Note("Seeds", f"Mean ± standard deviation over {min(counts.values())} seeds{stated}.", differs=False)
    else:
        each = ", ".join(f"{recipe} {count}" for recipe, count in counts.items())
        yield Note("Seeds", f"Unequal numbers: {each}{stated}.", differs=False)


def _validation(task: TaskComparison) -> Iterator[Note]:
    for cell in task.cells:
        if not cell.trained_on_val or not cell.numbers:
            continue
        known, images = cell.numbers.val_images
        part = "" if cell.numbers.has_all_of_val else f", which are {known} of its {images} images"
        text = (
            f"{cell.recipe}: trained on train and val together; its val figures are out of fold, of images that the "
            f"networks behind a score were not trained on{part}."
        )
        yield Note("Trained on val", text, differs=True)


def _ensembles(task: TaskComparison) -> Iterator[Note]:
    for cell in task.cells:
        if cell.networks:
            text = f"{cell.recipe}: the mean score of {cell.networks} networks, one model; its interval is of other images alone."
            yield Note("Ensemble", text, differs=True)


def _selection(task: TaskComparison) -> Iterator[Note]:
    rows = (("README", task.readme), ("MedMNIST v2", task.baseline))
    rules = "; ".join(f"{name}: {row.selection}" for name, row in rows if row)
    if not rules:
        return
    kept: dict[str, list[str]] = {}
    for cell in task.cells:
        for run in cell.done[:1]:
            if run.trained:
                kept.setdefault(run.trained.config.keep, []).append(cell.recipe)
    ours = " and ".join(f"{KEPT[which]} ({', '.join(recipes)})" for which, recipes in kept.items())
    text = f"Ours keeps {ours}, and opens test once, afterwards. {rules}." if ours else f"{rules}."
    yield Note("Selection", text, differs=False)


def _accuracy(task: TaskComparison) -> Iterator[Note]:
    if task.majority is None:
        return
    which = "the commoner class" if task.task.kind == "binary" else "each label's commoner value"
    text = f"Always answering {which} gives a test accuracy of {task.majority:.4f}"
    ours = {cell.recipe: cell.figures["test_acc"].mean for cell in task.cells if "test_acc" in cell.figures}
    below = [recipe for recipe, accuracy in ours.items() if accuracy < task.majority]
    if task.readme and task.readme.test_acc is not None and not task.is_standin:
        below = ["the README", *below] if task.readme.test_acc < task.majority else below
    yield Note("Accuracy", f"{text}; below it: {', '.join(below)}." if below else f"{text}.", differs=False)


def _published(task: TaskComparison) -> Iterator[Note]:
    if task.readme:
        missing = "" if task.readme.has_figures else "The README gives no figures for this task. "
        text = f"{missing}README: network {task.readme.network}; {task.readme.note}."
        yield Note("Published", text, differs=False)
    if task.superseded:
        row = task.superseded[0]
        text = f"The 2021 table is left out ({row.comparable.removeprefix('no: ')}; {row.note})."
        yield Note("Published", text, differs=False)
