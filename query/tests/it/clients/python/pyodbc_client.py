"""pyodbc with psqlODBC against the Postgres door. PSQLODBC names the driver's library (psqlodbcw.so), or the driver as installed."""

import os
import threading
from datetime import timezone

import pyodbc
from door import CANCELED, DATABASE, LONG, REFUSED, UNKNOWN_COLUMN, UNKNOWN_TABLE, VALUES, WRITES, WRONG_PASSWORD
from door import given, packaged, run, same, select_of, soon

DRIVER = os.environ.get("PSQLODBC", "{PostgreSQL Unicode}")
# How psqlODBC sends a statement: all in one text, server-side prepared, and fetched from a cursor in parts.
WAYS = [{"UseServerSidePrepare": 0}, {"UseServerSidePrepare": 1}, {"UseDeclareFetch": 1, "Fetch": 100}]


def connect(door, password=None, **options):
    login = {"UID": door.user, "PWD": password or door.password}
    return pyodbc.connect(driver=DRIVER, server=door.host, port=door.port, database=DATABASE, autocommit=True, timeout=10, **login, **options)


def fails(call, *codes):
    """`call` must fail with one of these SQLSTATEs; the driver puts the server's first."""
    try:
        call()
    except pyodbc.Error as error:
        assert not codes or error.args[0] in codes, f"SQLSTATE {error.args[0]} instead of {codes}: {error}"
        return
    raise AssertionError("no error came")


def log_in(door):
    connection = connect(door)
    assert connection.execute("SELECT 1").fetchval() == 1
    assert connection.getinfo(pyodbc.SQL_DBMS_NAME) == "PostgreSQL" and connection.getinfo(pyodbc.SQL_DATABASE_NAME) == DATABASE
    assert connection.getinfo(pyodbc.SQL_DBMS_VER) >= "09", connection.getinfo(pyodbc.SQL_DBMS_VER)


def wrong_password(door):
    # The driver's own state for a connection that failed.
    fails(lambda: connect(door, password="not-the-key"), *WRONG_PASSWORD, "08001")


def count(door):
    for way in WAYS:
        door.check_count("deals", connect(door, **way).execute("SELECT count(*) FROM deals").fetchval())


def parameters(door):
    for way in WAYS:
        connection = connect(door, **way)
        # ODBC has timestamps without a zone only: the instant goes as UTC and comes back in the session's zone.
        connection.execute("SET TIME ZONE 'UTC'")
        row = connection.execute(select_of(lambda _, kind: f"?::{kind}"), *map(without_zone, given())).fetchone()
        # A boolean is a text to ODBC, unless told otherwise.
        same([value == "1" if name == "yes" else value for name, value in zip(VALUES, row)], map(without_zone, given()))


def without_zone(value):
    return value.astimezone(timezone.utc).replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def parameters_by_context(door):
    sql = "SELECT count(*) FROM deals WHERE status = ? AND amount > ? AND opened_on >= ? AND opened_at < ? AND cycle_ms > ?"
    for way in WAYS:
        values = ["won", VALUES["amount"][1], VALUES["day"][1], without_zone(VALUES["instant"][1]), 7]
        assert connect(door, **way).execute(sql, *values).fetchval() >= 0


def prepared(door):
    cursor = connect(door, UseServerSidePrepare=1).cursor()
    for number in range(20):
        assert cursor.execute("SELECT ?::bigint + 1", number).fetchval() == number + 1


def cursor(door):
    for way in WAYS:
        rows = connect(door, **way).execute("SELECT x FROM generate_series(1, 1000) AS s(x) ORDER BY x")
        same([row.x for row in rows], range(1, 1_001))


def errors(door):
    for way in WAYS:
        connection = connect(door, **way)
        fails(lambda: connection.execute("SELECT no_such_column FROM deals"), UNKNOWN_COLUMN, "42S22")
        fails(lambda: connection.execute("SELECT * FROM no_such_table"), UNKNOWN_TABLE, "42S02")
        assert connection.execute("SELECT 1").fetchval() == 1


def writes(door):
    connection = connect(door)
    for sql in WRITES:
        fails(lambda sql=sql: connection.execute(sql), *REFUSED)
    assert connection.execute("SELECT 1").fetchval() == 1


def transactions(door):
    for way in WAYS:
        connection = connect(door, **way)
        connection.autocommit = False
        connection.execute("SELECT count(*) FROM deals").fetchall()
        connection.commit()
        fails(lambda: connection.execute("SELECT no_such_column FROM deals"))
        connection.rollback()
        assert connection.execute("SELECT 1").fetchval() == 1
        connection.commit()
    read_only = connect(door)
    for sql in ["BEGIN READ ONLY", "SELECT 1", "COMMIT"]:
        read_only.execute(sql)
    fails(lambda: connect(door, ReadOnly=1).execute("DELETE FROM deals"))


def catalog(door):
    """The catalog functions of ODBC: what Excel and Access fill their lists with."""
    cursor = connect(door).cursor()
    tables = {(row.table_schem, row.table_name): row for row in cursor.tables(schema="public").fetchall()}
    assert tables["public", "deals"].table_type in ("TABLE", "VIEW"), tables
    assert cursor.tables(table="deals", tableType="TABLE,VIEW").fetchone().table_name == "deals"
    columns = {row.column_name: row for row in cursor.columns(table="deals", schema="public").fetchall()}
    same([columns[name].type_name for name in ["deal_id", "amount", "opened_at", "opened_on"]], ["text", "numeric", "timestamptz", "date"])
    assert columns["amount"].column_size == 38 and columns["amount"].decimal_digits == 6, columns["amount"]
    for question in [cursor.primaryKeys, cursor.statistics, cursor.rowIdColumns]:
        question("deals", schema="public").fetchall()
    cursor.foreignKeys(table="deals", schema="public").fetchall()
    cursor.procedures(schema="public").fetchall()
    assert any(row.type_name == "text" for row in cursor.getTypeInfo().fetchall())


def types_of_columns(door):
    cursor = connect(door, BoolsAsChar=0).execute("SELECT deal_id, amount, opened_on, cycle_ms, true AS yes FROM deals LIMIT 0")
    same([column[1].__name__ for column in cursor.description], ["str", "Decimal", "date", "int", "bool"])
    numeric = next(column for column in cursor.description if column[0] == "amount")
    same(numeric[4:6], [38, 6])


def cancel(door):
    connection = connect(door)
    running = connection.cursor()
    timer = threading.Timer(0.5, running.cancel)
    timer.start()
    soon(10, lambda: fails(lambda: running.execute(LONG), CANCELED))
    timer.join()
    assert connection.execute("SELECT 1").fetchval() == 1


def timeout(door):
    connection = connect(door)
    connection.execute("SET statement_timeout = 300")
    soon(10, lambda: fails(lambda: connection.execute(LONG), CANCELED))
    connection.execute("SET statement_timeout = 0")
    assert connection.execute("SELECT 1").fetchval() == 1


run(f"psqlODBC by {packaged('pyodbc')}", [
    log_in,
    wrong_password,
    count,
    parameters,
    parameters_by_context,
    prepared,
    cursor,
    errors,
    writes,
    transactions,
    catalog,
    types_of_columns,
    cancel,
    timeout,
])
