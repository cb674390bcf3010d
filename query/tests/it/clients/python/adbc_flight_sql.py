"""ADBC's Flight SQL driver against the Flight SQL door; PASSWORD is the API key. TLS_ROOT names a certificate to trust, if TLS it is."""

import os
import threading
from datetime import date, datetime, timezone
from pathlib import Path

import adbc_driver_manager
import pyarrow
from adbc_driver_flightsql import DatabaseOptions, dbapi
from door import LONG, WRITES, fails, packaged, run, same, soon

Error = adbc_driver_manager.Error


def connect(door, key=None):
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {key or door.password}"}
    tls = os.environ.get("TLS_ROOT")
    if tls:
        options[DatabaseOptions.TLS_ROOT_CERTS.value] = Path(tls).read_text()
    return dbapi.connect(f"grpc{'+tls' if tls else ''}://{door.host}:{door.port}", db_kwargs=options, autocommit=True)


def rows(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def log_in(door):
    with connect(door) as connection:
        same(rows(connection, "SELECT 1 AS one"), [(1,)])
        about = connection.adbc_get_info()
        assert about["vendor_name"], about


def wrong_key(door):
    def ask():
        with connect(door, key="not-the-key") as connection:
            rows(connection, "SELECT 1")

    error = fails(ask, Error)
    refused = (adbc_driver_manager.AdbcStatusCode.UNAUTHENTICATED, adbc_driver_manager.AdbcStatusCode.UNAUTHORIZED)
    assert error.status_code in refused, f"{error.status_code}: {error}"


def count(door):
    with connect(door) as connection:
        door.check_count("deals", rows(connection, "SELECT count(*) FROM deals")[0][0])


def arrow(door):
    """An answer as Arrow, at once and batch by batch."""
    with connect(door) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT deal_id, status FROM deals ORDER BY deal_id")
        table = cursor.fetch_arrow_table()
        same(table.schema.names, ["deal_id", "status"])
        door.check_count("deals", table.num_rows)
        cursor.execute("SELECT deal_id, status FROM deals")
        door.check_count("deals", sum(batch.num_rows for batch in cursor.fetch_record_batch()))


def catalog(door):
    with connect(door) as connection:
        assert connection.adbc_get_table_types(), "no table types"
        for depth in ["catalogs", "db_schemas", "tables", "all"]:
            found = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
            assert found, f"no catalogs at depth {depth}"
        tables = [table for item in found for schema in item["catalog_db_schemas"] for table in schema["db_schema_tables"]]
        deals = next(table for table in tables if table["table_name"] == "deals")
        assert {"deal_id", "status", "amount"} <= {column["column_name"] for column in deals["table_columns"]}, deals
        filtered = connection.adbc_get_objects(depth="tables", table_name_filter="dea%").read_all().to_pylist()
        names = [table["table_name"] for item in filtered for schema in item["catalog_db_schemas"] for table in schema["db_schema_tables"]]
        assert "deals" in names and all(name.startswith("dea") for name in names), names


def table_schema(door):
    with connect(door) as connection:
        schema = connection.adbc_get_table_schema("deals")
        assert str(schema.field("deal_id").type) in ("string", "large_string", "string_view"), schema
        assert {"status", "amount", "opened_at"} <= set(schema.names), schema
        fails(lambda: connection.adbc_get_table_schema("no_such_table"), Error)


def prepared(door):
    sql = "SELECT count(*) FROM deals WHERE status = $1"
    with connect(door) as connection, connection.cursor() as cursor:
        cursor.adbc_prepare(sql)
        by_status = []
        for status in ["won", "lost", "open", "no such status"]:
            cursor.execute(sql, (status,))
            by_status.append(cursor.fetchone()[0])
        assert by_status[-1] == 0, by_status
        door.check_count("deals", sum(by_status))


def parameters(door):
    values = [
        ("text", "it's\n\"上海\""),
        ("bigint", 9_007_199_254_740_993),
        ("double precision", 0.5),
        ("date", date(2026, 3, 5)),
        ("timestamptz", datetime(2026, 3, 5, 8, 20, 0, 123456, tzinfo=timezone.utc)),
        ("boolean", True),
        ("text", None),
    ]
    with connect(door) as connection:
        for kind, value in values:
            same(rows(connection, f"SELECT CAST($1 AS {kind}) AS value", (value,)), [(value,)])


def errors(door):
    with connect(door) as connection:
        for sql, about in [("SELECT no_such_column FROM deals", "no_such_column"), ("SELECT * FROM no_such_table", "no_such_table"), ("SELEKT 1", "SELEKT")]:
            error = fails(lambda sql=sql: rows(connection, sql), Error)
            assert about in str(error), error
            assert error.status_code not in (adbc_driver_manager.AdbcStatusCode.INTERNAL, adbc_driver_manager.AdbcStatusCode.UNKNOWN), error.status_code
        same(rows(connection, "SELECT 1"), [(1,)])


def writes(door):
    with connect(door) as connection:
        for sql in WRITES:
            fails(lambda sql=sql: rows(connection, sql), Error)
        ingested = pyarrow.table({"a": [1, 2]})
        with connection.cursor() as cursor:
            fails(lambda: cursor.adbc_ingest("scratch", ingested), Error)
        count(door)


def cancel(door):
    with connect(door) as connection:
        with connection.cursor() as cursor:
            timer = threading.Timer(0.5, cursor.adbc_cancel)
            timer.start()
            error = soon(10, lambda: fails(lambda: (cursor.execute(LONG), cursor.fetchall()), Error))
            assert error.status_code == adbc_driver_manager.AdbcStatusCode.CANCELLED, error
            timer.join()
        same(rows(connection, "SELECT 1"), [(1,)])


run(packaged("adbc-driver-flightsql"), [log_in, wrong_key, count, arrow, catalog, table_schema, prepared, parameters, errors, writes, cancel])
