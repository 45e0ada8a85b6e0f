"""Addresses as they may be shown: without the user and the password that stand in some."""

from __future__ import annotations

import re

CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"]*@")
"""What stands between the scheme and the host, up to the last @."""
IN_QUERY = re.compile(r"(?i)(?<=[?&;\s])((?:password|passwd|pwd|token|secret)=)[^&;\s'\")]+")


def without_passwords(text: str) -> str:
    """The text, such as an address or a message that names some, without anybody's user, password or token."""
    return IN_QUERY.sub(r"\1...", CREDENTIALS.sub("", text))
