"""MLflow's view of a whole workspace, made from its folders: trunks, runs, refusals, searches, predictions from elsewhere,
and the studies that git holds.

Nothing is trained, and nothing doubles: what the store has already is found by its identity. What is not finished, or is not
what its run has made, is named and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from benchmark.config import colours
from benchmark.config.params import Params
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import BadInput, DamagedRun, DataError, Occupied
from benchmark.core.files import alone
from benchmark.core.terms import Dimension
from benchmark.data.load import TaskData, load
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined
from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Refusal, Workspace, seeds_of
from benchmark.tracking import ensembles, given, searches
from benchmark.tracking.cell import Cell, Texts, cell_tags, log_cell, log_refusal, trunk_tags
from benchmark.tracking.line import Line
from benchmark.tracking.searches import Search
from benchmark.tracking.tracker import Tracker

Commands = Callable[[str, str, str], Texts]
"""Of profile, task and recipe: what the descriptions of its run and model say."""

Thing = tuple[Path, Callable[[], str]]
"""Where it lies, and the call that logs it and says so."""


class LeftOut(Exception):
    """Why something is not logged."""


@dataclass(frozen=True)
class Everything:
    """What is logged, and where to."""

    params: Params
    workspace: Workspace
    profile: str
    """Of what is logged; every one where empty."""
    texts: Commands
    line: Line
    _known: dict[str, TaskData | None] = field(default_factory=dict)
    """Data that was read, for every profile."""

    def log(self) -> Iterator[str]:
        """Log it all, one thing after the other; each with what became of it, as one line."""
        for path, log in self._all():
            try:
                yield f"{path}: {log()}"
            except (LeftOut, DamagedRun, Occupied) as reason:
                yield f"{path}: left out, {reason}"

    def _all(self) -> Iterator[Thing]:
        for profile in [self.profile] if self.profile else self._profiles():
            yield from replace(self, workspace=self.workspace.of_figures(profile))._of(profile)
        for folder in self.workspace.list_given():
            yield folder.path, partial(self._given, folder)

    def _of(self, profile: str) -> Iterator[Thing]:
        for dim in Dimension:
            if (trunk := self.workspace.trunk(profile, dim)).exists:
                yield trunk.path, self._held(trunk.path, partial(self._trunk, trunk, dim, profile))
        for path in sorted((self.workspace.runs / profile).glob("*/*")):
            if any(folder.exists for folder in seeds_of(path)):
                yield path, self._held(path, partial(self._cell, path))
        for folder in self.workspace.list_ensembles(profile):
            yield folder.path, self._held(folder.path, partial(self._ensemble, folder))
        for refusal in self.workspace.list_refusals(profile):
            yield self.workspace.cell(profile, refusal.task, refusal.recipe), partial(self._refusal, refusal, profile)
        for search in searches.of(self.workspace, profile):
            yield search.folder, partial(self._search, search)

    def _profiles(self) -> list[str]:
        """The configuration's own last, so that the champions are of it."""
        return sorted(self.params.profiles, key=lambda name: (name == self.params.profile, name))

    def _held(self, path: Path, log: Callable[[], str]) -> Callable[[], str]:
        """The call with nobody else at work on the folder, who would log it too; what git holds, nobody makes."""
        if self.workspace.kept:
            return log

        def held() -> str:
            with alone(path, wait=False):
                return log()

        return held

    def _trunk(self, folder: RunFolder, dim: Dimension, profile: str) -> str:
        self._need_whole(folder)
        record = folder.trained()
        data = {name: part for name in record.config.tasks if (part := self._data_of(name, record.data_md5))}
        cell = Cell([folder], trunk_tags(dim, profile, record.identity), data=data)
        notes = not self.workspace.kept
        log_cell(Tracker("pretrain", f"{dim} {profile}", record.standin, self.line, notes=notes), cell)
        return "logged"

    def _cell(self, path: Path) -> str:
        """The seeds of one task and recipe, if all of them have come to their end."""
        folders = [folder for folder in seeds_of(path) if folder.exists]
        records = [folder.trained() for folder in folders]
        if wrong := [f"{one.path.name} {status}" for one in folders if not (status := self._status(one)).is_done]:
            raise LeftOut(", ".join(wrong))
        first = records[0]
        name, recipe, profile = first.config.tasks[0], first.config.recipe, first.config.profile
        task = self._known_task(name)
        data = {name: part} if (part := self._data_of(name, first.data_md5)) else {}
        colour = colours.of_recipe(self.params, recipe) if recipe in self.params.recipes else ""
        tags = cell_tags(name, recipe, profile, [record.identity for record in records])
        tracker = Tracker(name, f"{recipe} {profile}", first.standin, self.line, colour, notes=not self.workspace.kept)
        log_cell(tracker, Cell(folders, tags, task, data, self.texts(profile, name, recipe)))
        return f"logged, {len(folders)} seeds"

    def _ensemble(self, folder: RunFolder) -> str:
        """Its run; and its model, where the runs that it was made of are still those of its record."""
        self._need_whole(folder)
        record = folder.record()
        if not isinstance(record, Combined):
            raise LeftOut("holds no ensemble")
        name, recipe, profile = record.config.tasks[0], record.config.recipe, record.config.profile
        task, data = self._known_task(name), self._data_of(name, record.data_md5)
        runs: dict[str, list[RunFolder]] = {}
        for one in record.members:
            runs.setdefault(one.recipe, []).append(self.workspace.run(profile, name, one.recipe, one.seed))
        here = all(
            (run := self.workspace.run(profile, name, one.recipe, one.seed)).holds(one.identity) and run.is_done
            for one in record.members
        )
        texts = self.texts(profile, name, recipe)
        ensembles.log(folder, task, data, runs if here else None, texts, self.line, notes=not self.workspace.kept)
        return "logged"

    def _refusal(self, refusal: Refusal, profile: str) -> str:
        if refusal.status.state is State.DAMAGED:
            raise LeftOut(refusal.status.reason)
        log_refusal(self._known_task(refusal.task), refusal.recipe, profile, refusal.status.reason, self.line)
        return str(refusal.status)

    def _search(self, search: Search) -> str:
        if search.damaged:
            raise LeftOut("; ".join(search.damaged))
        searches.log(search, self._known_task(search.task), self.line)
        return f"logged, {len(search.runs)} runs"

    def _given(self, folder: RunFolder) -> str:
        self._need_whole(folder)
        config = folder.record().config
        given.track(folder, self._known_task(config.tasks[0]), getattr(config, "note", ""), self.line)
        return "logged"

    def _need_whole(self, folder: RunFolder) -> None:
        if not (status := self._status(folder)).is_done:
            raise LeftOut(str(status))

    def _status(self, folder: RunFolder) -> Status:
        """Done only where it holds what its run has made; a study that git holds has no weights."""
        return folder.status_of_figures if self.workspace.kept else folder.status

    def _known_task(self, name: str) -> Task:
        if (task := self._task(name)) is None:
            raise LeftOut(f"the configuration has no task {name}")
        return task

    def _task(self, name: str) -> Task | None:
        entry = self.params.tasks.get(name)
        return build_task(name, entry) if entry else None

    def _data_of(self, name: str, md5s: Mapping[str, str]) -> TaskData | None:
        """The task's data, if the file that was trained on is here."""
        data = self._read(name)
        return data if data and data.md5 == md5s.get(name) else None

    def _read(self, name: str) -> TaskData | None:
        if name not in self._known:
            try:
                task = self._task(name)
                path = self.workspace.data(name)
                self._known[name] = load(task, path, torch.device("cpu")) if task else None
            except (DataError, BadInput):
                self._known[name] = None
        return self._known[name]
