"""Where a figure comes from: code, versions, hardware, and the digest by which an equal run is told."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "torchvision", "libauc", "kornia", "medmnist", "numpy", "scikit-learn", "mlflow", "dvc")
# What the bytes of a result depend on. A change elsewhere (tracking, report) trains nothing anew.
TRAINING_CODE = (
    "augment.py",
    "checkpoint.py",
    "data.py",
    "execute.py",
    "networks.py",
    "objectives.py",
    "optimizers.py",
    "precision.py",
    "scoring.py",
    "seeding.py",
    "training.py",
)


def code() -> dict[str, Any]:
    """Commit, whether code differs from it, and the digest of the training code itself."""
    paths = ["benchmark", "pipelines", "requirements.lock"]
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown: not a git checkout",
        "dirty": bool(_git("status", "--porcelain", "--", *paths)),
        "digest": digest_of({name: _sha256(ROOT / "benchmark" / name) for name in TRAINING_CODE}),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def fingerprint() -> dict[str, str]:
    """What has to be the same on every machine for the same run to have the same result."""
    own = versions()
    return {"code": code()["digest"]} | {name: own[name] for name in ("torch", "torchvision", "libauc", "kornia")}


def hardware() -> dict[str, Any]:
    import torch

    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def dvc_lock_hash() -> str:
    """SHA-256 of dvc.lock, the record of all stages so far; empty where there is none."""
    path = ROOT / "dvc.lock"
    return _sha256(path) if path.is_file() else ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
