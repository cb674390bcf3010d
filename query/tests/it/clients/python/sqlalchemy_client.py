"""SQLAlchemy with the psycopg driver against the Postgres door: its dialect's start-up, reflection, Core and a typed table."""

import threading

from door import CANCELED, DATABASE, LONG, REFUSED, UNKNOWN_COLUMN, VALUES, WRITES
from door import fails, given, packaged, run, same, select_of, soon
from sqlalchemy import MetaData, Table, URL, bindparam, create_engine, exc, func, inspect, select, text
from sqlalchemy.dialects import postgresql


def engine(door, **options):
    address = {"host": door.host, "port": door.port, "database": DATABASE}
    url = URL.create("postgresql+psycopg", username=door.user, password=options.pop("password", door.password), **address)
    return create_engine(url, **options)


def log_in(door):
    with engine(door).connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
        assert connection.dialect.server_version_info >= (9, 6), connection.dialect.server_version_info
        assert connection.dialect.default_schema_name == "public"


def wrong_password(door):
    fails(engine(door, password="not-the-key").connect, exc.OperationalError)


def count(door):
    with engine(door).connect() as connection:
        door.check_count("deals", connection.scalar(text("SELECT count(*) FROM deals")))


def parameters_extended(door):
    sql = text(select_of(lambda at, kind: f"CAST(:p{at} AS {kind})"))
    with engine(door).connect() as connection:
        row = connection.execute(sql, {f"p{at}": value for at, value in enumerate(given(), 1)}).one()
        same(row, given())


def prepared(door):
    with engine(door).connect() as connection:
        for number in range(20):
            assert connection.scalar(text("SELECT CAST(:n AS bigint) + 1"), {"n": number}) == number + 1


def reflection(door):
    inspector = inspect(engine(door))
    assert "public" in inspector.get_schema_names(), inspector.get_schema_names()
    everything = inspector.get_table_names() + inspector.get_view_names()
    assert "deals" in everything, everything
    assert inspector.has_table("deals") and not inspector.has_table("no_such_table")
    columns = {column["name"]: column for column in inspector.get_columns("deals")}
    kinds = {name: type(columns[name]["type"]) for name in ["deal_id", "amount", "opened_at", "opened_on", "cycle_ms"]}
    expected = [postgresql.TEXT, postgresql.NUMERIC, postgresql.TIMESTAMP, postgresql.DATE, postgresql.BIGINT]
    same(kinds.values(), expected)
    assert columns["opened_at"]["type"].timezone
    assert columns["deal_id"]["comment"], "deal_id has no comment"
    assert inspector.get_table_comment("deals")["text"], "deals has no comment"
    for question in [inspector.get_pk_constraint, inspector.get_foreign_keys, inspector.get_indexes, inspector.get_unique_constraints]:
        question("deals")
    inspector.get_check_constraints("deals")
    inspector.get_sequence_names()
    fails(lambda: inspector.get_columns("no_such_table"), exc.NoSuchTableError)


def reflect_everything(door):
    """All tables and views of the schema at once, as `MetaData.reflect` does for code generators and BI tools."""
    metadata = MetaData()
    metadata.reflect(engine(door), views=True)
    assert "deals" in metadata.tables, list(metadata.tables)
    assert {"deal_id", "amount", "status"} <= set(metadata.tables["deals"].columns.keys())


def core(door):
    """A SELECT built from a reflected table: bound values, LIMIT, IN, GROUP BY, date_trunc."""
    bound = engine(door)
    deals = Table("deals", MetaData(), autoload_with=bound)
    month = func.date_trunc("month", deals.c.opened_at).label("month")
    by_month = select(month, func.count(), func.sum(deals.c.amount)).group_by(month).order_by(month).limit(5)
    some = select(deals.c.deal_id).where(deals.c.status.in_(["won", "lost"]), deals.c.opened_on >= VALUES["day"][1]).limit(3).offset(1)
    named = select(func.count()).select_from(deals).where(deals.c.rep_id == bindparam("rep"))
    with bound.connect() as connection:
        for month, number, amount in connection.execute(by_month):
            assert month.tzinfo is not None and number > 0, (month, number, amount)
        assert len(connection.execute(some).all()) <= 3
        assert connection.scalar(named, {"rep": "nobody"}) == 0
        door.check_count("deals", connection.scalar(select(func.count()).select_from(deals)))


def cursor(door):
    with engine(door).connect() as connection:
        sql = text("SELECT x FROM generate_series(1, 1000) AS s(x) ORDER BY x")
        rows = connection.execution_options(stream_results=True, max_row_buffer=50).execute(sql)
        same([number for (number,) in rows.yield_per(100)], range(1, 1_001))


def errors(door):
    with engine(door).connect() as connection:
        fails(lambda: connection.execute(text("SELECT no_such_column FROM deals")), exc.ProgrammingError, UNKNOWN_COLUMN)
        connection.rollback()
        assert connection.scalar(text("SELECT 1")) == 1


def writes(door):
    with engine(door).connect() as connection:
        for sql in WRITES:
            fails(lambda sql=sql: connection.execute(text(sql)), exc.DBAPIError, *REFUSED)
            connection.rollback()


def transactions(door):
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine(door).connect().execution_options(**options) as connection:
        with connection.begin():
            assert connection.scalar(text("SELECT 1")) == 1
    with engine(door, isolation_level="AUTOCOMMIT").connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    with engine(door, pool_pre_ping=True, pool_size=1).connect() as connection:
        assert connection.default_isolation_level == "READ COMMITTED"


def cancel(door):
    with engine(door).connect() as connection:
        timer = threading.Timer(0.5, connection.connection.dbapi_connection.cancel)
        timer.start()
        soon(10, lambda: fails(lambda: connection.execute(text(LONG)), exc.OperationalError, CANCELED))
        connection.rollback()
        assert connection.scalar(text("SELECT 1")) == 1


def timeout(door):
    limited = engine(door, connect_args={"options": "-c statement_timeout=300"})
    with limited.connect() as connection:
        soon(10, lambda: fails(lambda: connection.execute(text(LONG)), exc.OperationalError, CANCELED))


run(packaged("SQLAlchemy"), [
    log_in,
    wrong_password,
    count,
    parameters_extended,
    prepared,
    reflection,
    reflect_everything,
    core,
    cursor,
    errors,
    writes,
    transactions,
    cancel,
    timeout,
])
