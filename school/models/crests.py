"""The crests of schools and networks, each in a table of its own, so that no list reads pictures."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from school.crests.picture import MOST_BYTES
from school.models.network import Network, School


class Crest(models.Model):
    network = models.OneToOneField(
        Network, models.CASCADE, null=True, blank=True, related_name="crest"
    )
    school = models.OneToOneField(
        School, models.CASCADE, null=True, blank=True, related_name="crest"
    )
    image = models.BinaryField()
    """PNG or SVG, as `school.crests.picture.check` lets it be."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(network=None, school__isnull=False)
                | Q(network__isnull=False, school=None),
                name="crest_of_one",
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("image"), MOST_BYTES),
                name="crest_is_bounded",
            ),
        ]

    def __str__(self) -> str:
        return str(self.school or self.network)
