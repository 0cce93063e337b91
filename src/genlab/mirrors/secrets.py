"""Keys that must not be seen: in what a tracker's error says, and in the place that a mirror was given."""

import os
import re

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL")
_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")
HIDDEN = "(hidden)"
LEAST = 6  # characters of a key; hiding every "1" of a text would help nobody


def hidden(text: str) -> str:
    """Text without the values of environment variables that are keys, and without names and passwords in URLs.

    >>> hidden("no answer from https://me:word@host/api")
    'no answer from https://(hidden)@host/api'
    """
    for name, value in os.environ.items():
        if _SECRET.search(name.upper()) and len(value) >= LEAST:
            text = text.replace(value, HIDDEN)
    return _IN_URL.sub(HIDDEN, text)


def refuse(place: str, instead: str) -> None:
    """A place with a password in it would be kept in the store's ``command.json``.

    Raises:
        ValueError: it has one; ``instead`` says where it belongs.
    """
    if _IN_URL.search(place):
        raise ValueError(f"--mirror {hidden(place)}: a password does not belong on the command line, {instead}")
