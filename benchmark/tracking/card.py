"""The model card of a run or ensemble: what a model is for, whose images it saw, how good it is, how it came about.

Every sentence follows by rule from the run's record, its scores and `medmnist.INFO`. There are two lengths: the whole card,
and one that fits into the description of a registered version. After Mitchell et al., Model Cards for Model Reporting (2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.config.tasks import SPLITS, STAMP, Task, official_info
from benchmark.core.errors import BadInput
from benchmark.evaluation import statistics
from benchmark.evaluation.statistics import Estimate
from benchmark.runs import cell
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Code, Combined, FromElsewhere, Hardware, Trained
from benchmark.runs.scores import accuracy
from benchmark.runs.workspace import Workspace
from benchmark.tracking import card_figures, descriptions
from benchmark.tracking.card_figures import Figures, Share
from benchmark.tracking.populations import POPULATIONS, Population
from benchmark.tracking.views import flat_params

FILE = "model_card.md"
FITS = 5000
"""Characters in the description of a registered version; a store on a database server takes no more."""
NOT_STATED = "not stated by MedMNIST"
CODE_LICENCE = "Apache-2.0"
MEDMNIST = "MedMNIST (Yang et al., Scientific Data 10, 2023, doi:10.1038/s41597-022-01721-8)"
SAID_ELSEWHERE = ("stage", "task", "recipe", "profile", "seed")
"""Parameters of a run that its table leaves out, because the card names them."""


@dataclass(frozen=True)
class Card:
    """What a card is written from."""

    folder: RunFolder
    task: Task
    seeds: Sequence[RunFolder] = ()
    """Finished runs of its recipe among which a run's seed was chosen; empty where that is not known."""
    workspace: Workspace = field(default_factory=Workspace)
    """Where the members of an ensemble and the trunk that a run started from lie, as far as they are at hand."""

    def whole(self) -> str:
        """As a page of Markdown."""
        sections = {
            "What it is for": _purpose(self),
            "Data": _data(self),
            "Figures": _figures(self, each=True),
            "How it was trained": _training(self),
            "Who may be missing": _missing(self),
            "Licences": _licences(self),
        }
        stamp = f"**{STAMP}**\n\n" if self.record.standin else ""
        return f"# Model card: {_name(self)}\n\n{stamp}{_page(sections)}\n"

    def short(self) -> str:
        """In at most `FITS` characters: without what is long in its data, labels and settings."""
        sections = {
            "What it is for": _purpose(self),
            "Figures": _figures(self, each=False),
            "How it was trained": [_which(self), _code(self.record.code)],
            "Who may be missing": _missing(self),
            "Licences": _licences(self),
        }
        more = (
            f"Data, figures of each label and settings: `{FILE}`, beside the model and among the artifacts of its run."
        )
        text = "\n\n".join([self.headline, more, _page(sections)])  # what may be cut off stands last
        return text if len(text) <= FITS else f"{text[: FITS - 2]} …"

    @cached_property
    def headline(self) -> str:
        """Its AUROCs and which run it is."""
        return descriptions.version(self.record, self.folder.metrics() | self.out_of_fold)

    @cached_property
    def record(self) -> Trained | Combined:
        record = self.folder.record()
        if isinstance(record, FromElsewhere):
            raise BadInput(
                f"{self.folder.path}: predictions from elsewhere, of whose model nothing is known for a card"
            )
        return record

    @cached_property
    def runs(self) -> list[Trained]:
        """The trainings that it is made of: its own, or those of an ensemble's members that are at hand."""
        if isinstance(self.record, Trained):
            return [self.record]
        members = [(RunFolder(self.workspace.root / one.folder), one.identity) for one in self.record.members]
        return [folder.trained() for folder, identity in members if folder.holds(identity)]

    @cached_property
    def figures(self) -> list[Figures]:
        """Of each label on the test split; in front the means over them, where there are several."""
        return card_figures.of(self.folder.scores(), self.task)

    @cached_property
    def out_of_fold(self) -> dict[str, float]:
        """The val figures of all seeds of a cross-fitted recipe, which stand for the run's own."""
        return cell.validation(self.seeds)


# ------------------------------------------------------------------------------------------------ sections


def _page(sections: Mapping[str, Iterable[str]]) -> str:
    return "\n\n".join(f"## {title}\n\n" + "\n\n".join(parts) for title, parts in sections.items())


def _name(card: Card) -> str:
    config = card.record.config
    which = "ensemble" if config.seed is None else f"seed {config.seed}"
    return f"{config.tasks[0]}, {config.recipe}, profile {config.profile}, {which}"


def _purpose(card: Card) -> Iterator[str]:
    task = card.task
    answer = "the probability of each label" if task.label_count > 1 else f"the probability of '{task.label_names[1]}'"
    size = f"{task.size} pixels an edge" if task.size else "the size of those in its file"
    yield (
        f"For research and teaching: to compare ways to train on small image sets. It takes images of {task.name}, uint8, "
        f"one channel, {size}, prepared as in its file, and answers with {answer}."
    )
    whose = "MedMNIST says so of its data. " if task.source == "official" else ""
    yield (
        f"**Not for clinical use.** {whose}Nothing was tested on images from elsewhere, on patients or in care: not for "
        "diagnosis, screening or triage, and not for images of another size, device or preparation."
    )


def _data(card: Card) -> Iterator[str]:
    task, record = card.task, card.record
    origin = {
        "official": f"the official MedMNIST file, {task.origin}",
        "own": f"a file of one's own, {task.file_name}",
        "standin": f"generated here in the shape of {task.origin}",
    }[task.source]
    kind = "binary" if task.kind == "binary" else f"multi-label, {task.label_count} labels"
    yield f"{task.name}: {kind}, {task.dim.upper()}; {origin}; MD5 `{record.data_md5[task.name]}`."
    if task.source == "own" and task.reference:
        yield f"Set beside {task.reference}: {task.comparable}."
    if task.source == "official":
        yield f"In the words of `medmnist.INFO`:\n\n> {official_info(str(task.reference), task.name)['description']}"
    yield _table(*_shares(card))
    if record.trained_on_val:
        yield "Train and val were dealt out anew for training (cross-fitting): images of official val were trained on too."


def _shares(card: Card) -> tuple[list[str], list[list[str]]]:
    """A row for each class or label, with its share of every official split."""
    scores, _ = card.folder.official_scores()
    labels = {split: scores[split][0] for split in SPLITS if split in scores}
    several = card.task.label_count > 1
    columns = {split: one if several else np.concatenate([1 - one, one], axis=1) for split, one in labels.items()}
    head = ["label" if several else "class", *(f"{split}, {len(one):,} images" for split, one in labels.items())]
    return head, [
        [name, *(f"{int(one[:, row].sum()):,} ({100 * one[:, row].mean():.1f} %)" for one in columns.values())]
        for row, name in enumerate(card.task.label_names)
    ]


def _figures(card: Card, each: bool) -> Iterator[str]:
    """Of the test split, and what they mean; without `each` the figures of labels are left out where there are several."""
    labels, scores = card.folder.scores()["test"]
    yield (
        f"Test split, {len(labels):,} images, scored once when training was finished. Intervals of 95 % are of this model on "
        "other images: DeLong's of AUROC, Wilson's of shares. They say nothing of other hospitals or seeds."
    )
    shown = card.figures if each else card.figures[:1]
    head = ["", "AUROC", "threshold", "accuracy", "sensitivity", "specificity", "Brier score", "calibration error"]
    yield _table(head, [_row(one) for one in shown])
    commoner = float(np.mean(np.maximum(labels.mean(axis=0), 1 - labels.mean(axis=0))))
    chosen_on = "the val images that were held out" if card.record.trained_on_val else "val"
    yield (
        f"{_reading(card.task)} The threshold has the best balanced accuracy on {chosen_on}; a score at it or above counts as label 1. "
        f"At 0.5, as MedMNIST has it, accuracy is {_number(accuracy(labels, scores))}; always giving the commoner answer has "
        f"{_number(commoner)}. {_validation(card)}"
    )
    yield _calibration(card)


def _reading(task: Task) -> str:
    if task.label_count > 1:
        return "Sensitivity is of images with the label, specificity of those without it; the first row has means over labels."
    without, with_it = task.label_names
    return f"Sensitivity is the share of '{with_it}' (label 1) that is called so, specificity that of '{without}' (label 0)."


def _validation(card: Card) -> str:
    if card.out_of_fold:
        return f"Val AUROC, out of fold over all seeds: {_number(card.out_of_fold['val_auc'])}."
    labels, scores = card.folder.scores()["val"]
    held_out = ", of images that were held out" if card.record.trained_on_val else ""
    return (
        f"Val AUROC, by which models are chosen and which is too good for that: {_spanned(statistics.delong(labels, scores))} "
        f"({len(labels):,} images{held_out})."
    )


def _calibration(card: Card) -> str:
    """What Brier score and calibration error can mean, by what the objectives train for."""
    what = (
        "The Brier score and the expected calibration error (ten bins) compare scores with how often label 1 is true."
    )
    for_ranking = {one.config.objective.of(card.task.kind).for_auc for one in card.runs}
    if True in for_ranking:
        whom = "Some of its members were" if False in for_ranking else "It was"
        return f"{what} {whom} trained for AUROC or the like: its scores are rankings, not probabilities."
    if not for_ranking:
        return f"{what} Whether it was trained for probabilities is not known: its members are not at hand."
    return f"{what} It was trained for probabilities, which nothing corrected afterwards."


def _training(card: Card) -> Iterator[str]:
    record = card.record
    yield _which(card)
    first: dict[str, Trained] = {}
    for one in card.runs:
        first.setdefault(one.config.recipe, one)
    for recipe, one in first.items():
        if len(first) > 1:
            yield f"Member recipe {recipe}:"
        yield _table(["setting", "value"], _settings(one))
        yield f"It started from {_start(one, card)}."
        yield f"Run on {_hardware(one.hardware)}."
    if isinstance(record, Combined) and len(card.runs) < len(record.members):
        yield f"{len(record.members) - len(card.runs)} of its members' records are no longer at hand."
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield f"{_code(record.code)} Begun {record.started}. Versions: {versions}. Identity `{record.identity}`."


def _which(card: Card) -> str:
    record = card.record
    if isinstance(record, Combined):
        members = [f"{one.recipe} seed {one.seed}" for one in record.members]
        return f"The mean score of {len(members)} networks, each recipe weighing the same: {', '.join(members)}."
    said = f"Recipe {record.config.recipe}, profile {record.config.profile}, seed {record.config.seed}"
    if len(card.seeds) < 2:
        return f"{said}."
    best = max(card.seeds, key=lambda one: one.metrics()["val_auc"])
    numbers = ", ".join(str(one.record().config.seed) for one in card.seeds)
    chosen = ", the one with the best val AUROC" if best.holds(record.identity) else ""
    return f"{said}, of seeds {numbers}{chosen}."


def _settings(run: Trained) -> list[list[str]]:
    rows = [[name, value] for name, value in flat_params(run.config).items() if name not in SAID_ELSEWHERE]
    rows += [["parameters of the network", f"{run.parameters:,}"]] if run.parameters else []
    rows += [["epoch kept", str(run.best_epoch)]] if run.best_epoch else []
    return rows + ([["minutes", f"{run.seconds.total / 60:.1f}"]] if run.seconds else [])


def _start(run: Trained, card: Card) -> str:
    """What a run started from, and what data that has seen."""
    start = card.workspace.start(run.config, card.task.dim)
    if start is None:
        return "random weights"
    what = "a trunk" if run.config.start == "trunk" else f"a run of another recipe ({run.config.start})"
    if (first := _at_hand(start, run)) is None:
        return f"{what}, whose record is no longer at hand"
    seen = ", ".join(f"{name} (MD5 `{md5}`)" for name, md5 in first.data_md5.items())
    stamp = f" (**{STAMP}**)" if first.standin else ""
    return f"{what} that was trained on {seen}{stamp} from {_start(first, card)}"


def _at_hand(start: RunFolder, run: Trained) -> Trained | None:
    """The run that another one started from; None where it is gone, or was made anew since."""
    if not start.exists or not isinstance(first := start.record(), Trained):
        return None
    begun = [datetime.fromisoformat(one.started) for one in (first, run)]
    return first if begun[0] <= begun[1] else None


def _missing(card: Card) -> Iterator[str]:
    if card.task.is_standin:
        yield "Nobody is in the data: its images are generated."
        return
    official = card.task.source == "official"
    yield (
        "The file has images and labels alone, no age, sex, hospital, device or patient of an image. So no figure of a group of "
        "people can be given, and nothing says that it works alike for all."
    )
    if not official:
        yield "Whose images they are is not stated: the file is one's own."
        return
    known = POPULATIONS.get(str(card.task.reference), Population())
    facts = [one.name for one in fields(known) if one.name != "paper"]
    yield _table(["of the source", ""], [[name, getattr(known, name) or NOT_STATED] for name in facts])
    yield f"From `medmnist.INFO`{f' and {known.paper}' if known.paper else ''}. Whoever is not in this table may be missing."


def _licences(card: Card) -> Iterator[str]:
    task = card.task
    data = {
        "official": "{licence} (`medmnist.INFO`), by {medmnist} and the source that it names",
        "own": "not stated, a file of one's own",
        "standin": "generated here, none",
    }[task.source]
    licence = official_info(str(task.reference), task.name)["license"] if task.source == "official" else ""
    yield f"Data: {data.format(licence=licence, medmnist=MEDMNIST)}. Code: {CODE_LICENCE}. Of the weights none is stated."


# ------------------------------------------------------------------------------------------------ wording


def _row(one: Figures) -> list[str]:
    shares = map(_spanned, (one.accuracy, one.sensitivity, one.specificity))
    return [one.name, _spanned(one.auroc), _threshold(one.threshold), *shares, _number(one.brier), _number(one.ece)]


def _spanned(one: Estimate | Share) -> str:
    """With its interval, where it has one."""
    return _number(one.value) + ("" if math.isnan(one.low) else f" [{one.low:.3f}, {one.high:.3f}]")


def _threshold(cut: float | None) -> str:
    if cut is None:
        return "each its own"
    return "none calls label 1" if math.isinf(cut) else _number(cut)


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4f}"


def _code(code: Code) -> str:
    return f"Code at commit `{code.commit}`, {'with uncommitted changes' if code.dirty else 'clean'}."


def _hardware(one: Hardware) -> str:
    return f"{one.gpu or one.cpu}, {one.threads} threads"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
