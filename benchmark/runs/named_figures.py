"""The AUROC and accuracy in the name of a scores file, as MedMNIST's evaluator writes them and as people do."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path

from benchmark.core.errors import DataError

STATED = re.compile(r"\[(AUC|ACC)\][\s_=:]*([^\[@]*)", re.IGNORECASE)
"""Where a name has a figure, and what stands there."""
NUMBER = re.compile(r"(\d*[.,]?\d+(?:e[-+]?\d{1,2})?|nan)(?![a-z\d.,%+]|-\d)", re.IGNORECASE | re.ASCII)
"""MedMNIST's evaluator writes three decimals, and 'nan' where AUC is not defined; what follows must not belong to it."""


def read(path: Path) -> list[tuple[str, str]]:
    """The figures in a file's name; none may be passed over, for it can tell another order of the images.

    Returns:
        AUC or ACC, and what stands there.

    Raises:
        DataError: that is neither a number nor a word.
    """
    stated = []
    for key, text in STATED.findall(path.stem):
        if number := NUMBER.match(text):
            stated.append((key.upper(), number[1]))
        elif text and not text[0].isalpha():  # a word is no figure
            raise DataError(
                f"{path}: its name has '{text}' behind [{key}], which can't be read; write the figure as 0.901, or "
                "take it out of the name"
            )
    return stated


def agrees(figure: float, stated: str) -> bool:
    """Whether a figure may have been written so: rounded to as many decimals, or not defined."""
    value = Decimal(stated.replace(",", "."))
    if math.isnan(figure) or value.is_nan():
        return math.isnan(figure) and value.is_nan()
    last_place = 10.0 ** int(value.as_tuple().exponent)
    return abs(figure - float(value)) <= 0.502 * last_place  # a tie may be rounded either way
