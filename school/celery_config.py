"""Configuration of the Celery app: the Django settings that begin with `CELERY_`.

The app loads this module when it first needs its configuration, since the settings import
the package. Given all Django settings, `celery report` prints them with the password of
Redis; it masks the URLs under Celery's own names only.
"""

from django.conf import settings as _settings

_PREFIX = "CELERY_"

globals().update(
    {
        name.removeprefix(_PREFIX).lower(): getattr(_settings, name)
        for name in dir(_settings)
        if name.startswith(_PREFIX)
    }
)
