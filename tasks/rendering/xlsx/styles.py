"""The styles of a workbook's cells: which there are, by number, and the part that describes them."""

from typing import Final

MOST_PLACES = 15
"""A spreadsheet's numbers have no more digits than that."""

PLAIN: Final = 0
HEADER: Final = 1
TEXT: Final = 2
DATE: Final = 3
MOMENT: Final = 4
LABEL: Final = 5
HEADING: Final = 6
WRAPPED: Final = 7
COUNT: Final = 8
_FIRST_DECIMAL = 9
_FIRST_PERCENT = _FIRST_DECIMAL + MOST_PLACES + 1

_DATES = {"pt-br": "dd/mm/yyyy"}
_FONTS = (
    '<font><sz val="11"/><name val="Calibri"/><family val="2"/></font>',
    '<font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="Calibri"/><family val="2"/></font>',
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font>',
    '<font><b/><sz val="14"/><color rgb="FF1F4E79"/><name val="Calibri"/><family val="2"/></font>',
)
_FILLS = (
    '<fill><patternFill patternType="none"/></fill>',
    '<fill><patternFill patternType="gray125"/></fill>',
    '<fill><patternFill patternType="solid"><fgColor rgb="FF1F4E79"/></patternFill></fill>',
)
_BORDERS = (
    "<border><left/><right/><top/><bottom/><diagonal/></border>",
    '<border><left/><right style="thin"><color rgb="FFFFFFFF"/></right><top/><bottom/>'
    "<diagonal/></border>",
)


def decimal(places: int) -> int:
    """The style of a number shown with so many places, no more and no fewer."""
    return _FIRST_DECIMAL + places


def percent(places: int) -> int:
    """The style of a share of one, shown in percent with so many places."""
    return _FIRST_PERCENT + places


def part(language: str | None) -> str:
    """The part `xl/styles.xml`, with dates as the language writes them."""
    day = _DATES.get(language or "", "yyyy-mm-dd")
    numbers = [f"0.{'0' * n}" if n else "0" for n in range(MOST_PLACES + 1)]
    custom = [day, f"{day} hh:mm", *numbers, *(f"{number}%" for number in numbers)]
    formats = [
        f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>'
        for n, code in enumerate(custom)
    ]
    top = '<alignment vertical="top"/>'
    # Indented, so that no text touches the number before it.
    text = '<alignment horizontal="left" vertical="top" indent="1"/>'
    wrapped = text.replace("/>", ' wrapText="1"/>')
    cells = [
        _cell(),
        # 49: what is text stays so when somebody edits it.
        _cell(number=49, font=1, fill=2, border=1, inside=wrapped.replace("top", "center")),
        _cell(number=49, inside=text),
        _cell(number=164, inside='<alignment horizontal="center" vertical="top"/>'),
        _cell(number=165, inside=text),
        _cell(number=49, font=2, inside=wrapped),
        _cell(number=49, font=3),
        _cell(number=49, inside=wrapped),
        _cell(number=1, inside=text),
        *(_cell(number=166 + n, inside=top) for n in range(2 * len(numbers))),
    ]  # fmt: skip
    return (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + _list("numFmts", formats)
        + _list("fonts", _FONTS)
        + _list("fills", _FILLS)
        + _list("borders", _BORDERS)
        + '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        + "</cellStyleXfs>"
        + _list("cellXfs", cells)
        + '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
        + "</cellStyles></styleSheet>"
    )


def _cell(
    *, number: int = 0, font: int = 0, fill: int = 0, border: int = 0, inside: str = ""
) -> str:
    said = f'numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="{border}"'
    applied = "".join(
        f' {name}="1"'
        for name, value in {
            "applyNumberFormat": number, "applyFont": font, "applyFill": fill,
            "applyBorder": border, "applyAlignment": inside,
        }.items()
        if value
    )  # fmt: skip
    return f'<xf {said} xfId="0"{applied}>{inside}</xf>'


def _list(name: str, items: list[str] | tuple[str, ...]) -> str:
    return f'<{name} count="{len(items)}">{"".join(items)}</{name}>'
