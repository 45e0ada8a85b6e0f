"""MLflow's view of a whole workspace, made from its folders: trunks, runs, refusals, searches, predictions from elsewhere,
and the studies that git holds.

Nothing is trained, and nothing doubles: what the store has already is found by its identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmark.config import colours
from benchmark.config.params import Params
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import BadInput, DamagedRun, DataError
from benchmark.core.terms import Dimension
from benchmark.data.load import TaskData, load
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined
from benchmark.runs.workspace import Workspace, seeds_of
from benchmark.tracking import ensembles, given, searches
from benchmark.tracking.cell import Cell, Texts, cell_tags, log_cell, log_refusal, trunk_tags
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import Tracker

Commands = Callable[[str, str, str], Texts]
"""Of profile, task and recipe: what the descriptions of its run and model say."""


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
        for profile in [self.profile] if self.profile else self._profiles():
            yield from replace(self, workspace=self.workspace.of_figures(profile))._of(profile)
        for folder in self.workspace.list_given():
            record = folder.record()
            if (task := self._task(record.config.tasks[0])) is not None:
                note = getattr(record.config, "note", "")
                given.track(folder, task, note, self.line)
                yield f"{folder.path}: logged"

    def _of(self, profile: str) -> Iterator[str]:
        yield from self._trunks(profile)
        for path in sorted((self.workspace.runs / profile).glob("*/*")):
            yield from self._cell(path)
        for folder in self.workspace.list_ensembles(profile):
            yield self._ensemble(folder)
        for refusal in self.workspace.list_refusals(profile):
            if task := self._task(refusal.task):
                log_refusal(task, refusal.recipe, profile, refusal.status.reason, self.line)
                yield f"{self.workspace.cell(profile, refusal.task, refusal.recipe)}: {refusal.status}"
        yield from self._searches(profile)

    def _profiles(self) -> list[str]:
        """The configuration's own last, so that the champions are of it."""
        return sorted(self.params.profiles, key=lambda name: (name == self.params.profile, name))

    def _trunks(self, profile: str) -> Iterator[str]:
        for dim in Dimension:
            folder = self.workspace.trunk(profile, dim)
            if not folder.exists:
                continue
            record = folder.trained()
            status = folder.status_of_figures if self.workspace.kept else folder.status
            if not status.is_done:
                yield f"{folder.path}: left out, {status}"
                continue
            data = {name: part for name in record.config.tasks if (part := self._data_of(name, record.data_md5))}
            cell = Cell([folder], trunk_tags(dim, profile, record.identity), data=data)
            notes = not self.workspace.kept
            log_cell(Tracker("pretrain", f"{dim} {profile}", record.standin, self.line, notes=notes), cell)
            yield f"{folder.path}: logged"

    def _cell(self, path: Path) -> Iterator[str]:
        """The seeds of one task and recipe, if all of them have come to their end."""
        folders = [folder for folder in seeds_of(path) if folder.exists]
        if not folders:
            return
        try:
            records = [folder.trained() for folder in folders]
        except DamagedRun as error:
            yield f"{path}: left out, {error}"
            return
        open_ones = [
            f"{one.path.name} {record.status}"
            for one, record in zip(folders, records, strict=True)
            if not record.status.is_done
        ]
        first = records[0]
        name, recipe, profile = first.config.tasks[0], first.config.recipe, first.config.profile
        task = self._task(name)
        if open_ones or task is None:
            yield f"{path}: left out, {', '.join(open_ones) or f'the configuration has no task {name}'}"
            return
        data = {name: part} if (part := self._data_of(name, first.data_md5)) else {}
        colour = colours.of_recipe(self.params, recipe) if recipe in self.params.recipes else ""
        tags = cell_tags(name, recipe, profile, [record.identity for record in records])
        tracker = Tracker(name, f"{recipe} {profile}", first.standin, self.line, colour, notes=not self.workspace.kept)
        log_cell(tracker, Cell(folders, tags, task, data, self.texts(profile, name, recipe)))
        yield f"{path}: logged, {len(folders)} seeds"

    def _ensemble(self, folder: RunFolder) -> str:
        """Its run; and its model, where the runs that it was made of are still those of its record."""
        record = folder.record()
        name, recipe, profile = record.config.tasks[0], record.config.recipe, record.config.profile
        task, data = self._task(name), self._data_of(name, record.data_md5)
        if not isinstance(record, Combined) or task is None or not folder.is_done:
            return f"{folder.path}: left out, {folder.status if task else f'the configuration has no task {name}'}"
        runs: dict[str, list[RunFolder]] = {}
        for one in record.members:
            runs.setdefault(one.recipe, []).append(self.workspace.run(profile, name, one.recipe, one.seed))
        here = all(
            (run := self.workspace.run(profile, name, one.recipe, one.seed)).holds(one.identity) and run.is_done
            for one in record.members
        )
        texts = self.texts(profile, name, recipe)
        ensembles.log(folder, task, data, runs if here else None, texts, self.line, notes=not self.workspace.kept)
        return f"{folder.path}: logged"

    def _searches(self, profile: str) -> Iterator[str]:
        for search in searches.of(self.workspace, profile):
            if task := self._task(search.task):
                searches.log(search, task, self.line)
                yield f"{search.folder}: logged, {len(search.runs)} runs"

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
