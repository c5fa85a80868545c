"""Base classes of the admin's pages, which show and change records in the viewer's reach."""

from collections import defaultdict
from itertools import chain
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import NestedObjects, get_fields_from_path
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError, router
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet, ModelForm, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from school import record_access
from school.admin.autocomplete import PostedSelect, PostedSelectMultiple
from school.admin.change_list import (
    RelatedRecordFilter,
    SearchedChangeList,
    answer_search,
)
from school.consistency.messages import OTHER_NETWORKS
from school.db.closed_years import CLOSED_YEAR
from school.models import User
from school.models.year_records import YearRecord


class OutOfReach(Exception):
    """A record that its writer could not see once it is saved; the save is rolled back."""


def viewer_of(request: HttpRequest) -> User:
    """Return the user of a request to the admin, who is logged in."""
    return cast(User, request.user)


class OneNetworkForm(ModelForm):
    """Form that refuses to join records of different networks."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the stubs leave it out
        record = self.instance
        # The model names the field; the sentence above the form is for all cases.
        refused = {
            name
            for name, messages in self.errors.items()
            if _(OTHER_NETWORKS) not in messages
        }
        related = [
            getattr(record, field.name)
            for field in record._meta.concrete_fields
            if field.is_relation and field.name not in refused
            # A parent that its own form refused has no id yet, but is set.
            if field.is_cached(record) or getattr(record, field.attname) is not None
        ]
        networks = {record_access.network_of(other) for other in related if other}
        if len(networks - {None}) > 1:
            self.add_error(None, _(OTHER_NETWORKS))

    def _update_errors(self, errors: ValidationError) -> None:
        """Show the message of a field that the form leaves out above the form."""
        if hasattr(errors, "error_dict"):
            for name in (
                errors.error_dict.keys() - self.fields.keys() - {NON_FIELD_ERRORS}
            ):
                moved = errors.error_dict.pop(name)
                errors.error_dict.setdefault(NON_FIELD_ERRORS, []).extend(moved)
        super()._update_errors(errors)  # type: ignore[misc]


class ScopedPage:
    """Part of a page or an inline: records, choosers and rights by the viewer's reach."""

    model: type[Model]
    form: Any = OneNetworkForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        records: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return record_access.narrow(viewer_of(request), records)

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:
        return record_access.choices_for(viewer_of(request), db_field)

    def formfield_for_foreignkey(
        self, db_field: Any, request: Any = None, **options: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            options["widget"] = PostedSelect(db_field, admin.site)
        return super().formfield_for_foreignkey(db_field, request, **options)  # type: ignore[misc]

    def formfield_for_manytomany(
        self, db_field: Any, request: Any = None, **options: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            options["widget"] = PostedSelectMultiple(db_field, admin.site)
        return super().formfield_for_manytomany(db_field, request, **options)  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, *parent: Any) -> bool:
        is_allowed = super().has_add_permission(request, *parent)  # type: ignore[misc]
        return is_allowed and record_access.may_add(viewer_of(request), self.model)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_allowed = super().has_change_permission(request, obj)  # type: ignore[misc]
        return is_allowed and record_access.may_change(viewer_of(request), self.model)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_allowed = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return is_allowed and record_access.may_change(viewer_of(request), self.model)


class ScopedFormSet(BaseInlineFormSet):
    """Rows of an inline; those of a closed year cannot be deleted."""

    def clean(self) -> None:
        super().clean()
        deleted = [form.instance for form in self.deleted_forms if form.instance.pk]
        if refusals := _closed_year_refusals(deleted):
            raise ValidationError(refusals)


class ScopedInline(ScopedPage, admin.TabularInline):
    """Inline that lists the related records in the viewer's reach."""

    formset: Any = ScopedFormSet


class ScopedAdmin(ScopedPage, admin.ModelAdmin):
    """Pages of one model, narrowed to the records in the viewer's reach."""

    def get_changelist(self, request: HttpRequest, **_options: Any) -> type[Any]:
        return SearchedChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        is_allowed = self.has_view_or_change_permission(request)
        redirect = answer_search(request) if is_allowed else None
        return redirect or super().changelist_view(request, extra_context)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [self._narrow_filter(name) for name in super().get_list_filter(request)]

    def _narrow_filter(self, name: Any) -> Any:
        field = get_fields_from_path(self.model, name)[-1]
        return (name, RelatedRecordFilter) if field.is_relation else name

    def lookup_allowed(
        self, lookup: str, value: Any, request: HttpRequest | None = None
    ) -> bool:
        """Allow the list filters only: `?name__contains=` would be a search in the URL."""
        return any(
            lookup == name or lookup.startswith(f"{name}__")
            for name in self.list_filter
            if isinstance(name, str)
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except OutOfReach:
            text = _("Nothing was saved: the record would be out of your reach.")
        except IntegrityError as error:
            if CLOSED_YEAR not in str(error):
                raise
            # The year was closed after the form had been checked.
            text = _("Nothing was saved: the school year was closed meanwhile.")
        self.message_user(request, text, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if not record_access.are_visible(viewer_of(request), [form.instance]):
            raise OutOfReach

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Collect what a deletion takes along; name nothing that the viewer may not see."""
        if self._touches_hidden_records(objs, request):
            return [], {}, set(), [_("records that you may not see")]
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return listed, counts, lacking, [*protected, *_closed_year_refusals(list(objs))]

    def _touches_hidden_records(self, objs: Any, request: HttpRequest) -> bool:
        collector = NestedObjects(using=router.db_for_write(self.model), origin=objs)
        collector.collect(objs)
        by_model: dict[type[Model], list[Model]] = defaultdict(list)
        for record in chain(collector.protected, *collector.model_objs.values()):
            by_model[type(record)].append(record)
        return any(
            not record_access.are_visible(viewer_of(request), records)
            for model, records in by_model.items()
            if model in record_access.RECORD_ACCESS
        )


class ReadOnlyAdmin(ScopedAdmin):
    """Pages that show records and change none."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *parent: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _closed_year_refusals(records: list[Any]) -> list[str]:
    """Return a sentence for each closed year that holds one of these records."""
    by_model: dict[type[YearRecord], list[Any]] = defaultdict(list)
    for record in records:
        if isinstance(record, YearRecord):
            by_model[type(record)].append(record.pk)
    years = {
        year for model, pks in by_model.items() for year in model.closed_years_of(pks)
    }
    text = _("The school year {year} is closed: nothing of it can be deleted.")
    return [text.format(year=year) for year in sorted(years, key=str)]


def unregister_unscoped(site: admin.AdminSite) -> None:
    """Take the pages of other packages, which show everything to everybody, off the site."""
    for model, page in list(site._registry.items()):
        if not isinstance(page, ScopedAdmin):
            site.unregister(model)
