"""pandas through SQLAlchemy and psycopg against the Postgres door, as in a notebook."""

from datetime import date, timezone
from decimal import Decimal

import pandas
from door import DATABASE, REFUSED, UNKNOWN_COLUMN, VALUES, fails, given, packaged, run, same, select_of
from sqlalchemy import URL, create_engine, exc, text


def engine(door, **options):
    login = {"username": door.user, "password": options.get("password", door.password)}
    return create_engine(URL.create("postgresql+psycopg", host=door.host, port=door.port, database=DATABASE, **login))


def log_in(door):
    assert pandas.read_sql("SELECT 1 AS one", engine(door)).to_dict("list") == {"one": [1]}


def wrong_password(door):
    fails(lambda: pandas.read_sql("SELECT 1", engine(door, password="not-the-key")), exc.OperationalError)


def count(door):
    counted = pandas.read_sql("SELECT count(*) AS deals FROM deals", engine(door))
    door.check_count("deals", int(counted.deals[0]))


def parameters_extended(door):
    sql = text(select_of(lambda at, kind: f"CAST(:p{at} AS {kind})"))
    frame = pandas.read_sql(sql, engine(door), params={f"p{at}": value for at, value in enumerate(given(), 1)}, coerce_float=False)
    row = frame.iloc[0]
    same(frame.columns, VALUES)
    assert row.some_text == VALUES["some_text"][1] and row.amount == VALUES["amount"][1]
    assert isinstance(row.amount, Decimal) and isinstance(row.day, date)
    assert row.large == VALUES["large"][1] and row.yes == True and pandas.isna(row.nothing)  # noqa: E712 (numpy's bool)
    assert row.instant.to_pydatetime().astimezone(timezone.utc) == VALUES["instant"][1]


def table(door):
    """A whole table by its name, which pandas reflects, and chosen columns of it."""
    frame = pandas.read_sql_table("deals", engine(door))
    door.check_count("deals", len(frame))
    assert str(frame.opened_at.dtype).startswith("datetime64") and frame.opened_at.dt.tz is not None, frame.dtypes
    chosen = pandas.read_sql_table("deals", engine(door), schema="public", columns=["status"], index_col="deal_id")
    same(chosen.columns, ["status"])


def group(door):
    """What SQL counts is what pandas counts."""
    frame = pandas.read_sql("SELECT status, amount FROM deals", engine(door), dtype={"status": "str"})
    by_sql = pandas.read_sql("SELECT status, count(*) AS deals FROM deals GROUP BY status", engine(door), index_col="status")
    assert frame.groupby("status").size().to_dict() == by_sql.deals.to_dict()


def chunks(door):
    with engine(door).connect().execution_options(stream_results=True) as connection:
        frames = pandas.read_sql("SELECT x FROM generate_series(1, 25000) AS s(x)", connection, chunksize=10_000)
        sizes = [len(frame) for frame in frames]
    assert sum(sizes) == 25_000 and len(sizes) == 3, sizes


def errors(door):
    with engine(door).connect() as connection:
        fails(lambda: pandas.read_sql("SELECT no_such_column FROM deals", connection), exc.ProgrammingError, UNKNOWN_COLUMN)
        connection.rollback()
        assert len(pandas.read_sql("SELECT 1 AS one", connection)) == 1


def writes(door):
    frame = pandas.DataFrame({"a": [1, 2]})
    fails(lambda: frame.to_sql("scratch", engine(door), index=False), exc.DBAPIError, *REFUSED)


run(packaged("pandas"), [log_in, wrong_password, count, parameters_extended, table, group, chunks, errors, writes])
