"""Which crest stands on a paper: the school's own, or else its network's."""

from collections.abc import Sequence

from django.db.models import F, Q

from school.models import Crest, School


def crest_of(schools: Sequence[School]) -> bytes:
    """Of the only school there is, or of the network of several; empty where none was given."""
    if not schools:
        return b""
    wanted = Q(network=schools[0].network_id)
    if len(schools) == 1:
        wanted |= Q(school=schools[0])
    found = Crest.objects.filter(wanted).order_by(F("school").asc(nulls_last=True))
    return bytes(found.values_list("image", flat=True).first() or b"")
