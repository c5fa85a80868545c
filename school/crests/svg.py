"""What an SVG may hold to be a crest: shapes, and nothing that runs, is fetched or multiplies."""

import re
from math import isfinite
from xml.parsers import expat

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SVG = "http://www.w3.org/2000/svg"
SHAPES = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "metadata", "style", "use", "symbol"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("clipPath", "linearGradient", "radialGradient", "stop"),
    }
)
MOST_TO_ONE = 4
MOST_ELEMENTS, MOST_DEEP, MOST_USES = 5000, 40, 60
_ELSEWHERE = re.compile(r"""url\(\s*["']?\s*(?!["'#\s])|@import""", re.IGNORECASE)
_HIDING = re.compile(rf"[@\\]|{_ELSEWHERE.pattern}", re.IGNORECASE)
_LENGTH = re.compile(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*(?:px|pt|pc|mm|cm|in)?\s*")


def check(image: bytes) -> None:
    """Raise ValidationError if it is no SVG, or holds what a crest cannot."""
    reader = _Reader(image)
    try:
        reader.parser.Parse(image, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ValidationError(
            _("It is neither a PNG nor an SVG: %(why)s") % {"why": error}
        ) from error
    reader.check_uses()
    check_shape(*_size(reader.root))


def check_shape(width: float, height: float) -> None:
    if max(width, height) > MOST_TO_ONE * min(width, height):
        raise ValidationError(
            _("It is too long: four times as wide as high, or as high as wide, is the most.")
        )  # fmt: skip


class _Reader:
    """Looks at the file as it is parsed; nothing of it is kept but what uses what."""

    def __init__(self, image: bytes) -> None:
        self.root: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        """The name and id of each element that is open."""
        self._count = 0
        self._uses: list[tuple[str, set[str]]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.buffer_size = len(image) or 1  # so that no word comes in two parts
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction

    def check_uses(self) -> None:
        """What is shown again must show nothing again: ten levels of ten are too many."""
        shown = {target for target, _inside in self._uses}
        nested = any(inside & shown for _target, inside in self._uses)
        if nested or len(self._uses) > MOST_USES:
            _refuse(_("parts that show other parts again"))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _space, name = tag.rpartition(" ")
        if not self._open:
            if tag != f"{SVG} svg":
                raise ValueError(f"<{name}>")
            self.root = attributes
        self._count += 1
        self._open.append((name, attributes.get("id", "")))
        if self._count > MOST_ELEMENTS or len(self._open) > MOST_DEEP:
            _refuse(_("too many parts"))
        # What drawing programs note of their own, nobody draws.
        if space == SVG and name not in SHAPES:
            _refuse(f"<{name}>")
        for key, value in attributes.items():
            self._attribute(name, key.rpartition(" ")[2], value)

    def _attribute(self, element: str, key: str, value: str) -> None:
        if key.lower().startswith("on"):
            _refuse(_("a script"))
        if key == "href":
            if not value.startswith("#"):
                _refuse(_("something from elsewhere"))
            if element == "use":
                self._uses.append((value[1:], {id for _name, id in self._open if id}))
        # A backslash could spell what is looked for here.
        if _ELSEWHERE.search(value) or key == "style" and "\\" in value:
            _refuse(_("something from elsewhere"))

    def _text(self, text: str) -> None:
        if self._open[-1][0] == "style" and _HIDING.search(text):
            _refuse(_("something from elsewhere"))

    def _end(self, _tag: str) -> None:
        self._open.pop()

    @staticmethod
    def _doctype(_name: str, _system: object, _public: object, has_own: bool) -> None:
        if has_own:
            _refuse(_("entities"))

    @staticmethod
    def _instruction(_target: str, _data: str) -> None:
        _refuse(_("something from elsewhere"))


def _refuse(what: str) -> None:
    raise ValidationError(
        _("It holds what a crest on paper cannot: %(what)s. Export it as a plain SVG, or as PNG.")
        % {"what": what}
    )  # fmt: skip


def _size(root: dict[str, str]) -> tuple[float, float]:
    """Width and height, in whatever unit; only how they compare is of use."""
    box = root.get("viewBox", "").replace(",", " ").split()
    # A share of the page is no size.
    given = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    texts = [match[1] for match in given if match]
    try:
        width, height = map(float, texts if len(texts) == 2 else box[2:4])
    except ValueError:
        width = height = 0
    if not (isfinite(width) and isfinite(height) and width > 0 and height > 0):
        raise ValidationError(_("It does not say how large it is: it needs a viewBox."))
    return width, height
