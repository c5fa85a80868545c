"""Crests of schools and networks, in their own table so that lists never load images."""

from collections.abc import Sequence

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from school.crests.conversion import MAX_BYTES
from school.models.network import Network, School


class Crest(models.Model):
    network = models.OneToOneField(
        Network, models.CASCADE, null=True, blank=True, related_name="crest"
    )
    school = models.OneToOneField(
        School, models.CASCADE, null=True, blank=True, related_name="crest"
    )
    image = models.BinaryField()
    """PNG made by `school.crests.conversion.convert_crest`."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(network=None, school__isnull=False)
                | Q(network__isnull=False, school=None),
                name="crest_of_one",
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("image"), MAX_BYTES),
                name="crest_is_bounded",
            ),
        ]

    def __str__(self) -> str:
        return str(self.school or self.network)

    @classmethod
    def image_for(cls, schools: Sequence[School]) -> bytes:
        """Return the crest of the only school, else that of its network; empty if missing."""
        if not schools:
            return b""
        owners = Q(network=schools[0].network_id)
        if len(schools) == 1:
            owners |= Q(school=schools[0])
        crests = cls.objects.filter(owners).order_by(F("school").asc(nulls_last=True))
        return bytes(crests.values_list("image", flat=True).first() or b"")
