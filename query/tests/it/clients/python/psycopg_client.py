"""psycopg 3 against the Postgres door: simple and extended protocol, text and binary formats."""

import threading
import time

from datetime import datetime, timezone

import psycopg
from door import CANCELED, COLUMNS, DATABASE, LONG, REFUSED, SYNTAX_ERROR, UNKNOWN_COLUMN, UNKNOWN_TABLE, VALUES, WRITES, WRONG_PASSWORD
from door import fails, given, packaged, run, same, select_of, soon
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row


def connect(door, **options):
    settings = {"autocommit": True, "connect_timeout": 10, **options}
    return psycopg.connect(host=door.host, port=door.port, user=door.user, password=door.password, dbname=DATABASE, **settings)


def log_in(door):
    with connect(door) as connection:
        assert connection.info.server_version >= 90000 and connection.info.encoding == "utf-8"
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert "PostgreSQL" in connection.execute("SELECT version()").fetchone()[0]
        assert connection.execute("SELECT current_user, current_database(), current_schema()").fetchone() == (door.user, DATABASE, "public")


def wrong_password(door):
    for password in ["not-the-key", ""]:
        door_with = {"host": door.host, "port": door.port, "user": door.user, "dbname": DATABASE, "connect_timeout": 10}
        error = fails(lambda: psycopg.connect(password=password, **door_with), psycopg.OperationalError)
        # libpq gives no SQLSTATE for a connection that failed, and refuses an empty password by itself.
        assert "password" in str(error) or "authentication" in str(error), error


def count(door):
    with connect(door) as connection:
        door.check_count("deals", connection.execute("SELECT count(*) FROM deals").fetchone()[0])
        door.check_count("deals", connection.execute("SELECT count(*) FROM public.deals", binary=True).fetchone()[0])


def parameters_simple(door):
    with connect(door, cursor_factory=psycopg.ClientCursor) as connection:
        row = connection.execute(select_of(lambda _, kind: f"%s::{kind}"), given()).fetchone()
        same(row, given())


def parameters_extended(door):
    with connect(door) as connection:
        for format_of_parameters in ["%s", "%t", "%b"]:
            for binary in [False, True]:
                sql = select_of(lambda _, kind: f"{format_of_parameters}::{kind}")
                same(connection.execute(sql, given(), binary=binary).fetchone(), given())


def parameters_by_context(door):
    """Without a cast the server finds the type of a text parameter by what it is compared with."""
    sql = "SELECT count(*) FROM deals WHERE status = %s AND amount > %s AND opened_on >= %s AND opened_at < %s AND cycle_ms IS DISTINCT FROM %s"
    with connect(door) as connection:
        for cursor in [connection.cursor(), connection.cursor(binary=True), psycopg.ClientCursor(connection)]:
            found = cursor.execute(sql, ["won", VALUES["amount"][1], VALUES["day"][1], VALUES["instant"][1], 7]).fetchone()
            assert found[0] >= 0
        limited = connection.execute("SELECT deal_id FROM deals ORDER BY deal_id LIMIT %s OFFSET %s", [2, 0]).fetchall()
        assert len(limited) <= 2
        any_of = connection.execute("SELECT count(*) FROM deals WHERE status = ANY(%s)", [["won", "lost", "open"]]).fetchone()
        door.check_count("deals", any_of[0])
        texts = ["won", 'a "quoted" one', "a, b", "back\\slash", "NULL", ""]
        values = "(VALUES ('a, b'), ('a'), ('back\\slash'), ('NULL'), (''), ('a \"quoted\" one')) AS v(x)"
        for form in ["%t", "%b"]:
            found = connection.execute(f"SELECT x FROM {values} WHERE x = ANY({form}) ORDER BY x", [texts])
            same([x for (x,) in found], ["", "NULL", 'a "quoted" one', "a, b", "back\\slash"])
        for binary in ["%s", "%b"]:
            several = f"SELECT count(*) FROM generate_series(1, 5) AS s(x) WHERE x = ANY({binary})"
            assert connection.execute(several, [[1, 2, 7]]).fetchone() == (2,)
        # A day that is compared with an instant begins at midnight.
        after = "SELECT count(*) FROM (SELECT date '2026-03-05' AS day) AS d WHERE day >= %s"
        for instant, count in [(datetime(2026, 3, 5), 1), (datetime(2026, 3, 5, 0, 0, 1), 0), (datetime(2026, 3, 5, 1, tzinfo=timezone.utc), 0)]:
            assert connection.execute(after, [instant]).fetchone() == (count,), instant


def types_of_columns(door):
    """The type OIDs of a result, which tools choose their display by."""
    oids = {"text": 25, "integer": 23, "bigint": 20, "numeric": 1700, "date": 1082, "timestamptz": 1184, "boolean": 16}
    with connect(door) as connection:
        described = connection.execute(select_of(lambda _, kind: f"NULL::{kind}")).description
        same([(column.name, column.type_code) for column in described], [(name, oids[kind]) for name, (kind, _) in VALUES.items()])
        described = connection.execute("SELECT deal_id, amount, opened_at, opened_on, cycle_ms FROM deals LIMIT 0").description
        same([column.type_code for column in described], [25, 1700, 1184, 1082, 20])


def prepared(door):
    with connect(door, prepare_threshold=1) as connection:
        for number in range(20):
            row = connection.execute("SELECT %s::bigint + 1, %s::text", [number, str(number)], prepare=True).fetchone()
            same(row, [number + 1, str(number)])
        names = connection.execute("SELECT count(*) FROM deals WHERE deal_id = %s", ["none"], prepare=True).fetchone()
        assert names == (0,)


def many_statements(door):
    """Several in one text (simple protocol), and a pipeline of extended ones with an error in its middle."""
    with connect(door) as connection:
        cursor = connection.execute("SELECT 1; SELECT 2, 'b'; SELECT 3")
        rows = [cursor.fetchone()]
        while cursor.nextset():
            rows.append(cursor.fetchone())
        same(rows, [(1,), (2, "b"), (3,)])
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::integer", [number]) for number in range(10)]
        same([cursor.fetchone()[0] for cursor in cursors], range(10))
        fails(lambda: pipeline_with_an_error(connection), psycopg.errors.UndefinedColumn)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def pipeline_with_an_error(connection):
    with connection.pipeline():
        for sql in ["SELECT 1", "SELECT no_such_column FROM deals", "SELECT 2"]:
            connection.execute(sql)


def cursor(door):
    """A server-side cursor: DECLARE, FETCH, CLOSE in a transaction; and rows one by one as they come."""
    with connect(door, autocommit=False) as connection:
        with connection.cursor(name="numbers", row_factory=dict_row) as named:
            named.itersize = 100
            named.execute("SELECT x FROM generate_series(1, 2000) AS s(x) WHERE x <= %s ORDER BY x", [1_000])
            same([row["x"] for row in named], range(1, 1_001))
        with connection.cursor(name="few", binary=True) as named:
            named.execute("SELECT x FROM generate_series(1, 1000000) AS s(x)")
            assert len(named.fetchmany(10)) == 10 and len(named.fetchmany(5)) == 5
        connection.commit()
        streamed = connection.cursor().stream("SELECT x FROM generate_series(1, 20000) AS s(x)")
        assert sum(x for (x,) in streamed) == 20_000 * 20_001 // 2
    # Rows come while others are still to be made: these would take for ever and more memory than there is.
    with connect(door) as connection:
        endless = connection.cursor(binary=True).stream("SELECT x FROM generate_series(1, 100000000000) AS s(x)")
        same([next(endless)[0] for _ in range(1_000)], range(1, 1_001))
        endless.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def what_analysts_write(door):
    """Statements whose answers PostgreSQL gives and that a planner of another dialect might give wrongly."""
    with connect(door) as connection:
        for sql, answer in [
            ("SELECT to_char(timestamp '2026-03-05 14:08:09', 'YYYY-MM-DD HH24:MI:SS')", "2026-03-05 14:08:09"),
            ("SELECT to_char(date '2026-03-05', 'Mon YY')", "Mar 26"),
            ("SELECT to_char(date '2026-05-05', 'YYYY-\"Q\"Q')", "2026-Q2"),
            ("SELECT extract(hour FROM to_timestamp('2026-03-05 14:08:09.5', 'YYYY-MM-DD HH24:MI:SS.US'))", 14),
            ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t", 15),
            ("SELECT date_trunc('month', date '2026-03-05')::date", VALUES["day"][1].replace(day=1)),
            ("SELECT count(*) FILTER (WHERE status IN ('won', 'open', 'lost')) - count(*) FROM deals", 0),
            ("SELECT max(d::date) FROM generate_series(date '2026-03-05', date '2026-03-31', '1 week') AS d", VALUES["day"][1].replace(day=26)),
            ("SELECT count(*) FROM (SELECT generate_series(date '2026-01-01', date '2026-12-01', '1 month')::date) AS months", 12),
            ("SELECT 7 / 2", 3),
            ("SELECT round(2.5), round(-2.5)", 3),
            ("SELECT 'a' || NULL", None),
            ("SELECT sum(n) FROM (SELECT d.deal_id, (SELECT count(*) FROM deals AS o WHERE o.deal_id = d.deal_id) AS n FROM deals AS d) AS t", connection.execute("SELECT count(*) FROM deals").fetchone()[0]),
            ("SELECT (SELECT max(o.deal_id) FROM deals AS o WHERE o.deal_id = d.deal_id) FROM deals AS d ORDER BY deal_id LIMIT 1", connection.execute("SELECT min(deal_id) FROM deals").fetchone()[0]),
            ("SELECT count(*) FROM deals WHERE deal_id = ANY (SELECT deal_id FROM deals LIMIT 2)", 2),
            ("SELECT (ARRAY_AGG(x))[1] FROM unnest('{\"a,b\",c}'::text[]) AS t(x)", "a,b"),
        ]:
            assert connection.execute(sql).fetchone()[0] == answer, sql
        named = connection.execute("SELECT count(*), sum(1), sum(2), 1, deal_id, deal_id::text, max(day) FROM deals, (SELECT date '2026-03-05' AS day) AS d GROUP BY deal_id")
        same([column.name for column in named.description], ["count", "sum", "sum", "?column?", "deal_id", "deal_id", "max"])
        inner = connection.execute("SELECT status, max(n) FROM (SELECT status, count(*), row_number() OVER (ORDER BY status) AS n FROM deals GROUP BY 1) AS t GROUP BY 1 ORDER BY max DESC")
        same([type(value) for value in inner.fetchone()], [str, int])
        for sql in [
            "SELECT status, count(*) FROM deals GROUP BY status ORDER BY count DESC, 1",
            "SELECT count FROM (SELECT status, count(*) FROM deals GROUP BY 1) AS t",
            "SELECT status, sum(amount), rank() OVER (ORDER BY sum(amount) DESC) FROM deals GROUP BY status ORDER BY 3",
            "SELECT DISTINCT upper(status) FROM deals ORDER BY upper(status) LIMIT 2",
            "SELECT position('-' IN deal_id), strpos(deal_id, '-'), round(2.5), round(2.5::float8) FROM deals",
        ]:
            assert connection.execute(sql).fetchone(), sql
        same(connection.execute("SELECT (SELECT max(deal_id) FROM deals WHERE deal_id < %s)", ["zz"]).fetchone(), connection.execute("SELECT max(deal_id) FROM deals").fetchone())
        fails(lambda: connection.execute("SELECT (SELECT x FROM generate_series(1, 3) AS t(x))"), psycopg.Error)
        fails(lambda: connection.execute("SELECT to_char(now(), 'J')"), psycopg.NotSupportedError)
        fails(lambda: connection.execute("SELECT * FROM deals TABLESAMPLE SYSTEM (10)"), psycopg.NotSupportedError)


def errors(door):
    with connect(door) as connection:
        fails(lambda: connection.execute("SELECT no_such_column FROM deals"), psycopg.errors.UndefinedColumn, UNKNOWN_COLUMN)
        fails(lambda: connection.execute("SELECT * FROM no_such_table"), psycopg.errors.UndefinedTable, UNKNOWN_TABLE)
        fails(lambda: connection.execute("SELEKT 1"), psycopg.errors.SyntaxError, SYNTAX_ERROR)
        fails(lambda: connection.execute("SELECT %s::integer", ["x"]), psycopg.DataError)
        fails(lambda: connection.execute("SELECT 1 / (x - 1) FROM generate_series(1, 2) AS s(x)"), psycopg.errors.DivisionByZero)
        assert connection.execute("SELECT %s::integer", [1]).fetchone() == (1,)


def writes(door):
    with connect(door) as connection:
        for sql in WRITES:
            fails(lambda sql=sql: connection.execute(sql), psycopg.Error, *REFUSED)
        fails(lambda: copy_into(connection), psycopg.Error)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        count(door)


def copy_into(connection):
    with connection.cursor().copy("COPY deals (deal_id) FROM STDIN") as copy:
        copy.write_row(["D-x"])


def transactions(door):
    with connect(door, autocommit=False) as connection:
        connection.read_only = True
        connection.execute("SELECT count(*) FROM deals")
        assert connection.info.transaction_status == TransactionStatus.INTRANS
        connection.commit()
        assert connection.info.transaction_status == TransactionStatus.IDLE
        fails(lambda: connection.execute("SELECT no_such_column FROM deals"), psycopg.errors.UndefinedColumn)
        assert connection.info.transaction_status == TransactionStatus.INERROR
        fails(lambda: connection.execute("SELECT 1"), psycopg.errors.InFailedSqlTransaction)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.commit()
    with connect(door) as connection:
        for sql in ["BEGIN READ ONLY", "SELECT 1", "COMMIT", "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY", "ROLLBACK"]:
            connection.execute(sql)


def settings(door):
    with connect(door, application_name="a tool", options="-c statement_timeout=12345") as connection:
        show = lambda name: connection.execute(f"SHOW {name}").fetchone()[0]
        assert show("statement_timeout") == "12345ms" and show("application_name") == "a tool"
        connection.execute("SET extra_float_digits = 3")
        assert show("extra_float_digits") == "3"
        connection.execute("SET TIME ZONE 'Asia/Shanghai'")
        assert show("timezone") == "Asia/Shanghai"
        instant = VALUES["instant"][1]
        assert connection.execute("SELECT %s::timestamptz", [instant]).fetchone()[0] == instant
        assert connection.execute("SELECT current_setting('timezone')").fetchone()[0] == "Asia/Shanghai"
        connection.execute("DISCARD ALL")


def catalog(door):
    columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
    comments = """SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = 'public.deals'::regclass AND a.attnum > 0 AND NOT a.attisdropped"""
    with connect(door) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'").fetchall()
        assert ("deals",) in tables, tables
        found = dict(connection.execute(columns, ["public", "deals"]).fetchall())
        same([found.get(name) for name in COLUMNS], COLUMNS.values())
        found = dict(connection.execute(comments).fetchall())
        assert found["deal_id"] and set(COLUMNS) <= set(found), found
        about = connection.execute("SELECT obj_description('deals'::regclass, 'pg_class')").fetchone()[0]
        assert about, "deals has no comment"


def cancel(door):
    with connect(door) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        soon(10, lambda: fails(lambda: connection.execute(LONG), psycopg.errors.QueryCanceled, CANCELED))
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def timeout(door):
    with connect(door) as connection:
        connection.execute("SET statement_timeout = 300")
        soon(10, lambda: fails(lambda: connection.execute(LONG), psycopg.errors.QueryCanceled, CANCELED))
        connection.execute("SET statement_timeout = '0.3s'")
        soon(10, lambda: fails(lambda: list(connection.cursor().stream(LONG)), psycopg.errors.QueryCanceled, CANCELED))
        connection.execute("RESET statement_timeout")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def timeout_while_streaming(door):
    """The timeout also ends an answer whose rows are already on their way."""
    with connect(door) as connection:
        connection.execute("SET statement_timeout = 1000")
        started = time.monotonic()
        rows = connection.cursor().stream("SELECT x, repeat('a', 1000) FROM generate_series(1, 300000000000) AS s(x)")
        fails(lambda: sum(1 for _ in rows), psycopg.errors.QueryCanceled, CANCELED)
        assert time.monotonic() - started < 20


def many_connections(door):
    connections = [connect(door) for _ in range(20)]
    for number, connection in enumerate(connections):
        assert connection.execute("SELECT %s::integer", [number]).fetchone() == (number,)
    for connection in connections:
        connection.close()


run(packaged("psycopg"), [
    log_in,
    wrong_password,
    count,
    parameters_simple,
    parameters_extended,
    parameters_by_context,
    types_of_columns,
    prepared,
    many_statements,
    cursor,
    what_analysts_write, errors,
    writes,
    transactions,
    settings,
    catalog,
    cancel,
    timeout,
    timeout_while_streaming,
    many_connections,
])
