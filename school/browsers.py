"""What pages of other origins may send and read here, and what our own pages may load."""

from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF

ALLOWED_HEADERS = [
    *default_headers, "idempotency-key",
    "range", "if-range", "if-match", "if-none-match",
]  # fmt: skip
EXPOSED_HEADERS = [
    "Location", "Retry-After", "Idempotency-Replayed", "X-Request-ID",
    "Content-Disposition", "ETag", "Accept-Ranges", "Content-Range",
]  # fmt: skip
PAGE_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, "'unsafe-inline'"],  # Swagger UI and ReDoc style inline
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
