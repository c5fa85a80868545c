import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_filters import FilterSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def built_filtersets(monkeypatch):
    """Names of the sets of filters for which a form was built."""
    names = []
    build_form = FilterSet.get_form_class

    def record(filterset):
        names.append(type(filterset).__name__)
        return build_form(filterset)

    monkeypatch.setattr(FilterSet, "get_form_class", record)
    return names


@pytest.mark.parametrize(
    ("path", "filters"),
    [
        ("/classes", "search=5º"),
        ("/classes", "school_id=1"),
        ("/classes", "search="),
        ("/schools", "search=a"),
        ("/tasks", "state=queued"),
    ],
)
def test_list_builds_a_form_for_filters_alone(
    as_user, teacher, built_filtersets, path, filters
):
    client = as_user(teacher)
    assert client.get(f"{path}?page_size=2").status_code == 200
    assert built_filtersets == []

    assert client.get(f"{path}?page_size=2&{filters}").status_code == 200
    assert len(built_filtersets) == 1


def test_blank_filter_of_text_leaves_the_list_whole(as_user, teacher):
    client = as_user(teacher)

    lists = [client.get(path).json() for path in ("/classes", "/classes?search=")]

    assert lists[0]["results"]
    assert lists[0] == lists[1]


def test_classes_without_filters_take_three_queries(as_user, teacher):
    client = as_user(teacher)

    with CaptureQueriesContext(connection) as queries:
        client.get("/classes")

    assert len(queries) == 3  # the user, the classes and their levels
