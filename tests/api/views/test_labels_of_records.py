"""Labels and filters of schools, classes, school years and levels that a person chooses from."""

from datetime import date

import pytest

from school.models import Role, SchoolClass
from tests.support.school_factory import NetworkFactory, create_level, create_user

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 2, 9), date(2026, 12, 18)]


def labels(client, path, **query):
    return [one["label"] for one in client.get(path, query).json()["results"]]


@pytest.fixture
def factory(network):
    return NetworkFactory(name="Rede Norte")


@pytest.fixture
def client(as_user, factory):
    return as_user(create_user(Role.ADMINISTRATOR, network=[factory.network]))


@pytest.fixture
def levels():
    return [create_level("1º ano"), create_level("2º ano")]


def test_classes_of_one_name_in_two_schools_have_different_labels(
    factory, client, levels
):
    year = factory.create_year(2026, DAYS, terms=1)
    for name in ("EM Aparecida", "EM Rondon"):
        school = factory.create_school(name)
        factory.create_class(school, year, "1º ano A", levels[:1], [], DAYS)

    assert labels(client, "/classes") == [
        "1º ano A · EM Aparecida · 2026",
        "1º ano A · EM Rondon · 2026",
    ]


def test_schools_of_one_name_have_their_inep_code(factory, client, levels):
    year = factory.create_year(2026, DAYS, terms=1)
    for code in ("99000011", "99000012"):
        school = factory.create_school("EM Aparecida", inep_code=code)
        factory.create_class(school, year, "1º ano A", levels[:1], [], DAYS)

    assert labels(client, "/schools") == [
        "EM Aparecida (INEP 99000011)",
        "EM Aparecida (INEP 99000012)",
    ]
    assert labels(client, "/classes") == [
        "1º ano A · EM Aparecida (INEP 99000011) · 2026",
        "1º ano A · EM Aparecida (INEP 99000012) · 2026",
    ]


def test_classes_of_one_name_in_a_school_have_levels_and_shift(factory, client, levels):
    year, school = (
        factory.create_year(2026, DAYS, terms=1),
        factory.create_school("EM Rondon"),
    )
    for level in levels:
        factory.create_class(school, year, "A", [level], [], DAYS)
    evening = factory.create_class(school, year, "A", [], [], DAYS).school_class
    SchoolClass.objects.filter(pk=evening.pk).update(shift="evening")
    evening.grade_levels.add(levels[0])
    factory.create_class(school, year, "B", levels, [], DAYS)

    assert labels(client, "/classes") == [
        "A (1º ano, Manhã) · EM Rondon · 2026",
        "A (2º ano, Manhã) · EM Rondon · 2026",
        "A (1º ano, Noite) · EM Rondon · 2026",
        "B · EM Rondon · 2026",
    ]


@pytest.mark.guarantee("A label reveals no record that its viewer may not see.")
def test_invisible_namesake_does_not_change_labels(as_user, factory, levels):
    year = factory.create_year(2026, DAYS, terms=1)
    schools = [factory.create_school("EM Aparecida") for _n in range(2)]
    classes = [
        factory.create_class(school, year, "A", [level], [], DAYS).school_class
        for school in schools
        for level in levels
    ]
    client = as_user(create_user(Role.TEACHER, school_class=classes[:1]))

    assert labels(client, "/classes") == ["A · EM Aparecida · 2026"]
    assert labels(client, "/schools") == ["EM Aparecida"]
    assert labels(client, "/grade-levels") == ["1º ano"]


def test_school_years_have_period_and_network(as_user, factory, levels):
    networks = [factory, NetworkFactory(name="Rede Sul")]
    for one in networks:
        for period in ("", "1"):
            year = one.create_year(2026, DAYS, terms=1, period=period)
            school = one.create_school(f"EM {one.network} {period}")
            one.create_class(school, year, "A", levels[:1], [], DAYS)
    admin = create_user(Role.ADMINISTRATOR, network=[one.network for one in networks])
    one_network = create_user(Role.ADMINISTRATOR, network=[factory.network])

    assert labels(as_user(admin), "/school-years") == [
        "2026 · Rede Norte",
        "2026 · Rede Sul",
        "2026.1 · Rede Norte",
        "2026.1 · Rede Sul",
    ]
    assert labels(as_user(one_network), "/school-years") == ["2026", "2026.1"]


def test_school_years_and_levels_without_visible_class_are_left_out(
    factory, client, levels
):
    years = [factory.create_year(year, [date(year, 2, 1), date(year, 12, 1)], terms=1) for year in (2024, 2025)]  # fmt: skip
    factory.create_class(factory.create_school("EM"), years[0], "A", levels[1:], [], [])

    assert labels(client, "/school-years") == ["2024"]
    assert labels(client, "/grade-levels") == ["2º ano"]


@pytest.mark.parametrize("path", ["/school-years", "/grade-levels"])
def test_pages_of_years_and_levels_are_complete_and_in_order(
    as_user, factory, path, levels
):
    school = factory.create_school("EM")
    more = [*levels, *(create_level(f"{n}º ano") for n in range(3, 6))]
    for number, level in enumerate(more):
        days = [date(2020 + number, 2, 1), date(2020 + number, 12, 1)]
        year = factory.create_year(2020 + number, days, terms=1)
        factory.create_class(school, year, "A", [level], [], days)
    client = as_user(create_user(Role.ADMINISTRATOR, network=[factory.network]))

    whole = labels(client, path)
    pages, url = [], f"{path}?page_size=2"
    while url:
        page = client.get(url).json()
        pages.append([one["label"] for one in page["results"]])
        url = page["next"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == whole
    assert whole == sorted(whole, reverse=path == "/school-years")
    before_last = client.get(page["previous"]).json()["results"]
    assert [one["label"] for one in before_last] == pages[1]


def test_level_of_equal_name_has_its_code(factory, client):
    year, school = factory.create_year(2026, DAYS, terms=1), factory.create_school("EM")
    same = [create_level("1º ano") for _n in range(2)]
    factory.create_class(school, year, "A", same, [], DAYS)

    expected = [f"1º ano ({level.code})" for level in same]
    assert labels(client, "/grade-levels") == expected


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("1º ano b aparecida", 1),
        ("1º ano B · EM Prof. Aparecida · 2026", 1),
        ("apare 1", 2),
        ("1 ano", 4),
        ("rondon b", 1),
        ("2026", 4),
        ("2025", 0),
        ("parecida", 0),
        (" · ", 4),
    ],
)
def test_classes_are_searched_by_class_school_and_year(
    factory, client, levels, search, count
):
    year = factory.create_year(2026, DAYS, terms=1)
    for name in ("EM Prof. Aparecida", "EM Rondon"):
        school = factory.create_school(name)
        for letter in "AB":
            factory.create_class(school, year, f"1º ano {letter}", levels[:1], [], DAYS)

    assert len(labels(client, "/classes", search=search)) == count


def test_classes_are_filtered_by_grade_level(factory, client, levels):
    year, school = factory.create_year(2026, DAYS, terms=1), factory.create_school("EM")
    for name, of_class in (("A", levels[:1]), ("B", levels), ("C", levels[1:])):
        factory.create_class(school, year, name, of_class, [], DAYS)

    found = client.get("/classes", {"grade_level": levels[1].pk}).json()["results"]

    assert [one["name"] for one in found] == ["B", "C"]
    assert [one["name"] for one in found[0]["grade_levels"]] == ["1º ano", "2º ano"]


@pytest.mark.parametrize("id", [0, 10**12, 2**63 - 1, 2**63, 2**80])
@pytest.mark.parametrize(
    "path", ["schools", "classes", "school-years", "grade-levels", "students"]
)
def test_single_record_of_any_number_is_404(client, path, id):
    answer = client.get(f"/{path}/{id}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_texts_of_a_class_follow_the_language(factory, client, levels):
    year, school = factory.create_year(2026, DAYS, terms=1), factory.create_school("EM")
    pk = factory.create_class(school, year, "A", levels, [], DAYS).pk

    def texts(language):
        headers = {"Accept-Language": language}
        record = client.get(f"/classes/{pk}", headers=headers).json()
        return record["shift_label"], record["kind_label"]

    assert texts("pt-BR") == ("Manhã", "Regular")
    assert texts("en") == ("Morning", "Regular")
