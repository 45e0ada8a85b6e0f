"""docs/reporting.md has every item of both checklists, in order, and points to files and headings that are there."""

import re
from pathlib import Path

from tests.e2e.clone import ROOT

PAGE = ROOT / "docs/reporting.md"
TEXT = PAGE.read_text(encoding="utf-8")
PARTS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}
"""Letters of those items of TRIPOD+AI that have parts."""


def items(section: str) -> list[str]:
    return re.findall(r"^\| (\d+[a-g]?) \| [^|]+ \| [^|]+ \|$", section, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_item_stands_there_once_and_in_order() -> None:
    _, claim, tripod = re.split(r"^## .+$", TEXT, flags=re.MULTILINE)
    assert items(claim) == [str(number) for number in range(1, 45)]
    assert items(tripod) == [f"{number}{part}" for number in range(1, 28) for part in PARTS.get(number, "") or [""]]
    assert len(items(tripod)) == 52


def test_every_link_and_file_that_it_names_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", TEXT):
        name, _, anchor = target.partition("#")
        page = (PAGE.parent / name).resolve()
        assert page.is_file(), target
        assert not anchor or anchor in anchors(page), target
    for path in re.findall(r"`((?:benchmark|pipelines)/[^`]+)`", TEXT):
        assert (ROOT / path).exists(), path
