"""Admin inline to upload, convert and preview the crest of a school or network."""

import base64
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from school.admin.base import ScopedInline
from school.crests import conversion
from school.models import Crest


class _CrestForm(forms.ModelForm):
    file = forms.FileField(
        label=_("Crest"),
        help_text=_("PNG or SVG, at most 256 kB; printed on every document."),
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
            # One byte above the limit is enough to refuse a file of any size.
            image = file.read(conversion.MAX_BYTES + 1)
            self.instance.image = conversion.convert_crest(image)
        return file


class CrestInline(ScopedInline):
    model = Crest
    form = _CrestForm
    fields = ["preview", "file"]
    readonly_fields = ["preview"]
    max_num = 1

    @admin.display(description=_("Current"))
    def preview(self, crest: Crest) -> SafeString | str:
        """Return an `<img>` tag, or a dash if no PNG is stored."""
        # An SVG that the migration to PNG could not convert is not printed either.
        if not conversion.is_png(bytes(crest.image)):
            return "–"
        return format_html(
            '<img alt="" height="64" src="data:image/png;base64,{}">',
            base64.b64encode(crest.image).decode(),
        )
