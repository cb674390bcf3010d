"""clickhouse-connect against the engine at the address given: what it sends comes back, and errors are ClickHouse's."""

import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

COLUMNS = {
    "id": "UInt64",
    "small": "Int8",
    "ratio": "Float64",
    "amount": "Decimal(38, 6)",
    "at": "DateTime64(3, 'UTC')",
    "on": "Date32",
    "maybe": "Nullable(Decimal(18, 2))",
    "kind": "LowCardinality(String)",
    "maybe_kind": "LowCardinality(Nullable(String))",
    "tags": "Array(String)",
    "numbers": "Array(Nullable(Int64))",
    "pair": "Tuple(String, UInt8)",
    "counts": "Map(String, UInt64)",
    "is_open": "Bool",
    "key": "UUID",
    "code": "FixedString(3)",
}


def row(number):
    """A row whose every value depends on its number."""
    return [
        number,
        number % 256 - 128,
        number / 7,
        Decimal(number) / Decimal(1_000_000) - 5,
        datetime(2026, 3, 5, tzinfo=timezone.utc) + timedelta(milliseconds=number * 1_001),
        date(1970, 1, 1) + timedelta(days=number % 65_000),
        None if number % 3 == 0 else Decimal(number) / 100,
        ["won", "lost", "open"][number % 3],
        None if number % 2 else f"kind-{number % 5}",
        [f"tag\n{index}\t'上海'" for index in range(number % 4)],
        [None, number, -number],
        ("π", number % 256),
        {f"k{index}": index for index in range(number % 3)},
        number % 2 == 0,
        UUID(int=number),
        b"%03d" % (number % 1000),
    ]


def connect(address, **options):
    host, port = address.split(":")
    return clickhouse_connect.get_client(host=host, port=int(port), **options)


def create(client, name):
    client.command(f"DROP TABLE IF EXISTS {name}")
    columns = ", ".join(f"`{column}` {type_name}" for column, type_name in COLUMNS.items())
    client.command(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY id")


def same(found, expected):
    assert [list(row) for row in found] == expected, f"{found[:1]} is not {expected[:1]}"


def values_of_every_type(client):
    create(client, "every_type")
    rows = [row(number) for number in range(1_000)]
    summary = client.insert("every_type", rows, column_names=list(COLUMNS))
    assert summary.written_rows == 1_000, summary.summary
    result = client.query("SELECT * FROM every_type ORDER BY id")
    assert list(result.column_names) == list(COLUMNS)
    same(result.result_rows, rows)
    by_column = client.query("SELECT * FROM every_type ORDER BY id", column_oriented=True)
    same(list(zip(*by_column.result_columns)), rows)
    client.insert("every_type", [[column[0]] for column in zip(row(5_000))], column_names=list(COLUMNS), column_oriented=True)
    same(client.query("SELECT * FROM every_type WHERE id = 5000").result_rows, [row(5_000)])
    client.insert("every_type", [[7_000, "won"]], column_names=["id", "kind"])
    assert client.query("SELECT maybe, tags, amount FROM every_type WHERE id = 7000").first_row == (None, [], Decimal(0))


def streams(client):
    sql = "SELECT number, toString(number) AS text FROM numbers(300000) SETTINGS max_block_size = 65536"
    with client.query_rows_stream(sql) as stream:
        assert sum(number for number, _ in stream) == sum(range(300_000))
    with client.query_row_block_stream(sql) as stream:
        blocks = [len(block) for block in stream]
    assert sum(blocks) == 300_000 and len(blocks) > 1, blocks
    with client.query_column_block_stream(sql) as stream:
        assert sum(len(columns[1]) for columns in stream) == 300_000


def compressions(address):
    for compress in ["lz4", "zstd", "gzip", True, False]:
        client = connect(address, compress=compress, tz_mode="aware")
        create(client, "compressed")
        rows = [row(number) for number in range(3_000)]
        client.insert("compressed", rows, column_names=list(COLUMNS))
        same(client.query("SELECT * FROM compressed ORDER BY id").result_rows, rows)
        client.close()
    # The client reads this one and does not write it.
    same(connect(address, compress="deflate", tz_mode="aware").query("SELECT * FROM compressed ORDER BY id").result_rows, rows)


def parameters_and_settings(client):
    types = {"text": "String", "number": "Int64", "at": "DateTime64(3)", "list": "Array(String)", "nothing": "Nullable(String)", "on": "Date"}
    values = {
        "text": "it's\n\"上海\"\\",
        "number": -5,
        "at": datetime(2026, 3, 5, 1, 2, 3, tzinfo=timezone.utc),
        "list": ["a'b", "c\\"],
        "nothing": None,
        "on": date(2026, 3, 5),
    }
    placeholders = ", ".join(f"{{{name}:{type_name}}}" for name, type_name in types.items())
    bound = client.query(f"SELECT {placeholders}", parameters=values).first_row
    assert bound == tuple(values.values()), bound
    inlined = client.query("SELECT %(text)s, %(list)s", parameters={"text": "it's", "list": [1, 2]}).first_row
    assert inlined[0] == "it's", inlined
    assert client.query("SELECT {column:Identifier} FROM numbers(1)", parameters={"column": "number"}).first_row == (0,)
    setting = "SELECT getSetting('max_block_size')"
    assert client.query(setting, settings={"max_block_size": 1234}).first_row == (1234,)
    assert client.query(setting).first_row != (1234,)


def commands(client):
    assert client.ping()
    assert client.command("SELECT 7") == 7
    assert client.command("SELECT 'a', 'b'") == ["a", "b"]
    client.command("CREATE TABLE IF NOT EXISTS commanded (a UInt8) ENGINE = Memory")
    assert client.command("INSERT INTO commanded VALUES (1), (2)") is not None
    assert client.command("EXISTS TABLE commanded") == 1
    assert client.raw_query("SELECT sum(a) FROM commanded", fmt="CSV") == b"3\n"
    client.raw_insert("commanded", column_names=["a"], insert_block="3\n4\n", fmt="CSV")
    assert client.command("SELECT sum(a) FROM commanded") == 10
    assert client.query("DESCRIBE TABLE commanded").first_row[:2] == ("a", "UInt8")
    client.command("DROP TABLE commanded")


def sessions(address):
    client = connect(address, session_id="a-session")
    client.command("SET max_threads = 3")
    client.command("CREATE TEMPORARY TABLE scratch (a UInt8)")
    client.insert("scratch", [[7]], column_names=["a"])
    assert client.query("SELECT a, getSetting('max_threads') FROM scratch").first_row == (7, 3)
    other = connect(address, session_id="another-session")
    fails(other, "SELECT a FROM scratch", 60)
    without = connect(address, autogenerate_session_id=False)
    fails(without, "SELECT a FROM scratch", 60)


def fails(client, sql, code):
    try:
        client.query(sql)
    except DatabaseError as error:
        assert f"Code: {code}." in str(error), error
        return
    raise AssertionError(f"{sql} did not fail")


def errors(client):
    fails(client, "SELECT nothing_like_it FROM numbers(1)", 47)
    fails(client, "SELECT * FROM no_such_table", 60)
    fails(client, "SELEKT 1", 62)
    fails(client, "SELECT toUInt8('x')", 6)
    # While the answer is already on its way.
    fails(client, "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000", 395)
    # The connection is as good as before.
    assert client.command("SELECT 1") == 1


def main(address):
    client = connect(address, tz_mode="aware")
    for step in [values_of_every_type, streams, parameters_and_settings, commands, errors]:
        step(client)
        print("ok", step.__name__)
    for step in [compressions, sessions]:
        step(address)
        print("ok", step.__name__)


main(*sys.argv[1:])
