"""A served model, of a run or an ensemble, answers for integers from 0 to 255 alone: in Python, and over HTTP by MLflow's own scoring server."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
import uvicorn
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from benchmark.tracking import registry
from benchmark.training.ensemble import Ensemble

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 6, 6), dtype=np.uint8)
LISTS = IMAGES.tolist()
Ask = Callable[..., tuple[int, Any]]


class Means(torch.nn.Module):
    """Two probabilities an image that anyone can compute: its mean and its first pixel, by 255."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        flat = images.float().flatten(1) / 255
        return torch.stack([flat.mean(dim=1), flat[:, 0]], dim=1)


EXPECTED = np.stack([IMAGES.reshape(3, -1).mean(axis=1), IMAGES[:, 0, 0]], axis=1) / 255


SERVED = {"a run": Means(), "an ensemble": Ensemble([[Means(), Means()], [Means()]])}


@pytest.fixture(scope="module", params=SERVED)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before, folder = mlflow.get_tracking_uri(), tmp_path_factory.mktemp("store")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.create_experiment("served", (folder / "artifacts").as_uri())
    mlflow.set_experiment("served")
    with mlflow.start_run():
        info = registry.log_model(SERVED[request.param], IMAGES[:2], {"recipe": "means", "profile": "smoke"})
    try:
        yield mlflow.pyfunc.load_model(info.model_uri)
    finally:
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def ask(model: Any) -> Iterator[Ask]:
    """What the scoring server answers to a body: status, and the content."""
    server = uvicorn.Server(uvicorn.Config(scoring_server.init(model), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def post(body: Any, kind: str = "application/json") -> tuple[int, Any]:
        sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", sent, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)["predictions"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["message"]

    yield post
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": LISTS},
        {"instances": LISTS},
        {"inputs": {"images": LISTS}},
        {"instances": [{"images": one} for one in LISTS]},
        {"dataframe_split": {"columns": ["images"], "data": [[one] for one in LISTS]}},
        {"dataframe_records": [{"images": one} for one in LISTS]},
    ],
)
def test_every_form_of_request_has_the_same_answer(ask: Ask, body: Any) -> None:
    status, answer = ask(body)
    assert status == 200
    assert np.allclose(answer, EXPECTED, atol=1e-6)


@pytest.mark.parametrize("form", ["inputs", "instances"])
def test_a_batch_of_one_is_answered(ask: Ask, form: str) -> None:
    status, answer = ask({form: LISTS[:1]})
    assert (status, np.allclose(answer, EXPECTED[:1], atol=1e-6)) == (200, True)


SCALED = (IMAGES / 255).tolist()
ONE_TRUE = [[True, *LISTS[0][0][1:]], *LISTS[0][1:]]
REFUSED: dict[str, tuple[Any, str]] = {
    "0 to 1": (SCALED, "float64"),
    "-1 to 1": ((IMAGES / 127.5 - 1).tolist(), "float64"),
    "whole floats": (IMAGES.astype(float).tolist(), "float64"),
    "one float": ([[[0.5, *LISTS[0][0][1:]], *LISTS[0][1:]], *LISTS[1:]], "float64"),
    "no number": (np.full((1, 6, 6), np.nan).tolist(), "float64"),
    "beyond 255": ((IMAGES.astype(int) + 200).tolist(), "values from 200 to"),
    "negative": ((IMAGES.astype(int) - 128).tolist(), "values from -128 to"),
    "beyond 64 bits": ([[[10**30] * 6] * 6], "beyond 64 bits"),
    "true": ([[[True] * 6] * 6], "true or false"),
    "text": ([[["a"] * 6] * 6], "text"),
    "nothing": ([[[None] * 6] * 6], "no number"),
    "an image without a batch": (LISTS[0], r"shape \(6, 6\), expected \(n, 6, 6\)"),
    "a channel": (IMAGES[..., None].tolist(), r"shape \(3, 6, 6, 1\)"),
    "another size": (np.zeros((1, 8, 8), int).tolist(), r"shape \(1, 8, 8\)"),
    "flat": (IMAGES.reshape(3, -1).tolist(), r"shape \(3, 36\)"),
    "no image": ([], r"shape \(0,\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_400_and_one_sentence(ask: Ask, case: str) -> None:
    images, reason = REFUSED[case]
    for body in ({"inputs": images}, {"instances": images}):
        status, message = ask(body)
        assert status == 400
        assert message.startswith("images: found ")
        assert "\n" not in message
        assert re.search(reason, message), message


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["images"], "data": [[one] for one in SCALED]}},
        {"dataframe_records": [{"images": one} for one in SCALED]},
        {"dataframe_records": [{"images": ONE_TRUE}]},
        {"dataframe_split": {"columns": ["images"], "data": [[ONE_TRUE]]}},
        {"dataframe_split": {"data": IMAGES.reshape(3, -1).tolist()}},
        {"inputs": {"image": LISTS}},
        {"inputs": [[[1, 2], [3]]]},
        {"inputs": None},
    ],
)
def test_odd_requests_are_400_too(ask: Ask, body: Any) -> None:
    assert ask(body)[0] == 400


def test_csv_is_400(ask: Ask) -> None:
    status, message = ask(",".join("0123456789"), "text/csv")
    assert (status, "one column" in message) == (400, True)


def test_python_has_the_same_rules(model: Any) -> None:
    frame = pd.DataFrame({"images": list(IMAGES)})
    for images in (IMAGES, IMAGES.astype(np.int64), LISTS, frame):
        assert np.allclose(model.predict(images), EXPECTED, atol=1e-6)
    true = pd.DataFrame({"images": [IMAGES[0], IMAGES[0] > 9]})
    floats = (IMAGES / 255, IMAGES.astype(np.float32), frame.map(lambda image: image / 255))
    for images in (*floats, IMAGES[0], [ONE_TRUE], [IMAGES[0], IMAGES[0] > 9], true):
        with pytest.raises(MlflowException, match=r"^images: found ") as caught:
            model.predict(images)
        assert caught.value.get_http_status_code() == 400
