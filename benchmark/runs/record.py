"""`run.json` as a typed object: what a run is, where it comes from, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter

from benchmark.config.run import RunConfig
from benchmark.core.settings import Section
from benchmark.runs.status import AsText


class Part(Section):
    """A part of a record; what a later version has added is passed over."""

    model_config = ConfigDict(extra="ignore")


class Code(Part):
    commit: str
    dirty: bool
    digest: str | None = None
    """Of the files that the result depends on; None of predictions from elsewhere, whose code is not known."""


class Hardware(Part):
    cpu: str
    cores: int | None
    threads: int | str
    memory_gb: float | None
    gpu: str | None


UNKNOWN_HARDWARE = Hardware(cpu="not known", cores=None, threads="unknown", memory_gb=None, gpu=None)


class Seconds(Part):
    train: float
    """In the epochs, looking at val included."""
    total: float


class Record(Part):
    """What every record has."""

    status: AsText
    identity: str
    """Digest of all that the result's bytes depend on, apart from the machine."""
    data_md5: dict[str, str]
    """Of the file of each task."""
    standin: bool
    code: Code
    versions: dict[str, str]
    hardware: Hardware
    started: str
    """ISO 8601, UTC."""
    results: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file that the run has made, by its name; empty until it is done."""

    @property
    def trained_on_val(self) -> bool:
        """Whether images of the official val split were trained on, as far as that is known."""
        return False


class Trained(Record):
    """Of a trunk, of a run, of one seed of a trial."""

    config: RunConfig
    best_epoch: int | None = None
    """The selected one, counted from 1; None until the run is done, as what follows."""
    seconds: Seconds | None = None
    parameters: int | None = None

    @property
    def trained_on_val(self) -> bool:
        return self.config.cross_fit is not None


class GivenConfig(Part):
    """Whose predictions they are."""

    stage: Literal["external"]
    tasks: tuple[str]
    recipe: str
    """What the method is called in every table."""
    profile: str
    seed: int
    note: str
    pixels: int | None = None
    """Edge length of the images that the network was given; None where not stated."""
    external_weights: str | None = None
    """Weights that it started from, trained on anything but MedMNIST; 'none', or None where not stated."""

    @property
    def facts(self) -> tuple[int | None, str | None]:
        """What decides which published figures they compare with."""
        return self.pixels, self.external_weights


class GivenFile(Part):
    name: str
    sha256: str


class FromElsewhere(Record):
    """Of predictions that another program made."""

    config: GivenConfig
    files: tuple[GivenFile, ...]


class EnsembleConfig(Part):
    """Which ensemble it is."""

    stage: Literal["ensemble"]
    tasks: tuple[str]
    recipe: str
    """What the ensemble is called in every table."""
    profile: str
    seed: None = None
    """It is one model, of many seeds."""
    members: tuple[str, ...]
    """Recipes, each of which weighs the same."""


class Member(Part):
    """A run whose scores are in the mean."""

    recipe: str
    seed: int
    identity: str
    scores: str
    """SHA-256 of its `scores.npz`."""
    weights: str
    """SHA-256 of its weights."""
    folder: str
    """Where it lies, from the workspace's root."""
    trained_on_val: bool


class Combined(Record):
    """Of an ensemble: the mean score of other runs."""

    config: EnsembleConfig
    members: tuple[Member, ...]

    @property
    def trained_on_val(self) -> bool:
        return any(member.trained_on_val for member in self.members)


def _form(content: Any) -> str:
    if isinstance(content, dict):
        config = content.get("config")
        stage = config.get("stage") if isinstance(config, dict) else None
        return {"external": "given", "ensemble": "combined"}.get(str(stage), "trained")
    return "given" if isinstance(content, FromElsewhere) else "combined" if isinstance(content, Combined) else "trained"


RunRecord = Trained | FromElsewhere | Combined
ADAPTER: TypeAdapter[RunRecord] = TypeAdapter(
    Annotated[
        Annotated[Trained, Tag("trained")]
        | Annotated[FromElsewhere, Tag("given")]
        | Annotated[Combined, Tag("combined")],
        Discriminator(_form),
    ]
)


def now() -> str:
    """For `Record.started`."""
    return datetime.now(UTC).isoformat(timespec="seconds")
