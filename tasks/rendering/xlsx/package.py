"""The ZIP package of a workbook: parts and relationships, without a creation time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZipFile

from tasks.rendering.xlsx.cells import escape_xml

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_NS = "http://schemas.openxmlformats.org/package/2006"
_CONTENT_TYPE_PREFIX = "application/vnd.openxmlformats-officedocument"
SHEET_CONTENT_TYPE = f"{_CONTENT_TYPE_PREFIX}.spreadsheetml.worksheet+xml"
DRAWING_CONTENT_TYPE = f"{_CONTENT_TYPE_PREFIX}.drawing+xml"
CHART_CONTENT_TYPE = f"{_CONTENT_TYPE_PREFIX}.drawingml.chart+xml"


@dataclass
class SheetInfo:
    """Entry of a sheet in the workbook's list."""

    name: str
    filter_range: str = ""
    """Cells with a filter, or blank; their first row is the header."""
    is_first: bool = False
    """True if the workbook opens on this sheet."""


class Package:
    """Writer of a workbook's parts into an open file, which it leaves open.

    Must be used as a context manager, so that a workbook that fails releases the file.
    """

    def __init__(self, file: IO[bytes], title: str) -> None:
        # Level 6 would save a fifth of the bytes and take 50 % longer.
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1)
        self._content_types: dict[str, str] = {}
        self.sheets: list[SheetInfo] = []
        # Written first, for programs that detect a file's type from its first bytes.
        root = [("officeDocument", "xl/workbook.xml")]
        self._write_part(
            "_rels/.rels", _relationships_xml(root, core_target="docProps/core.xml")
        )
        core = f"<dc:title>{escape_xml(title)}</dc:title>"
        self.add_part(
            "docProps/core.xml",
            "application/vnd.openxmlformats-package.core-properties+xml",
            f'<cp:coreProperties xmlns:cp="{_PACKAGE_NS}/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{core}</cp:coreProperties>',
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._zip.close()

    def add_part(self, name: str, content_type: str, xml: str) -> None:
        self._content_types[name] = content_type
        self._write_part(name, xml)

    @contextmanager
    def open_sheet(self, info: SheetInfo) -> Iterator[IO[bytes]]:
        """Open the part of the next sheet; no other part can be written meanwhile."""
        self.sheets.append(info)
        name = f"xl/worksheets/sheet{len(self.sheets)}.xml"
        self._content_types[name] = SHEET_CONTENT_TYPE
        # Opened by name, an entry has the ZIP epoch as its time, which never changes.
        with self._zip.open(name, "w") as part:
            part.write(XML_DECLARATION.encode())
            yield part

    def add_relationships(
        self, name: str, relationships: Sequence[tuple[str, str]]
    ) -> None:
        """Write the part's relationships (pairs of type and target) as rId1, rId2, ..."""
        folder, _slash, file = name.rpartition("/")
        self._write_part(
            f"{folder}/_rels/{file}.rels", _relationships_xml(relationships)
        )

    def finish(self, styles: str) -> None:
        self.add_part(
            "xl/styles.xml", f"{_CONTENT_TYPE_PREFIX}.spreadsheetml.styles+xml", styles
        )
        main = f"{_CONTENT_TYPE_PREFIX}.spreadsheetml.sheet.main+xml"
        self.add_part("xl/workbook.xml", main, _workbook_xml(self.sheets))
        sheets = [
            ("worksheet", f"worksheets/sheet{n}.xml")
            for n in range(1, len(self.sheets) + 1)
        ]
        self.add_relationships("xl/workbook.xml", [*sheets, ("styles", "styles.xml")])
        overrides = "".join(
            f'<Override PartName="/{name}" ContentType="{content_type}"/>'
            for name, content_type in self._content_types.items()
        )
        relationships_type = "application/vnd.openxmlformats-package.relationships+xml"
        self._write_part(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE_NS}/content-types">'
            f'<Default Extension="rels" ContentType="{relationships_type}"/>{overrides}</Types>',
        )

    def _write_part(self, name: str, xml: str) -> None:
        with self._zip.open(name, "w") as part:
            part.write((XML_DECLARATION + xml).encode())


def quote_reference(sheet: str, cells: str) -> str:
    """Return a reference to cells of a sheet for use in formulas; not yet XML-escaped."""
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cells}"


def _relationships_xml(
    relationships: Sequence[tuple[str, str]], core_target: str = ""
) -> str:
    targets = [
        (f"{RELATIONSHIPS_NS}/{type_of}", target) for type_of, target in relationships
    ]
    if core_target:
        targets.append(
            (f"{_PACKAGE_NS}/relationships/metadata/core-properties", core_target)
        )
    elements = "".join(
        f'<Relationship Id="rId{n}" Type="{type_of}" Target="{target}"/>'
        for n, (type_of, target) in enumerate(targets, 1)
    )
    return (
        f'<Relationships xmlns="{_PACKAGE_NS}/relationships">{elements}</Relationships>'
    )


def _workbook_xml(sheets: Sequence[SheetInfo]) -> str:
    sheets_xml, filters, print_areas, print_titles = "", "", "", ""
    for n, sheet in enumerate(sheets, 1):
        sheets_xml += (
            f'<sheet name="{escape_xml(sheet.name)}" sheetId="{n}" r:id="rId{n}"/>'
        )
        if sheet.filter_range:
            cells = escape_xml(quote_reference(sheet.name, sheet.filter_range))
            filters += (
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{n - 1}" '
                f'hidden="1">{cells}</definedName>'
            )
            print_areas += (
                f'<definedName name="_xlnm.Print_Area" localSheetId="{n - 1}">'
                f"{cells}</definedName>"
            )
            header = escape_xml(quote_reference(sheet.name, "$1:$1"))
            print_titles += (
                f'<definedName name="_xlnm.Print_Titles" localSheetId="{n - 1}">'
                f"{header}</definedName>"
            )
    defined_names = (
        f"<definedNames>{filters}{print_areas}{print_titles}</definedNames>"
        if filters
        else ""
    )
    return (
        f'<workbook xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS_NS}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{sheets_xml}</sheets>{defined_names}</workbook>"
    )
