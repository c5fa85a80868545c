"""Shift the Python clocks of a process by `CLOCK_SHIFT_SECONDS`, as if its host were off."""

import datetime
import os
import time

SHIFT = float(os.environ["CLOCK_SHIFT_SECONDS"])
_time, _datetime = time.time, datetime.datetime


class _AnyDatetime(type(_datetime)):
    def __instancecheck__(cls, instance):
        return isinstance(instance, _datetime)

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, _datetime)


class ShiftedDatetime(_datetime, metaclass=_AnyDatetime):
    """Returns the shifted time as plain `datetime` objects."""

    @classmethod
    def now(cls, tz=None):
        return _datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return _datetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)


time.time = lambda: _time() + SHIFT
datetime.datetime = ShiftedDatetime
