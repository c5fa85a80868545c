"""Outcome of each object for each user, and the sample of it that most kinds are tried with."""

from collections.abc import Set

from tests.api.access_matrix.actions import parse_table
from tests.api.access_matrix.expected_access import ROLES

# `made`: succeeds with rows; `bare`: succeeds without rows. A parameter's name: refused with
# 400, with a pointer to that parameter, exactly as for an id that does not exist. The table
# of a kind has no column for users outside its allowed roles.
OBJECTS = parse_table("""
                          superuser  administrator secretary  teacher    colleague  guardian   stranger   neighbour
year=2026                 made       made          made       made       made       made       made       made
year=1999                 bare       bare          bare       bare       bare       bare       bare       bare
class_id=1                made       made          made       made       made       made       class_id   class_id
class_id=2                made       made          made       made       class_id   made       class_id   class_id
class_id=3                made       made          class_id   class_id   class_id   class_id   made       class_id
class_id=4                made       made          class_id   class_id   class_id   class_id   class_id   made
class_id=5                made       class_id      class_id   class_id   class_id   class_id   class_id   class_id
class_id=999              class_id   class_id      class_id   class_id   class_id   class_id   class_id   class_id
school_id=1,year=2026     made       made          made       made       made       made       school_id  school_id
school_id=2,year=2026     made       made          school_id  school_id  school_id  school_id  made       school_id
school_id=4,year=2026     made       school_id     school_id  school_id  school_id  school_id  school_id  school_id
school_id=999,year=2026   school_id  school_id     school_id  school_id  school_id  school_id  school_id  school_id
school_id=2,class_id=1    bare       bare          school_id  school_id  school_id  school_id  class_id   both
school_id=3,class_id=3    bare       bare          both       both       both       both       school_id  class_id
student_id=1,year=2026    made       made          made       made       made       made       student_id student_id
student_id=2,year=2026    made       made          made       made       made       student_id student_id student_id
student_id=27,year=2026   made       made          made       made       student_id made       student_id student_id
student_id=17,year=2026   made       made          made       made       made       student_id student_id student_id
student_id=67,year=2026   made       made          student_id student_id student_id student_id made       made
student_id=67,class_id=3  made       made          both       both       both       both       made       class_id
student_id=67,class_id=4  made       made          both       both       both       both       class_id   made
student_id=101,year=2026  made       student_id    student_id student_id student_id student_id student_id student_id
student_id=999,year=2026  student_id student_id    student_id student_id student_id student_id student_id student_id
class_id=1,year=1999      bare       bare          bare       bare       bare       bare       class_id   class_id
student_id=52,year=2026   made       made          student_id student_id student_id student_id made       student_id
student_id=17,class_id=2  made       made          made       made       class_id   student_id both       both
student_id=1,class_id=2   bare       bare          bare       bare       class_id   bare       both       both
student_id=1,year=1999    bare       bare          bare       bare       bare       bare       student_id student_id
""")  # fmt: skip
"""Outcome of `report_card`, which every role may request, by object and user."""
SAMPLE = (
    "year=2026", "class_id=2", "school_id=2,year=2026", "student_id=17,year=2026",
    "student_id=67,year=2026", "student_id=67,class_id=3",
)  # fmt: skip
SAMPLE_USERS = ("administrator", "secretary", "colleague", "guardian", "stranger")


def sample_outcomes(roles: Set[str]) -> dict[str, dict[str, str]]:
    """Return the sample rows, with one user for each of these roles."""
    names = [name for name in SAMPLE_USERS if ROLES[name] in roles]
    return {row: {name: OBJECTS[row][name] for name in names} for row in SAMPLE}
