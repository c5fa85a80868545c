"""What an SVG may hold to be a crest: shapes, and nothing that runs, is fetched or multiplies."""

import re
from math import isfinite
from xml.parsers import expat

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
ALLOWED_ELEMENTS = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "metadata", "style", "use", "symbol"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("clipPath", "linearGradient", "radialGradient", "stop"),
    }
)
MAX_ASPECT_RATIO = 4
MAX_ELEMENTS, MAX_DEPTH, MAX_USES = 5000, 40, 60
_EXTERNAL_REFERENCE = re.compile(
    r"""url\(\s*["']?\s*(?!["'#\s])|@import""", re.IGNORECASE
)
_UNSAFE_CSS = re.compile(rf"[@\\]|{_EXTERNAL_REFERENCE.pattern}", re.IGNORECASE)
_LENGTH = re.compile(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*(?:px|pt|pc|mm|cm|in)?\s*")


def validate_svg(image: bytes) -> None:
    """Raise ValidationError if it is no SVG, or holds what a crest cannot."""
    validator = _SvgValidator(image)
    try:
        validator.parser.Parse(image, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ValidationError(
            _("It is neither a PNG nor an SVG: %(why)s") % {"why": error}
        ) from error
    validator.check_uses()
    check_aspect_ratio(*_parse_size(validator.root))


def check_aspect_ratio(width: float, height: float) -> None:
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise ValidationError(
            _("It is too long: four times as wide as high, or as high as wide, is the most.")
        )  # fmt: skip


class _SvgValidator:
    """Looks at the file as it is parsed; nothing of it is kept but what uses what."""

    def __init__(self, image: bytes) -> None:
        self.root: dict[str, str] = {}
        self._open_elements: list[tuple[str, str]] = []
        """The name and id of each element that is open."""
        self._element_count = 0
        self._uses: list[tuple[str, set[str]]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.buffer_size = len(image) or 1  # so that no word comes in two parts
        self.parser.StartElementHandler = self._start_element
        self.parser.EndElementHandler = self._end_element
        self.parser.CharacterDataHandler = self._character_data
        self.parser.StartDoctypeDeclHandler = self._start_doctype
        self.parser.ProcessingInstructionHandler = self._processing_instruction

    def check_uses(self) -> None:
        """What is shown again must show nothing again: ten levels of ten are too many."""
        target_ids = {target for target, _inside in self._uses}
        nested = any(ancestor_ids & target_ids for _target, ancestor_ids in self._uses)
        if nested or len(self._uses) > MAX_USES:
            _refuse(_("parts that show other parts again"))

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _separator, name = tag.rpartition(" ")
        if not self._open_elements:
            if tag != f"{SVG_NAMESPACE} svg":
                raise ValueError(f"<{name}>")
            self.root = attributes
        self._element_count += 1
        self._open_elements.append((name, attributes.get("id", "")))
        if self._element_count > MAX_ELEMENTS or len(self._open_elements) > MAX_DEPTH:
            _refuse(_("too many parts"))
        # What drawing programs note of their own, nobody draws.
        if namespace == SVG_NAMESPACE and name not in ALLOWED_ELEMENTS:
            _refuse(f"<{name}>")
        for key, value in attributes.items():
            self._check_attribute(name, key.rpartition(" ")[2], value)

    def _check_attribute(self, element: str, key: str, value: str) -> None:
        if key.lower().startswith("on"):
            _refuse(_("a script"))
        if key == "href":
            if not value.startswith("#"):
                _refuse(_("something from elsewhere"))
            if element == "use":
                self._uses.append(
                    (value[1:], {id for _name, id in self._open_elements if id})
                )
        # A backslash could spell what is looked for here.
        if _EXTERNAL_REFERENCE.search(value) or key == "style" and "\\" in value:
            _refuse(_("something from elsewhere"))

    def _character_data(self, text: str) -> None:
        if self._open_elements[-1][0] == "style" and _UNSAFE_CSS.search(text):
            _refuse(_("something from elsewhere"))

    def _end_element(self, _tag: str) -> None:
        self._open_elements.pop()

    @staticmethod
    def _start_doctype(
        _name: str, _system: object, _public: object, has_internal_subset: bool
    ) -> None:
        if has_internal_subset:
            _refuse(_("entities"))

    @staticmethod
    def _processing_instruction(_target: str, _data: str) -> None:
        _refuse(_("something from elsewhere"))


def _refuse(content: str) -> None:
    raise ValidationError(
        _("It holds what a crest on paper cannot: %(what)s. Export it as a plain SVG, or as PNG.")
        % {"what": content}
    )  # fmt: skip


def _parse_size(root: dict[str, str]) -> tuple[float, float]:
    """Width and height, in whatever unit; only how they compare is of use."""
    view_box = root.get("viewBox", "").replace(",", " ").split()
    # A share of the page is no size.
    matches = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    lengths = [match[1] for match in matches if match]
    try:
        width, height = map(float, lengths if len(lengths) == 2 else view_box[2:4])
    except ValueError:
        width = height = 0
    if not (isfinite(width) and isfinite(height) and width > 0 and height > 0):
        raise ValidationError(_("It does not say how large it is: it needs a viewBox."))
    return width, height
