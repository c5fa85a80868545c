"""Script that reads a PNG or SVG from stdin and writes the crest as PNG to stdout.

It runs in its own process because a bad image may crash the typesetter library. The
typesetter runs no scripts, loads no URLs and reads files only below the working directory,
which is empty. Text is drawn with the fonts built into the typesetter.
"""

import json
import sys

import typst

MAX_MEMORY_BYTES = 512 * 1024 * 1024
PIXELS_PER_POINT = 72
"""Resolution at which one point of the page is one pixel."""
PAGE_TEMPLATE = b"""
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#let data = bytes(json(bytes(sys.inputs.crest)))
#let draw = image.with(data, format: sys.inputs.format)
#context {
  let (width, height) = measure(draw())
  let limit = int(sys.inputs.max_aspect_ratio)
  assert(calc.max(width, height) <= limit * calc.min(width, height), message: "too long")
  draw(height: int(sys.inputs.height) * 1pt)
}
"""


def main(image_format: str, height: str, max_aspect_ratio: str) -> None:
    """Draw the image with a height in pixels; exit with the reason if that fails."""
    _limit_memory()
    inputs = {
        "crest": json.dumps(list(sys.stdin.buffer.read())),
        "format": image_format,
        "height": height,
        "max_aspect_ratio": max_aspect_ratio,
    }
    fonts = typst.Fonts(include_system_fonts=False)
    compiler = typst.Compiler(PAGE_TEMPLATE, root=".", font_paths=fonts)
    try:
        png = compiler.compile(format="png", ppi=PIXELS_PER_POINT, sys_inputs=inputs)
    except typst.TypstError as error:
        sys.exit(error.message)
    if not isinstance(png, bytes):
        sys.exit("the typesetter returned no PNG")
    sys.stdout.buffer.write(png)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource  # not available on Windows

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    main(*sys.argv[1:])
