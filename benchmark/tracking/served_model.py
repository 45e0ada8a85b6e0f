"""What stands before a served network: images that are integers from 0 to 255 pass, all else is refused with a sentence.

MLflow casts a request to the type of the model's signature, and so cuts grey values from 0 to 1 down to 0 and 1 without
a word. So a model is registered without a signature of its input: what was sent comes here as it is, and is looked at.
What stands behind has a signature of its own, which says the shape; nothing else is known of it.

This file is stored with each model, and loaded from there by MLflow: it imports nothing of this project.
"""

from __future__ import annotations

import json
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

COLUMN = "images"
"""What the images may be called in a request."""
WANTED = "integers from 0 to 255"
TYPES = {"b": "true or false", "U": "text", "O": "no number, or one beyond 64 bits"}
"""By NumPy's letter for a kind of type, where its own name says little."""


class NotImages(MlflowException):  # type: ignore[misc]
    """Answered with status 400 and its sentence alone: the server would put a print of the request before it."""

    def __init__(self, found: str, expected: str) -> None:
        self.sentence = f"images: found {found}, expected {expected}"
        super().__init__(self.sentence, error_code=INVALID_PARAMETER_VALUE)

    def serialize_as_json(self) -> str:
        return json.dumps({"error_code": self.error_code, "message": self.sentence})


class Doorkeeper:
    """A model that takes uint8 images, behind a look at what it is given."""

    def __init__(self, behind: Any) -> None:
        self.behind = behind
        self.shape: tuple[int, ...] = tuple(behind.metadata.get_input_schema().inputs[0].shape[1:])
        """Of one image."""

    def predict(self, data: Any) -> np.ndarray:
        """Images → probabilities of label 1, float32 (n, L).

        Args:
            data: integers (n, *shape), or a data frame with one column of such images.

        Raises:
            NotImages: anything else.
        """
        scores: np.ndarray = self.behind.predict(images_of(data, self.shape))
        return scores


def images_of(data: Any, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 (n, *shape), the very numbers that were given.

    Raises:
        NotImages: other shapes, types or values; floats are refused even where all are whole, since nothing tells an
            image of 0.0 and 1.0 from one that was scaled.
    """
    images = _array(data)
    if images.shape[1:] != shape or not len(images):
        raise NotImages(f"shape {images.shape}", f"(n, {', '.join(map(str, shape))}) with n of 1 or more")
    if not np.issubdtype(images.dtype, np.integer):
        scaled = "; give the grey values of the file, not scaled" if images.dtype.kind == "f" else ""
        raise NotImages(f"values of type {TYPES.get(images.dtype.kind, images.dtype)}", f"{WANTED}{scaled}")
    if images.min() < 0 or images.max() > 255:
        raise NotImages(f"values from {images.min()} to {images.max()}", WANTED)
    return images.astype(np.uint8)


def _array(data: Any) -> np.ndarray:
    """What was given as one array, its type as it was."""
    if isinstance(data, dict):
        if list(data) != [COLUMN]:
            raise NotImages(f"the names {', '.join(map(str, data)) or 'of nothing'}", f"'{COLUMN}' alone")
        data = data[COLUMN]
    if isinstance(data, pd.DataFrame):
        if data.shape[1] != 1:
            raise NotImages(f"a data frame of {data.shape[1]} columns", "one column with an image in each cell")
        data = data.iloc[:, 0].tolist()
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise NotImages("images of unequal shapes", "the same shape for all") from error
    if array.dtype.kind != "b" and _has_boolean(data):
        raise NotImages(f"{TYPES['b']} among the numbers", WANTED)
    return array


def _has_boolean(data: Any) -> bool:
    """Whether there is one in what was given as lists: NumPy makes 0 or 1 of it where there are numbers beside it.

    MLflow's server makes arrays of `inputs` and `instances` itself, and no model sees what it has made them of.
    """
    if isinstance(data, list | tuple):
        return any(map(_has_boolean, data))
    return isinstance(data, bool) or (isinstance(data, np.ndarray | np.generic) and data.dtype.kind == "b")


def _load_pyfunc(path: str) -> Doorkeeper:
    """As MLflow calls it, with the folder of the model that stands behind."""
    return Doorkeeper(mlflow.pyfunc.load_model(path))
