"""Records that a viewer chooses from, with labels that tell records of equal names apart.

Only visible records count as namesakes: a label reveals nothing of the others.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from school import access
from school.collation import normalize_name
from school.db import name_search
from school.models import GradeLevel, School, SchoolClass, SchoolYear, User

SEPARATOR = " · "


def list_schools(viewer: User) -> QuerySet[School]:
    """Return the visible schools, annotated with whether another one has the same name."""
    visible = access.visible_schools(viewer)
    return visible.annotate(has_namesake=_has_other(visible, "name"))


def list_classes(viewer: User) -> QuerySet[SchoolClass]:
    """Return the visible classes with all that their labels need."""
    visible = access.visible_classes(viewer).order_by()
    schools = access.visible_schools(viewer)
    same_school_name = schools.filter(name=OuterRef("school__name")).exclude(
        pk=OuterRef("school")
    )
    # In a query of its own, so that the annotations are computed for one page only: the
    # visible classes are made distinct, which takes all of them.
    return (
        SchoolClass.objects.filter(pk__in=visible.values("pk"))
        .select_related("school", "school_year")
        .prefetch_related("grade_levels")
        .annotate(
            has_namesake=_has_other(visible, "school", "school_year", "name"),
            school_has_namesake=Exists(same_school_name),
        )
    )


def list_school_years(viewer: User) -> QuerySet[SchoolYear]:
    """Return the school years of visible classes, with their networks."""
    visible = access.visible_school_years(viewer)
    return visible.select_related("network").annotate(
        has_namesake=_has_other(visible, "year", "period")
    )


def list_grade_levels(viewer: User) -> QuerySet[GradeLevel]:
    """Return the grade levels of visible classes."""
    visible = access.visible_grade_levels(viewer)
    return visible.annotate(has_namesake=_has_other(visible, "name"))


def class_filter(text: str) -> Q:
    """Return the filter for classes that match each word of a label as people type it.

    A word starts a word of the class's or the school's name, or is the number of the year.
    """
    condition = Q()
    for word in text.split():
        if normalize_name(word):
            matches = name_search.name_filter("sort_key", word)
            matches |= name_search.name_filter("school__sort_key", word)
            if word.isascii() and word.isdecimal() and len(word) == 4:
                matches |= Q(school_year__year=int(word))
            condition &= matches
    return condition


def school_label(school: School, *, has_namesake: bool) -> str:
    """Return the name, with the INEP code if another visible school has the same name."""
    return f"{school.name} (INEP {school.inep_code})" if has_namesake else school.name


def class_label(school_class: SchoolClass, *, has_namesake: bool) -> str:
    """Return the name, with levels and shift if its school has another of this year."""
    if not has_namesake:
        return school_class.name
    parts = [level.name for level in school_class.grade_levels.all()]
    parts.append(school_class.get_shift_display())
    return f"{school_class.name} ({', '.join(parts)})"


def school_year_label(school_year: SchoolYear, *, has_namesake: bool) -> str:
    """Return the label, with the network if another visible one has such a year."""
    label = str(school_year)
    return f"{label}{SEPARATOR}{school_year.network}" if has_namesake else label


def grade_level_label(level: GradeLevel, *, has_namesake: bool) -> str:
    """Return the name, with the code if another visible level has the same name."""
    return f"{level.name} ({level.code})" if has_namesake else level.name


def _has_other(visible: QuerySet, *names: str) -> Exists:  # type: ignore[type-arg]
    """Return the condition that another visible record has the same values."""
    same = {name: OuterRef(name) for name in names}
    return Exists(visible.order_by().filter(**same).exclude(pk=OuterRef("pk")))
