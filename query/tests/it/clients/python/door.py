"""What the scripts of this folder share: the door they knock at, values that must come back, and running every step."""

import json
import os
import sys
import time
import traceback
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib.metadata import version

DATABASE = "tidemark"
# A column, its type, and what a parameter of that type is given.
VALUES = {
    "some_text": ("text", "it's\n\"上海\" \\ %"),
    "small": ("integer", -5),
    "large": ("bigint", 9_007_199_254_740_993),
    "amount": ("numeric", Decimal("-125000.000001")),
    "day": ("date", date(2026, 3, 5)),
    "instant": ("timestamptz", datetime(2026, 3, 5, 8, 20, 0, 123456, tzinfo=timezone.utc)),
    "yes": ("boolean", True),
    "nothing": ("text", None),
}
# Takes minutes anywhere, and no row count that is known beforehand answers it.
LONG = "SELECT sum(x % 7) FROM generate_series(1, 300000000000) AS s(x)"
CANCELED = "57014"
UNKNOWN_COLUMN = "42703"
UNKNOWN_TABLE = "42P01"
SYNTAX_ERROR = "42601"
WRONG_PASSWORD = {"28P01", "28000"}
WRITES = [
    "INSERT INTO deals (deal_id) VALUES ('D-x')",
    "UPDATE deals SET status = 'won'",
    "DELETE FROM deals",
    "CREATE TABLE scratch (a integer)",
    "CREATE VIEW scratch AS SELECT 1 AS a",
    "DROP TABLE deals",
]
# Read-only transaction, not allowed, not supported.
REFUSED = {"25006", "42501", "0A000"}
# Some of the columns of deals, and what information_schema calls their types.
COLUMNS = {"deal_id": "text", "amount": "numeric", "opened_at": "timestamp with time zone", "opened_on": "date", "cycle_ms": "bigint"}


class Door:
    """Where the door is, who knocks, and how many rows its tables have (where that is known)."""

    def __init__(self, host, port, user, password, counts="{}"):
        self.host, self.port, self.user, self.password = host, int(port), user, password
        self.counts = json.loads(counts)

    def check_count(self, table, found):
        assert found == self.counts.get(table, found) and found >= 0, f"{table} has {found} rows, expected {self.counts}"


def select_of(placeholder):
    """A SELECT that gives every parameter back; `placeholder` makes one from a position and a type."""
    casts = (f"{placeholder(at, kind)} AS {name}" for at, (name, (kind, _)) in enumerate(VALUES.items(), 1))
    return "SELECT " + ", ".join(casts)


def given():
    return [value for _, value in VALUES.values()]


def same(found, expected):
    assert list(found) == list(expected), f"{list(found)} is not {list(expected)}"


def fails(call, kind, *codes):
    """`call` must fail with this exception and, where there are any, with one of these SQLSTATEs; gives the exception."""
    try:
        call()
    except kind as error:
        state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
        assert not codes or state in codes, f"SQLSTATE {state} instead of {codes}: {error}"
        return error
    raise AssertionError(f"no {kind} came")


def soon(seconds, call):
    """`call` must be done within so many seconds."""
    started = time.monotonic()
    result = call()
    assert time.monotonic() - started < seconds, f"took {time.monotonic() - started:.1f} s"
    return result


def packaged(name):
    """A Python package as the table of clients names it."""
    return f"{name} {version(name)}"


def run(client, steps):
    """Runs every step with the door that the arguments name, also after one that failed; exit code 1 where any did."""
    print("client", client, flush=True)
    door = Door(*sys.argv[1:])
    only = os.environ.get("STEPS", "").split()
    failed = 0
    for step in steps:
        if only and step.__name__ not in only:
            continue
        try:
            step(door)
            print("ok", step.__name__, flush=True)
        except Exception as error:
            failed += 1
            print("failed", f"{step.__name__}:", " ".join(f"{type(error).__name__}: {error}".split()), flush=True)
            traceback.print_exc(limit=-4, chain=False)
    sys.exit(failed > 0)
