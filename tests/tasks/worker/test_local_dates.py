"""Papers of a school in Acre that are asked for half an hour before midnight there."""

import io
import zipfile
from datetime import datetime

import pytest
from django.utils import timezone
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from school.models import Network, School
from tasks import artifacts
from tasks.models import Task
from tasks.reporting import registry
from tasks.reports.class_performance import ClassPerformance
from tasks.worker.tasks import generate_report
from tests.support.task_factories import queue_task

pytestmark = pytest.mark.django_db
CREATED_AT = datetime.fromisoformat("2026-12-04T04:30:59.5Z")
FORMATS = sorted(registry.format_classes())


@pytest.fixture(autouse=True)
def acre(network):
    Network.objects.update(time_zone="America/Rio_Branco")


def run_task(viewer, **options):
    task = queue_task(viewer, **options)
    Task.objects.filter(pk=task.pk).update(created_at=CREATED_AT)
    generate_report(str(task.pk))
    task.refresh_from_db()
    assert task.state == "succeeded"
    return task


def read_file(task):
    return io.BytesIO(artifacts.read_artifact(task.artifact))


@pytest.mark.guarantee("Dates on papers are those of the school's time zone.")
@pytest.mark.parametrize("format", FORMATS)
def test_filename_has_the_local_date(teacher, format):
    task = run_task(teacher, kind="report_card", format=format)

    extension = registry.format_classes()[format].extension
    assert task.result["filename"].startswith("Boletim – ")
    assert task.result["filename"].endswith(f" – 2026-12-03.{extension}")


def test_pdf_has_the_local_time_and_names_the_zone(teacher):
    reader = PdfReader(read_file(run_task(teacher, format="pdf")))

    text = reader.pages[0].extract_text()
    assert "Emitido em 03/12/2026 às 23:30 (horário do Acre)" in text
    assert reader.metadata.creation_date == CREATED_AT.replace(second=0, microsecond=0)


def test_pdf_in_english_names_the_zone(teacher):
    task = run_task(teacher, format="pdf", language="en")

    text = PdfReader(read_file(task)).pages[0].extract_text()
    assert "Issued on 3 Dec 2026 at 23:30 (Acre time)" in text


def test_pdf_of_a_school_with_its_own_zone_has_that_zone(teacher):
    School.objects.filter(pk=1).update(time_zone="America/Noronha")

    task = run_task(teacher, format="pdf")

    text = PdfReader(read_file(task)).pages[0].extract_text()
    assert "04/12/2026 às 02:30 (horário de Fernando de Noronha)" in text
    assert task.result["filename"].endswith(" 2026-12-04.pdf")


def test_workbook_has_the_local_time_and_names_the_zone(teacher):
    file = read_file(run_task(teacher, format="xlsx"))

    facts = CalamineWorkbook.from_object(file).get_sheet_by_name("Sobre").to_python()
    values = dict(map(tuple, facts))
    assert values["Emitido em"] == datetime(2026, 12, 3, 23, 30)  # noqa: DTZ001
    assert values["Fuso horário"] == "horário do Acre"


def test_files_in_a_zip_have_the_local_time(teacher):
    file = read_file(run_task(teacher, kind="report_card", format="zip"))

    entries = zipfile.ZipFile(file).infolist()
    assert {entry.date_time for entry in entries} == {(2026, 12, 3, 23, 30, 0)}


def test_times_of_the_api_are_in_utc(as_user, teacher):
    document = as_user(teacher).get(f"/tasks/{run_task(teacher).pk}").json()

    assert document["created_at"].startswith("2026-12-04T04:30:59")
    times = [document[f"{name}_at"] for name in ("created", "started", "finished")]
    assert all(
        time.endswith("Z") for time in [*times, document["result"]["data_as_of"]]
    )


def test_report_is_built_in_the_zone_of_the_paper(teacher, monkeypatch):
    summary, zones = ClassPerformance.summary, []

    def note_zone(report):
        zones.append(timezone.get_current_timezone_name())
        return summary(report)

    monkeypatch.setattr(ClassPerformance, "summary", note_zone)
    run_task(teacher, format="pdf")

    assert set(zones) == {"America/Rio_Branco"}
    assert timezone.get_current_timezone_name() == "America/Manaus"
