import subprocess
import sys
from pathlib import Path

from school.grading.default_profiles import DEFAULT_PROFILES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rules.md").read_text()


def test_rules_page_equals_generated_one():
    script = [sys.executable, str(ROOT / "docs" / "rules.py"), "--check"]

    assert subprocess.run(script).returncode == 0, "run `make generate`"


def test_rules_page_contains_profiles_and_boundary_cases():
    for profile in DEFAULT_PROFILES:
        assert f"## {profile.name}\n" in PAGE
        assert profile.source in PAGE
    for sentence in (
        "(5,5 + 6,4) / 2 = 5,95 < 6,0",
        "(5,5 + 6,5) / 2 = 6,0 ≥ 6,0",
        "Nem com 10,0 na recuperação chegaria a 6,0",
        "149/200 = 74,5 % < 75 %",
        "150/200 = 75,0 % ≥ 75 %",
    ):
        assert sentence in PAGE
