"""What sheets are called: within what a spreadsheet allows, and each otherwise."""

import re

LONGEST = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# Excel keeps them for itself, in English and in Portuguese.
_RESERVED = ("history", "histórico")


class Names:
    """Gives each sheet a name that no sheet before it has."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED)

    def name(self, wanted: str) -> str:
        """The wanted name, or what is most like it; further ones are numbered from 2."""
        stem = " ".join(_FORBIDDEN.sub(" ", wanted).split()).strip("'") or "-"
        number, found = 1, _short(stem)
        while found.casefold() in self._taken:
            number += 1
            found = f"{_short(stem, room=len(f' ({number})'))} ({number})"
        self._taken.add(found.casefold())
        return found


def _short(name: str, room: int = 0) -> str:
    # Excel counts in UTF-16, so that an emoji is two.
    units = name.encode("utf-16-le", "ignore")[: 2 * (LONGEST - room)]
    return units.decode("utf-16-le", "ignore").strip("' ")
