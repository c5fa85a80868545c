"""The page of threats: each guarantee it quotes has a test."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| (?P<guarantee>[^|]+) \|$", re.MULTILINE)


def test_guarantees_quoted_by_threats_exist():
    rows = ROW.findall((ROOT / "docs/security.md").read_text())
    quoted = {text for text in rows if text != "guarantee"}
    guarantees = set(
        re.findall(
            r"^\| ([^|]+) \| `tests/",
            (ROOT / "docs/guarantees.md").read_text(),
            re.MULTILINE,
        )
    )

    assert len(quoted) > len(rows) // 2
    assert quoted <= guarantees
