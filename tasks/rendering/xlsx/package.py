"""The ZIP that a workbook is: its parts, how they refer to each other, and no time of making."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZipFile

from tasks.rendering.xlsx.cells import escaped

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
SHEET = f"{_OPEN_XML}.spreadsheetml.worksheet+xml"
DRAWING = f"{_OPEN_XML}.drawing+xml"
CHART = f"{_OPEN_XML}.drawingml.chart+xml"


@dataclass
class Listed:
    """A sheet, as the workbook lists it."""

    name: str
    filtered: str = ""
    """The cells that have a filter, where some have; their first row is the header."""
    is_first: bool = False
    """Whether a spreadsheet opens with it."""


class Package:
    """The parts of one workbook, in an open file that it leaves open.

    To be used by `with`: a workbook that fails half-way must let go of the file.
    """

    def __init__(self, file: IO[bytes], title: str) -> None:
        # Level 6 would save a fifth of the bytes, and take half as long again.
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1)
        self._types: dict[str, str] = {}
        self.sheets: list[Listed] = []
        # First, for programs that tell what a file is by how it begins.
        root = [("officeDocument", "xl/workbook.xml")]
        self._add("_rels/.rels", _relations(root, core="docProps/core.xml"))
        core = f"<dc:title>{escaped(title)}</dc:title>"
        self.add(
            "docProps/core.xml",
            "application/vnd.openxmlformats-package.core-properties+xml",
            f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{core}</cp:coreProperties>',
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._zip.close()

    def add(self, name: str, content_type: str, xml: str) -> None:
        self._types[name] = content_type
        self._add(name, xml)

    @contextmanager
    def sheet(self, listed: Listed) -> Iterator[IO[bytes]]:
        """The next sheet's part, to be written before anything else is."""
        self.sheets.append(listed)
        name = f"xl/worksheets/sheet{len(self.sheets)}.xml"
        self._types[name] = SHEET
        # Under its bare name a part has the time that ZIP counts from, always the same.
        with self._zip.open(name, "w") as part:
            part.write(DECLARATION.encode())
            yield part

    def relate(self, name: str, related: Sequence[tuple[str, str]]) -> None:
        """Say what the part refers to: each a type and a target, as rId1, rId2, ..."""
        folder, _slash, file = name.rpartition("/")
        self._add(f"{folder}/_rels/{file}.rels", _relations(related))

    def finish(self, styles: str) -> None:
        self.add("xl/styles.xml", f"{_OPEN_XML}.spreadsheetml.styles+xml", styles)
        main = f"{_OPEN_XML}.spreadsheetml.sheet.main+xml"
        self.add("xl/workbook.xml", main, _workbook(self.sheets))
        sheets = [
            ("worksheet", f"worksheets/sheet{n}.xml")
            for n in range(1, len(self.sheets) + 1)
        ]
        self.relate("xl/workbook.xml", [*sheets, ("styles", "styles.xml")])
        overrides = "".join(
            f'<Override PartName="/{name}" ContentType="{content_type}"/>'
            for name, content_type in self._types.items()
        )
        relations = "application/vnd.openxmlformats-package.relationships+xml"
        self._add(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="{relations}"/>{overrides}</Types>',
        )

    def _add(self, name: str, xml: str) -> None:
        with self._zip.open(name, "w") as part:
            part.write((DECLARATION + xml).encode())


def reference(sheet: str, cells: str) -> str:
    """The cells as a formula of any sheet names them; to be escaped."""
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cells}"


def _relations(related: Sequence[tuple[str, str]], core: str = "") -> str:
    listed = [(f"{OFFICE}/{type_of}", target) for type_of, target in related]
    if core:
        listed.append((f"{_PACKAGE}/relationships/metadata/core-properties", core))
    each = "".join(
        f'<Relationship Id="rId{n}" Type="{type_of}" Target="{target}"/>'
        for n, (type_of, target) in enumerate(listed, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _workbook(sheets: Sequence[Listed]) -> str:
    listed, filters, areas, titles = "", "", "", ""
    for n, sheet in enumerate(sheets, 1):
        listed += f'<sheet name="{escaped(sheet.name)}" sheetId="{n}" r:id="rId{n}"/>'
        if sheet.filtered:
            cells = escaped(reference(sheet.name, sheet.filtered))
            filters += (
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{n - 1}" '
                f'hidden="1">{cells}</definedName>'
            )
            areas += (
                f'<definedName name="_xlnm.Print_Area" localSheetId="{n - 1}">'
                f"{cells}</definedName>"
            )
            header = escaped(reference(sheet.name, "$1:$1"))
            titles += (
                f'<definedName name="_xlnm.Print_Titles" localSheetId="{n - 1}">'
                f"{header}</definedName>"
            )
    names = f"<definedNames>{filters}{areas}{titles}</definedNames>" if filters else ""
    return (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{listed}</sheets>{names}</workbook>"
    )
