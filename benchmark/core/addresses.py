"""Addresses as they may be shown: without the user and the password that stand in some."""

from __future__ import annotations

import re

CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s:@]*:\S*|[^/\s]*)@")
"""What stands between the scheme and the host, up to the last @: a password may have any sign in it, a path's too."""
IN_QUERY = re.compile(r"(?i)(?<=[?&;\s])((?:password|passwd|pwd|token|secret)=)[^&;\s]*[^&;\s'\").,]")


def without_passwords(text: str) -> str:
    """The text, such as an address or a message that names some, without anybody's user, password or token.

    Where a port may as well be the first half of a password, all up to the @ is left out, and `...` says so.
    """
    return IN_QUERY.sub(r"\1...", CREDENTIALS.sub(lambda found: "...@" if "/" in found[0] else "", text))
