"""What is shown of an address."""

import pytest

from benchmark.core.addresses import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        (
            "no answer from postgresql://me:s@cr@t@host:5432/db, tried twice",
            "no answer from postgresql://host:5432/db, tried twice",
        ),
        ("http://host/x?token=abc&size=28", "http://host/x?token=...&size=28"),
        ("http://host/x?password=ge'heim", "http://host/x?password=..."),
        ("('http://host/x?token=abc')", "('http://host/x?token=...')"),
        ("https://me:ge'hei\"m@host/x", "https://host/x"),
        ("http://me:ge/heim@host:5000/x, twice", "http://...@host:5000/x, twice"),
        ("http://me:2026/ge@heim@host", "http://...@host"),
        ("mysql+pymysql://u:pw/x@h/db", "mysql+pymysql://...@h/db"),
        ("http://host:5000/x and http://host:80/y", "http://host:5000/x and http://host:80/y"),
        ("http://host/a@b", "http://host/a@b"),
        ("sqlite:////some/where/mlflow.db", "sqlite:////some/where/mlflow.db"),
    ],
)
def test_user_and_password_are_left_out(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
