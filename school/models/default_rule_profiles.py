"""Gives a network the rule profiles that come with the service."""

from django.db import transaction

from school.grading import default_profiles
from school.models import Network, RuleProfile


@transaction.atomic
def install(network: Network) -> list[RuleProfile]:
    """Make each shipped profile that the network lacks, and return those made.

    A profile whose code the network has is its own by now, and left alone.
    """
    held = set(network.rule_profiles.values_list("code", flat=True))
    made = []
    for profile in default_profiles.PROFILES:
        if profile.code not in held:
            one = RuleProfile.objects.create(
                network=network,
                code=profile.code,
                name=profile.name,
                source=profile.source,
            )
            one.revise(profile.rules)
            made.append(one)
    return made
