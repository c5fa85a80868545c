"""Outage of the database: logged once when it begins, with its reason, and once when it ends.

One state for each process. The connections report to it, so that it does not matter which
part of the service needs the database, and what that part makes of the error.
"""

import os

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from school.db.diagnosis import describe_address, diagnose
from school.db.faults import find_faults
from school.outage_log import OutageLog

DATABASE_ERRORS = (OperationalError, InterfaceError)

outage = OutageLog(
    "database",
    explain=diagnose,
    diagnose=lambda: next(iter(find_faults(with_tables=True)), None),
    facts=lambda: {
        "address": describe_address(connections.databases[DEFAULT_DB_ALIAS])
    },
)
# A forked process has its own outages, and no thread of its parent.
os.register_at_fork(after_in_child=outage.reset)
