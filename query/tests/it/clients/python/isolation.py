"""Tries to read another tenant's rows through the doors of PostgreSQL and Flight: by name, by cursor, by ticket, by error message.

Arguments: host, port of PostgreSQL, port of Flight, the tenant, its key, the other tenant's key. What only the other one's rows have, no answer may hold."""

import sys

import psycopg
import pyarrow
import pyarrow.flight as flight
from door import DATABASE, run

HOST, POSTGRES, FLIGHT, TENANT, KEY, OTHERS_KEY = sys.argv[1:7]
OTHER = "other"
FOREIGN = ["SECRET", "NEXT", "7777", "8888"]
QUESTIONS = [
    "SELECT * FROM deals",
    "SELECT * FROM tidemark.public.deals WHERE true OR product = 'SECRET'",
    "WITH deals AS (SELECT * FROM deals) SELECT * FROM deals",
    "SELECT * FROM deals UNION ALL SELECT * FROM deals",
    "SELECT product FROM deals EXCEPT SELECT product FROM deals WHERE product <> 'SECRET'",
    "SELECT (SELECT max(product) FROM deals), (SELECT max(purpose) FROM visits)",
    "SELECT string_agg(product, ',') FROM deals",
    "SELECT * FROM deals d WHERE EXISTS (SELECT 1 FROM visits v WHERE v.purpose = 'SECRET')",
    "SELECT * FROM kpi_monthly WHERE kpi = 'deals_won' AND level = 'rep'",
    "SELECT * FROM attainment",
    "SELECT * FROM alerts",
    "SELECT * FROM open_pipeline(DATE '2026-03-31')",
    "SELECT * FROM overdue(DATE '2026-03-31')",
    "SELECT * FROM explain_kpi('deals_won', NULL, NULL)",
    "SELECT * FROM explain_kpi('deals_won', NULL, NULL, 'product=SECRET')",
    "SELECT * FROM changes_between('deals_won', '0-0', '0-1')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_catalog.pg_roles",
    "SELECT * FROM pg_catalog.pg_user",
    "SELECT * FROM pg_catalog.pg_stat_activity",
    "SELECT * FROM pg_catalog.pg_database",
    "SELECT * FROM pg_settings",
    "SELECT current_setting('tidemark.tenant', true)",
    "EXPLAIN SELECT * FROM deals",
    "EXPLAIN ANALYZE VERBOSE SELECT * FROM deals",
    "SHOW ALL",
    # Errors that would show a value of the row that they are about.
    "SELECT CAST(product AS INT) FROM deals WHERE product = 'SECRET'",
    "SELECT CAST(product AS INT) FROM deals ORDER BY product = 'SECRET' DESC",
    "SELECT CAST(product AS DATE) FROM deals WHERE length(product) = 6",
    # Other ways in.
    "SET tidemark.tenant = 'other'",
    "SET SESSION AUTHORIZATION other",
    "SET ROLE other",
    "SET search_path = 'other'",
    "SELECT * FROM deals WHERE tenant = 'other'",
    "SELECT * FROM kpi_cells",
    "SELECT * FROM fact_versions",
    "SELECT * FROM other.deals",
    "COPY deals TO STDOUT",
    "COPY (SELECT * FROM deals) TO '/tmp/stolen'",
    "CREATE EXTERNAL TABLE stolen STORED AS CSV LOCATION '/etc/passwd'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "PREPARE theft AS SELECT * FROM deals",
    "EXECUTE theft",
]


def connect(user=TENANT, key=KEY):
    return psycopg.connect(host=HOST, port=POSTGRES, user=user, password=key, dbname=DATABASE, autocommit=True, connect_timeout=10)


def clean(what, shown):
    for foreign in FOREIGN:
        # The question itself may say the word.
        assert foreign not in shown.replace(what, ""), f"{what}: {foreign} in {shown}"


def said(execute, question):
    """Rows or error, as text."""
    try:
        return str(execute(question))
    except psycopg.Error as error:
        return str(error)


def premise(door):
    """Without any of it in reach, a test that finds nothing would say nothing."""
    with connect(OTHER, OTHERS_KEY) as connection:
        assert "SECRET" in str(connection.execute("SELECT * FROM deals").fetchall())


def simple_and_extended(door):
    with connect() as connection:
        def simple(question):
            result = connection.pgconn.exec_(question.encode())
            cells = [result.get_value(row, column) for row in range(result.ntuples) for column in range(result.nfields)]
            return cells, result.error_message

        def extended(question):
            return connection.execute(question, prepare=True, binary=True).fetchall()

        for question in QUESTIONS:
            for execute in [simple, extended]:
                clean(question, said(execute, question).replace("'SECRET'", ""))
        assert connection.execute("SELECT count(*) FROM deals WHERE product IN ('SECRET', 'NEXT')").fetchone() == (0,)


def cursors(door):
    """A cursor and a prepared statement are of their connection alone, under whatever name."""
    with connect(OTHER, OTHERS_KEY) as theirs, connect() as ours:
        theirs.execute("BEGIN")
        theirs.execute("DECLARE shared CURSOR FOR SELECT * FROM deals")
        theirs.pgconn.prepare(b"shared", b"SELECT * FROM deals")
        ours.execute("BEGIN")
        clean("FETCH", said(lambda sql: ours.execute(sql).fetchall(), "FETCH ALL FROM shared"))
        ours.execute("ROLLBACK")
        assert ours.pgconn.exec_prepared(b"shared", []).error_message
        assert "SECRET" in str(theirs.execute("FETCH ALL FROM shared").fetchall())


def keys_of_others(door):
    for user, key in [(OTHER, KEY), (TENANT, OTHERS_KEY), ("", KEY), ("%", KEY), (f"{TENANT}' OR '1'='1", KEY)]:
        try:
            connect(user, key).close()
        except psycopg.OperationalError as error:
            clean(user, str(error))
            assert "authentication" in str(error) or "password" in str(error), error
        else:
            raise AssertionError(f"{user!r} came in with another's key")


def flight_tickets(door):
    """What another one was given to fetch, fetched with our key, is ours or nothing."""
    client = flight.connect(f"grpc://{HOST}:{FLIGHT}")
    options = {key: flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {key}".encode())]) for key in [KEY, OTHERS_KEY]}
    # CommandStatementQuery in its Any, as Flight SQL's messages are written.
    query = b"SELECT * FROM deals"
    name = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    inner = b"\x0a" + bytes([len(query)]) + query
    command = b"\x0a" + bytes([len(name)]) + name + b"\x12" + bytes([len(inner)]) + inner
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), options[OTHERS_KEY])
    ticket = info.endpoints[0].ticket
    theirs = str(client.do_get(ticket, options[OTHERS_KEY]).read_all().to_pydict())
    assert "SECRET" in theirs
    clean("ticket", str(client.do_get(ticket, options[KEY]).read_all().to_pydict()))
    try:
        client.do_get(ticket).read_all()
    except pyarrow.ArrowException as error:
        clean("ticket", str(error))
    else:
        raise AssertionError("fetched without a key")


def prepared_at_flight(door):
    """A handle that another one's connection was given."""
    client = flight.connect(f"grpc://{HOST}:{FLIGHT}")
    options = {key: flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {key}".encode())]) for key in [KEY, OTHERS_KEY]}
    query, name = b"SELECT * FROM deals", b"type.googleapis.com/arrow.flight.protocol.sql.ActionCreatePreparedStatementRequest"
    inner = b"\x0a" + bytes([len(query)]) + query
    body = b"\x0a" + bytes([len(name)]) + name + b"\x12" + bytes([len(inner)]) + inner
    [result] = client.do_action(flight.Action("CreatePreparedStatement", body), options[OTHERS_KEY])
    answer = result.body.to_pybytes()
    # The Any's value, whose first field is the handle.
    value = answer[answer.index(b"ActionCreatePreparedStatementResult") + len(b"ActionCreatePreparedStatementResult") :]
    start = value.index(b"\x0a") + 2
    handle = value[start : start + value[start - 1]]
    name = b"type.googleapis.com/arrow.flight.protocol.sql.CommandPreparedStatementQuery"
    inner = b"\x0a" + bytes([len(handle)]) + handle
    command = b"\x0a" + bytes([len(name)]) + name + b"\x12" + bytes([len(inner)]) + inner
    theirs = client.get_flight_info(flight.FlightDescriptor.for_command(command), options[OTHERS_KEY])
    assert "SECRET" in str(client.do_get(theirs.endpoints[0].ticket, options[OTHERS_KEY]).read_all().to_pydict())
    for attempt in [
        lambda: client.get_flight_info(flight.FlightDescriptor.for_command(command), options[KEY]),
        lambda: client.do_get(theirs.endpoints[0].ticket, options[KEY]).read_all().to_pydict(),
    ]:
        try:
            clean("handle", str(attempt()))
        except pyarrow.ArrowException as error:
            clean("handle", str(error))


STEPS = [premise, simple_and_extended, cursors, keys_of_others, flight_tickets, prepared_at_flight]
# `run` takes the door from the arguments; these have another order.
sys.argv[1:] = [HOST, POSTGRES, TENANT, KEY]
run("isolation", STEPS)
