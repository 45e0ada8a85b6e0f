"""The tracking store: where it is, whether it answers, and what is wrong with it where it does not."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import URL, make_url

from benchmark.core import provenance
from benchmark.core.addresses import without_passwords
from benchmark.core.errors import NoStore
from benchmark.core.files import atomic
from benchmark.tracking.line import Line

SQLITE = "sqlite:///"
EXPERIMENTS_OF_DVC = (".dvc", "tmp", "exps")
"""Where DVC keeps the copies of a repository that it runs experiments in."""


def home() -> Path:
    """The repository's root; of a copy that DVC runs an experiment in, the root of what it is a copy of."""
    parts, length = provenance.ROOT.parts, len(EXPERIMENTS_OF_DVC)
    for place in range(1, len(parts) - length + 1):
        if parts[place : place + length] == EXPERIMENTS_OF_DVC:
            return Path(*parts[:place])
    return provenance.ROOT


def use(uri: str = "") -> None:
    """Take this store; where it is empty the one of MLFLOW_TRACKING_URI, else a SQLite file at the repository's root.

    User and password of a server go from the address into the variables that MLflow has for them, so that no message
    of MLflow's can show them.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI", "") or _address_of(home() / "mlflow.db")
    if uri.startswith(SQLITE) and home() != provenance.ROOT and not _file(uri).is_absolute():
        uri = _address_of(home() / _file(uri))
    address = urlsplit(uri) if uri.startswith(("http://", "https://")) else None
    if address and address.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(address.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(address.password or "")
        uri = uri.replace(f"{address.netloc.rpartition('@')[0]}@", "", 1)
    os.environ["MLFLOW_TRACKING_URI"] = uri
    mlflow.set_tracking_uri(uri)


def prepare(line: Line) -> bool:
    """Take the store and make its tables once: several processes that start on an empty database race.

    Returns:
        Whether the store answers; where it does not, a warning was given.
    """
    return bool(line.ask("ask the tracking store", _answers))


def _answers() -> bool:
    use()
    if address().startswith(SQLITE):
        _make_tables(_file(address()))
    MlflowClient().search_experiments(max_results=1)
    return True


def _make_tables(path: Path) -> None:
    """Make a local database that is not there, whole or not at all: that takes seconds, in which a process may end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            with atomic(path) as partial:
                MlflowClient(_address_of(partial)).search_experiments(max_results=1)


def experiment_id(name: str) -> str:
    """The experiment of this name, which is made where there is none.

    Raises:
        NoStore: it was deleted.
    """
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        try:
            return str(mlflow.create_experiment(name, artifact_location=_artifacts(name)))
        except MlflowException:  # another process was quicker
            found = mlflow.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise NoStore(f"experiment {name} was deleted", why="deleted", experiment_id=found.experiment_id)
    return str(found.experiment_id)


def _artifacts(name: str) -> str | None:
    """Beside a local database, whichever folder the command is run in; a server has a place of its own."""
    uri = address()
    if not uri.startswith(SQLITE):
        return None
    place = _file(uri).resolve().parent / "mlruns" / name
    return str(place) if unquote(str(place)) == str(place) else place.as_uri()  # a path too is read as an address's


def _address_of(path: Path) -> str:
    """Of a SQLite file; signs in its path that mean something in an address are written so that they are read as they are.

    Of such a path alone: MLflow makes an empty folder by the path that it takes the address for.
    """
    plain = f"{SQLITE}{path}"
    return plain if _file(plain) == path else URL.create("sqlite", database=str(path)).render_as_string()


def _file(uri: str) -> Path:
    """Where the file at a SQLite address lies."""
    return Path(make_url(uri).database or "")


# ------------------------------------------------------------------------------------------------ what is wrong

SIGNS = {
    "refused": ("error code 403", "error code 401", "invalid host header"),
    "folder": ("filesystem tracking backend",),
    "version": ("out-of-date database schema", "can't locate revision"),
    "address": ("unsupported uri", "no module named", "could not parse"),
}
"""What an answer of MLflow's has in it, in lower case, by what is wrong."""


def no_answer(what: str, error: Exception | None) -> NoStore:
    """The error that says so: what could not be done, and in one line why not."""
    text = " ".join(str(error).split()) if error else "no answer in time"
    facts = dict(error.facts) if isinstance(error, NoStore) else {}
    facts.setdefault("why", next((why for why, signs in SIGNS.items() if _has(text, signs)), "away"))
    reason = without_passwords(text or type(error).__name__)
    short = reason if len(reason) <= 200 else f"{reason[:200]}..."
    return NoStore(f"MLflow: could not {what} ({short})", **facts)


def _has(text: str, signs: tuple[str, ...]) -> bool:
    return any(sign in text.lower() for sign in signs)


def shown(uri: str) -> str:
    """The address without user and password; a local store's without the machine's own path."""
    if uri.startswith(SQLITE):
        return f"{SQLITE}{_file(uri).name}"
    return without_passwords(uri)


def address() -> str:
    """Of the store in use."""
    return str(mlflow.get_tracking_uri())


class _WithoutPasswords(logging.Filter):
    """What MLflow writes by itself, such as the address of a database that can't be reached."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_passwords(record.getMessage()), ()
        return True


for _handler in logging.getLogger("mlflow").handlers:
    _handler.addFilter(_WithoutPasswords())


if __name__ == "__main__":  # make the tables of the project's own store
    _answers()
