"""Installation of the default rule profiles in a network."""

from django.db import transaction

from school.grading import default_profiles
from school.models import Network, RuleProfile


@transaction.atomic
def install_profiles(network: Network) -> list[RuleProfile]:
    """Create the default profiles missing from the network, and return them.

    A profile whose code already exists belongs to the network and is not changed.
    """
    existing_codes = set(network.rule_profiles.values_list("code", flat=True))
    new_profiles = []
    for profile in default_profiles.DEFAULT_PROFILES:
        if profile.code not in existing_codes:
            new_profile = RuleProfile.objects.create(
                network=network,
                code=profile.code,
                name=profile.name,
                source=profile.source,
            )
            new_profile.revise(profile.rules)
            new_profiles.append(new_profile)
    return new_profiles
