"""Crests in the admin: chosen as a file, checked, and shown beside whose they are."""

import base64
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from school.crests import validation
from school.models import Crest


class _CrestForm(forms.ModelForm):
    file = forms.FileField(
        label=_("Crest"),
        help_text=_("PNG or SVG of at most 256 kB; it stands on every paper."),
    )

    class Meta:
        model = Crest
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = not self.instance.pk

    def clean_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is not None:
            # One byte more than it may have tells as much as a gigabyte.
            image = file.read(validation.MAX_BYTES + 1)
            validation.validate_crest(image)
            self.instance.image = image
        return file


class CrestInline(admin.TabularInline):
    model = Crest
    form = _CrestForm
    fields = ["preview", "file"]
    readonly_fields = ["preview"]
    max_num = 1

    @admin.display(description=_("Now"))
    def preview(self, crest: Crest) -> SafeString | str:
        """As a picture alone: a browser runs and fetches nothing that an <img> holds."""
        if not crest.image:
            return "–"
        return format_html(
            '<img alt="" height="64" src="data:{};base64,{}">',
            validation.media_type(bytes(crest.image)),
            base64.b64encode(crest.image).decode(),
        )
