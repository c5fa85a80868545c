"""Cell styles of a workbook: their numbers and the part that defines them."""

from typing import Final

MAX_DECIMALS = 15
"""Decimals at most: a spreadsheet's numbers have 15 digits."""

PLAIN: Final = 0
HEADER: Final = 1
TEXT: Final = 2
DATE: Final = 3
DATETIME: Final = 4
LABEL: Final = 5
HEADING: Final = 6
WRAPPED: Final = 7
COUNT: Final = 8
_FIRST_DECIMAL = 9
_FIRST_PERCENT = _FIRST_DECIMAL + MAX_DECIMALS + 1

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


def decimal_style(decimals: int) -> int:
    """Return the style of a number with exactly this many decimals."""
    return _FIRST_DECIMAL + decimals


def percent_style(decimals: int) -> int:
    """Return the style of a fraction shown in percent with exactly this many decimals."""
    return _FIRST_PERCENT + decimals


def build_styles_xml(language: str | None) -> str:
    """Build the part `xl/styles.xml` with the language's date format."""
    date_format = _DATES.get(language or "", "yyyy-mm-dd")
    numbers = [f"0.{'0' * n}" if n else "0" for n in range(MAX_DECIMALS + 1)]
    custom = [
        date_format,
        f"{date_format} hh:mm",
        *numbers,
        *(f"{number}%" for number in numbers),
    ]
    formats = [
        f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>'
        for n, code in enumerate(custom)
    ]
    top_alignment = '<alignment vertical="top"/>'
    # Indented, so that a text does not touch the number to its left.
    text_alignment = '<alignment horizontal="left" vertical="top" indent="1"/>'
    wrapped_alignment = text_alignment.replace("/>", ' wrapText="1"/>')
    cells = [
        _cell_format(),
        # Format 49 (text): a text stays a text when it is edited.
        _cell_format(number=49, font=1, fill=2, border=1, alignment=wrapped_alignment.replace("top", "center")),
        _cell_format(number=49, alignment=text_alignment),
        _cell_format(number=164, alignment='<alignment horizontal="center" vertical="top"/>'),
        _cell_format(number=165, alignment=text_alignment),
        _cell_format(number=49, font=2, alignment=wrapped_alignment),
        _cell_format(number=49, font=3),
        _cell_format(number=49, alignment=wrapped_alignment),
        _cell_format(number=1, alignment=text_alignment),
        *(_cell_format(number=166 + n, alignment=top_alignment) for n in range(2 * len(numbers))),
    ]  # fmt: skip
    return (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + _collection("numFmts", formats)
        + _collection("fonts", _FONTS)
        + _collection("fills", _FILLS)
        + _collection("borders", _BORDERS)
        + '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        + "</cellStyleXfs>"
        + _collection("cellXfs", cells)
        + '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
        + "</cellStyles></styleSheet>"
    )


def _cell_format(
    *,
    number: int = 0,
    font: int = 0,
    fill: int = 0,
    border: int = 0,
    alignment: str = "",
) -> str:
    attributes = (
        f'numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="{border}"'
    )
    apply_flags = "".join(
        f' {name}="1"'
        for name, value in {
            "applyNumberFormat": number, "applyFont": font, "applyFill": fill,
            "applyBorder": border, "applyAlignment": alignment,
        }.items()
        if value
    )  # fmt: skip
    return f'<xf {attributes} xfId="0"{apply_flags}>{alignment}</xf>'


def _collection(name: str, items: list[str] | tuple[str, ...]) -> str:
    return f'<{name} count="{len(items)}">{"".join(items)}</{name}>'
