"""Convert the stored SVG crests to PNG.

A crest that cannot be converted is named on stdout and stays as it is. Reports leave it out,
because they draw nothing but PNG; a new upload in the admin replaces it.
"""

from django.core.exceptions import ValidationError
from django.db import migrations
from django.utils import translation

from school.crests.conversion import convert_crest, is_png


def convert_svgs(apps, schema_editor):
    Crest = apps.get_model("school", "Crest")
    for crest in Crest.objects.order_by("pk").iterator(chunk_size=100):
        if is_png(bytes(crest.image)):
            continue
        try:
            with translation.override("en"):
                crest.image = convert_crest(bytes(crest.image))
        except ValidationError as error:
            owner = (
                f"network {crest.network_id}"
                if crest.network_id
                else f"school {crest.school_id}"
            )
            print(
                f"\nThe crest of {owner} cannot be converted to PNG and is not printed: "
                f"upload another in the admin. {error.messages[0]}"
            )
        else:
            crest.save(update_fields=["image"])


class Migration(migrations.Migration):

    dependencies = [("school", "0005_fail_if_unrecoverable")]

    # Backwards nothing is done: the SVG is not kept, and earlier releases accept PNG.
    operations = [migrations.RunPython(convert_svgs, migrations.RunPython.noop)]
