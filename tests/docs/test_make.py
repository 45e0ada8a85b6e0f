"""`make help` names every target that a person calls, and needs no environment."""

import re
import subprocess

from tests.e2e.clone import ROOT


def test_every_phony_target_is_listed_with_what_it_is_for() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    done = subprocess.run(
        ["make", "--no-print-directory", "BIN=/nonexistent", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = dict(re.findall(r"^  make (\S+) +(.+)$", done.stdout, flags=re.MULTILINE))
    assert set(listed) == set(phony.split())
    assert len(done.stdout.splitlines()) == len(listed)
