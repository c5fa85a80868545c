"""Key of a class's grade levels, which makes its name unique: their sorted ids, "3,4".

Triggers keep it (`school.db.level_key_triggers`). While several levels are added or removed
one by one, the class would have the key of another class in between; so its key begins with
HOLD until all are stored (`school.models.class_levels`).
"""

HOLD = "*"
CLASSES, LEVELS = "school_schoolclass", "school_schoolclass_grade_levels"


def key_sql(vendor: str, class_id: str) -> str:
    """Return the SQL of the key that the class with this id should have."""
    levels = f"FROM {LEVELS} WHERE schoolclass_id = {class_id}"
    if vendor == "postgresql":
        ids = f"SELECT string_agg(gradelevel_id::text, ',' ORDER BY gradelevel_id) {levels}"
    else:
        ids = (
            "SELECT group_concat(gradelevel_id) FROM"  # noqa: S608
            f" (SELECT gradelevel_id {levels} ORDER BY gradelevel_id)"
        )
    return f"COALESCE(({ids}), '')"
