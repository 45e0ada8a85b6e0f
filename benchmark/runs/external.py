"""Predictions that another program made on a task's images → a run folder like any other.

Two kinds of files are read. MedMNIST's standard evaluation CSV, `{task}_{split}_[AUC]0.901_[ACC]0.863@{run}.csv` as
`medmnist.Evaluator` writes it: no header, and in each line an image's number and its scores. An npz with `{split}_scores`
and, to be checked, `{split}_labels`. Scores of a binary task are (n,), (n, 1), or (n, 2) with the probability of label 1
last; of a multi-label one (n, L).

A score says nothing of the image that it belongs to. So whatever can tell another order is held against the data file:
image numbers, labels, and the AUROC and accuracy in the file's name, a figure that can't be read being an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.config.tasks import SPLITS, Task
from benchmark.core import provenance
from benchmark.core.archive import NO_BOMB, Archive, Unreadable
from benchmark.core.errors import BadInput, DamagedRun, DataError
from benchmark.core.files import alone, digest_of, sha256_of
from benchmark.runs import named_figures
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import UNKNOWN_HARDWARE, Code, FromElsewhere, GivenConfig, GivenFile, now
from benchmark.runs.scores import Scores, accuracy, auroc, metrics
from benchmark.runs.status import DONE
from benchmark.runs.workspace import Workspace, seeds_of

if TYPE_CHECKING:
    from benchmark.data.load import TaskData

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
CSV_NAME = re.compile(r"(?P<task>.+?)_(?P<split>train|val|test)(?![A-Za-z0-9])")
FAR_FROM_ONE = 0.01
"""By how much two probabilities may miss their sum of 1; a softmax in half precision misses it by a tenth of this."""
FIGURES = {"AUC": ("AUROC", auroc), "ACC": ("accuracy", accuracy)}


@dataclass(frozen=True)
class Predictions:
    """What a file says of one split."""

    where: str
    """File, and array where it has several; what messages start with."""
    split: str
    scores: np.ndarray
    """As in the file."""
    labels: np.ndarray | None = None
    stated: Sequence[tuple[str, str]] = ()
    """AUC and ACC of the file's name, as written there."""


@dataclass(frozen=True)
class Stated:
    """What is said of predictions by whoever gives them."""

    note: str = ""
    pixels: int | None = None
    external_weights: str | None = None
    """As `GivenConfig` has them."""


NOTHING_STATED = Stated()


# ------------------------------------------------------------------------------------------------ score


def check_name(name: str, recipes: Collection[str], where: str) -> None:
    """Refuse a name that is a recipe's or ensemble's, or that makes no folder; `where` is what the sentence starts with."""
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{where}: '{name}' is no name for a folder; take up to 40 of a to z, 0 to 9, '-' and '_', "
            "the first a letter or digit"
        )
    if name in recipes:
        raise BadInput(f"{where}: '{name}' is the name of a recipe or ensemble; give the method a name of its own")


def score(
    data: TaskData, name: str, seed: int, files: Sequence[Path], workspace: Workspace, stated: Stated = NOTHING_STATED
) -> tuple[RunFolder, bool]:
    """Check the files and make the run folder of one method and seed.

    Returns:
        The folder, and False where it already held these very predictions.

    Raises:
        BadInput: no test split, a folder that holds other predictions, or another seed's; nothing is overwritten.
        DataError: the first thing that is wrong with a file. Nothing was written.
    """
    scores = read(files, data)
    given = tuple(GivenFile(name=path.name, sha256=sha256_of(path)) for path in files)
    where = {"tasks": (data.task.name,), "recipe": name, "profile": workspace.external.name, "seed": seed}
    config = GivenConfig(stage="external", **where, **asdict(stated))
    key = _identity(config, data, given)
    folder = workspace.given(data.task.name, name, seed)
    with alone(folder.path.parent):  # the other seeds are looked at too
        if (mine := folder.holds(key)) and folder.is_done:
            return folder, False
        if not mine and folder.exists and _has_record(folder):
            raise BadInput(
                f"{folder.path}: holds other predictions, or these with other facts stated; give another seed or name, "
                "or remove the folder first"
            )
        _need_new(scores, folder, stated)
        folder.write_scores(scores, np.float64)
        folder.write_metrics(metrics(scores))
        folder.seal(_record(data, config, key, given))  # last: without it there is no run
    return folder, True


def _has_record(folder: RunFolder) -> bool:
    """Whether it says what it holds; one that does not is made anew."""
    with suppress(DamagedRun):
        return bool(folder.record())
    return False


def _identity(config: GivenConfig, data: TaskData, given: Sequence[GivenFile]) -> str:
    """What was noted about the predictions is no part of it."""
    named = config.model_dump(mode="json", exclude={"note"})
    return digest_of({"config": named, "data": data.md5, "files": sorted(one.sha256 for one in given)})


def _need_new(scores: Scores, folder: RunFolder, stated: Stated) -> None:
    """Raise BadInput where another seed has the same predictions, which would pass for a spread of nothing, or other facts,
    by which its figures compare with others than these."""
    for other in seeds_of(folder.path.parent):
        if not other.is_done:
            continue
        if np.array_equal(other.scores()["test"][1], scores["test"][1]):
            raise BadInput(f"{other.path}: has these very predictions; another seed is another training")
        config = other.record().config
        if isinstance(config, GivenConfig) and config.facts != (stated.pixels, stated.external_weights):
            raise BadInput(
                f"{other.path}: states another image size or other external weights; the seeds of one name are of one "
                "method, so give these another name, or the same facts"
            )


def read(files: Sequence[Path], data: TaskData) -> Scores:
    """Labels of the data file and scores, both (n, L), of every split that the files have; checked.

    Raises:
        BadInput, DataError: as `score`.
    """
    parts: dict[str, Predictions] = {}
    for path in files:
        for part in _read(path, data.task):
            if part.split in parts:
                raise DataError(f"{part.where}: split {part.split} is in {parts[part.split].where} too; give it once")
            parts[part.split] = part
    if "test" not in parts:
        given = ", ".join(parts) or "none"
        raise BadInput(f"no scores of the test split, which every table shows; splits given: {given}")
    return {split: _checked(parts[split], data) for split in SPLITS if split in parts}


def _record(data: TaskData, config: GivenConfig, key: str, given: tuple[GivenFile, ...]) -> FromElsewhere:
    return FromElsewhere(
        status=DONE,
        identity=key,
        config=config,
        files=given,
        data_md5={data.task.name: data.md5},
        standin=data.task.is_standin,
        code=Code(**provenance.commit()),  # that scored it; what trained it is not known
        versions={},
        hardware=UNKNOWN_HARDWARE,
        started=now(),
    )


# ------------------------------------------------------------------------------------------------ read


def _read(path: Path, task: Task) -> Iterator[Predictions]:
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    if path.suffix == ".csv":
        yield _read_csv(path, task)
    elif path.suffix == ".npz":
        yield from _read_npz(path)
    else:
        raise BadInput(f"{path}: neither .csv (MedMNIST's evaluation file) nor .npz")


def _read_csv(path: Path, task: Task) -> Predictions:
    name = CSV_NAME.match(path.name)
    if name is None:
        raise DataError(
            f"{path}: its name does not say which split it is of; MedMNIST's evaluator calls it "
            f"{task.name}_test_[AUC]0.901_[ACC]0.863@1.csv"
        )
    known = (task.name, Path(task.file_name).stem)
    if name["task"] not in known:
        raise DataError(
            f"{path}: its name says that it is of {name['task']}, and it was given for {task.name}; mend the one that is wrong"
        )
    numbers = _numbers(path)
    _check_images(numbers[:, 0], str(path))
    return Predictions(str(path), name["split"], numbers[:, 1:], stated=named_figures.read(path))


def _numbers(path: Path) -> np.ndarray:
    """The whole table, (lines, columns), float64; NaN where a cell is empty. Blank lines at the end are none of it."""
    try:
        table = pd.read_csv(path, header=None, float_precision="round_trip", skip_blank_lines=False)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise DataError(f"{path}: no CSV file ({' '.join(str(error).split())})") from error
    filled = np.flatnonzero(table.notna().any(axis=1))
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0]
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere((numbers.isna() & table.notna()).to_numpy())
    if len(wrong):
        line, column = wrong[0]
        raise DataError(
            f"{path}, line {line + 1}: {table.iat[line, column]!r} is no number; "
            "each line is an image's number and its scores, and there is no header"
        )
    return np.asarray(numbers, dtype=np.float64)


def _check_images(images: np.ndarray, where: str) -> None:
    """The first column must count the images from 0: what is in another order may have other labels to it."""
    wrong = np.flatnonzero(images != np.arange(len(images)))
    if not len(wrong):
        return
    if np.array_equal(np.sort(images), np.arange(len(images))):
        mend = "every image is there, in another order; sort the lines by it if that is what it means"
    else:
        mend = "it must count the images of the data file from 0 on, leaving none out"
    raise DataError(f"{where}, line {wrong[0] + 1}: the first column has {images[wrong[0]]:g}, not {wrong[0]}; {mend}")


def _read_npz(path: Path) -> Iterator[Predictions]:
    expected = [f"{split}_{what}" for split in SPLITS for what in ("scores", "labels")]
    try:
        with Archive(path) as file:
            if unknown := [key for key in file.files if key not in expected]:
                raise DataError(f"{path}: unknown array {', '.join(unknown)}; known: {', '.join(expected)}")
            splits, stated = [split for split in SPLITS if f"{split}_scores" in file.files], named_figures.read(path)
            if stated and len(splits) > 1:
                raise DataError(
                    f"{path}: its name has figures and does not say of which of {', '.join(splits)}; take them out"
                )
            for split in splits:
                scores = _array(file, f"{split}_scores", path)
                labels = _array(file, f"{split}_labels", path) if f"{split}_labels" in file.files else None
                yield Predictions(f"{path}: {split}_scores", split, scores, labels, stated)
    except Unreadable as error:
        raise DataError(f"{path}: found {error}, expected an npz file of scores") from error


def _array(file: Archive, key: str, path: Path) -> np.ndarray:
    try:
        header = file.header(key)
        if header.dtype.kind not in "fiub":
            raise DataError(f"{path}: {key}: holds {header.dtype}, not numbers")
        if header.bytes > NO_BOMB:
            raise DataError(f"{path}: {key}: shape {header.shape}, more scores than any task has")
        return file[key]
    except Unreadable as error:
        raise DataError(f"{path}: {key}: found {error}, expected an array of numbers") from error


# ------------------------------------------------------------------------------------------------ check


def _checked(part: Predictions, data: TaskData) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the data file and probabilities of label 1, both (n, L)."""
    labels = data.splits[part.split].labels.cpu().numpy()
    if part.labels is not None:
        _check_labels(part.labels, labels, part.where)
    scores = _probabilities(part, data.task, len(labels))
    for key, value in part.stated:
        what, figure = FIGURES[key]
        ours = figure(labels, scores)
        if not named_figures.agrees(ours, value):
            raise DataError(
                f"{part.where}: its name says {what} {value}, and its scores give {ours:.3f} on {data.task.name}; "
                "most likely the lines are in another order than the images, or it was made from another data file"
            )
    return labels, scores


def _check_labels(given: np.ndarray, labels: np.ndarray, where: str) -> None:
    where = where.replace("_scores", "_labels")
    if given.size != labels.size or len(given) != len(labels):
        raise DataError(f"{where}: shape {given.shape}, and the data file's labels have {labels.shape}")
    wrong = np.flatnonzero((given.reshape(labels.shape) != labels).any(axis=1))
    if len(wrong):
        raise DataError(
            f"{where}: {len(wrong)} of {len(labels)} differ from the data file's, the first at image {wrong[0]}; "
            "the images are in another order, or of another file"
        )


def _probabilities(part: Predictions, task: Task, images: int) -> np.ndarray:
    scores, where = part.scores.astype(np.float64), part.where
    scores = scores[:, None] if scores.ndim == 1 else scores
    columns = (1, 2) if task.kind == "binary" else (task.label_count,)
    if scores.ndim != 2 or scores.shape[1] not in columns:
        raise DataError(
            f"{where}: {_shape(scores)} scores an image, expected {' or '.join(map(str, columns))} ({task.kind})"
        )
    if len(scores) != images:
        raise DataError(f"{where}: scores of {len(scores)} images, and split {part.split} has {images}")
    _check_values(scores, where)
    if scores.shape[1] == 2 and task.kind == "binary":
        _check_sums(scores, where)
    return scores[:, -1:] if task.kind == "binary" else scores


def _shape(scores: np.ndarray) -> str:
    return "x".join(map(str, scores.shape[1:])) or "no"


def _check_values(scores: np.ndarray, where: str) -> None:
    missing, outside = np.argwhere(np.isnan(scores)), np.argwhere((scores < 0) | (scores > 1))
    if len(missing):
        raise DataError(f"{where}: no number (NaN) for image {missing[0][0]}; {len(missing)} scores are missing in all")
    if len(outside):
        image, column = outside[0]
        raise DataError(
            f"{where}: {scores[image, column]:g} for image {image}; scores are probabilities from 0 to 1, "
            "so give logits through a sigmoid or softmax"
        )


def _check_sums(scores: np.ndarray, where: str) -> None:
    wrong = np.flatnonzero(np.abs(scores.sum(axis=1) - 1) > FAR_FROM_ONE)
    if len(wrong):
        pair = " and ".join(f"{value:g}" for value in scores[wrong[0]])
        raise DataError(
            f"{where}: {pair} for image {wrong[0]}; two columns are the probabilities of labels 0 and 1, whose sum is 1"
        )
