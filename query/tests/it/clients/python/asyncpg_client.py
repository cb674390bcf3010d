"""asyncpg against the Postgres door: extended protocol and binary formats only, prepared statements, a pool."""

import asyncio
import functools
import time

import asyncpg
from door import COLUMNS, DATABASE, LONG, REFUSED, VALUES, WRITES, given, packaged, run, same, select_of

CAST = "${}::{}".format


def connecting(step):
    """A step that is given the door and an open connection."""

    @functools.wraps(step)
    def run_step(door):
        async def go():
            connection = await connect(door)
            try:
                await step(door, connection)
            finally:
                await connection.close(timeout=5)

        asyncio.run(go())

    return run_step


def connect(door, **options):
    login = {"user": door.user, "password": door.password, **options}
    return asyncpg.connect(host=door.host, port=door.port, database=DATABASE, timeout=10, **login)


async def fails(awaitable, kind, *codes):
    try:
        await awaitable
    except kind as error:
        assert not codes or error.sqlstate in codes, f"SQLSTATE {error.sqlstate} instead of {codes}: {error}"
        return
    raise AssertionError(f"no {kind} came")


@connecting
async def log_in(door, connection):
    assert await connection.fetchval("SELECT 1") == 1
    assert connection.get_server_version().major >= 9
    assert connection.get_settings().server_encoding == "UTF8"
    same(await connection.fetchrow("SELECT current_user::text, current_database()::text"), [door.user, DATABASE])


@connecting
async def wrong_password(door, _):
    for password in ["not-the-key", ""]:
        await fails(connect(door, password=password), asyncpg.InvalidAuthorizationSpecificationError, "28P01", "28000")


@connecting
async def count(door, connection):
    door.check_count("deals", await connection.fetchval("SELECT count(*) FROM deals"))


@connecting
async def parameters_extended(_, connection):
    for _ in range(2):
        same(await connection.fetchrow(select_of(CAST), *given()), given())


@connecting
async def parameters_by_context(door, connection):
    """The server tells the type of every parameter; asyncpg encodes it in binary accordingly."""
    sql = "SELECT count(*) FROM deals WHERE status = $1 AND amount > $2 AND opened_on >= $3 AND opened_at < $4 AND cycle_ms > $5"
    statement = await connection.prepare(sql)
    same([parameter.name for parameter in statement.get_parameters()], ["text", "numeric", "date", "timestamptz", "int8"])
    assert await statement.fetchval("won", VALUES["amount"][1], VALUES["day"][1], VALUES["instant"][1], 7) >= 0
    assert len(await connection.fetch("SELECT deal_id FROM deals ORDER BY deal_id LIMIT $1 OFFSET $2", 2, 0)) <= 2
    for cast in ["", "::text[]"]:
        any_of = await connection.fetchval(f"SELECT count(*) FROM deals WHERE status = ANY($1{cast})", ["won", "lost", "open"])
        door.check_count("deals", any_of)


@connecting
async def types_of_columns(_, connection):
    statement = await connection.prepare(select_of(lambda _, kind: f"NULL::{kind}"))
    found = [attribute.type.name for attribute in statement.get_attributes()]
    same(found, ["text", "int4", "int8", "numeric", "date", "timestamptz", "bool", "text"])
    statement = await connection.prepare("SELECT deal_id, amount, opened_at, opened_on, cycle_ms FROM deals")
    found = [attribute.type.name for attribute in statement.get_attributes()]
    same(found, ["text", "numeric", "timestamptz", "date", "int8"])


@connecting
async def prepared(_, connection):
    statement = await connection.prepare("SELECT $1::bigint + 1, $2::text")
    for number in range(50):
        same(await statement.fetchrow(number, str(number)), [number + 1, str(number)])
    await connection.executemany("SELECT $1::bigint", [(number,) for number in range(50)])


@connecting
async def simple_protocol(_, connection):
    assert await connection.execute("SELECT 1; SELECT 2") == "SELECT 1"
    assert await connection.execute("SET extra_float_digits = 3") == "SET"


@connecting
async def cursor(_, connection):
    """A portal that is fetched from in parts."""
    sql = "SELECT x FROM generate_series(1, 5000) AS s(x) WHERE x <= $1::bigint ORDER BY x"
    async with connection.transaction(readonly=True):
        same([row["x"] async for row in connection.cursor(sql, 1_000, prefetch=64)], range(1, 1_001))
        few = await connection.cursor("SELECT x FROM generate_series(1, 1000000) AS s(x)")
        assert len(await few.fetch(10)) == 10 and len(await few.fetch(5)) == 5


@connecting
async def errors(_, connection):
    await fails(connection.fetch("SELECT no_such_column FROM deals"), asyncpg.UndefinedColumnError)
    await fails(connection.fetch("SELECT * FROM no_such_table"), asyncpg.UndefinedTableError)
    await fails(connection.fetch("SELEKT 1"), asyncpg.PostgresSyntaxError)
    await fails(connection.fetch("SELECT 1 / (x - 1) FROM generate_series(1, 2) AS s(x)"), asyncpg.DivisionByZeroError)
    await fails(connection.fetch("SELECT $1::integer", "x"), asyncpg.DataError)
    assert await connection.fetchval("SELECT $1::integer", 1) == 1


@connecting
async def writes(door, connection):
    for sql in WRITES:
        await fails(connection.execute(sql), asyncpg.PostgresError, *REFUSED)
        await fails(connection.fetch(sql), asyncpg.PostgresError, *REFUSED)
    door.check_count("deals", await connection.fetchval("SELECT count(*) FROM deals"))


@connecting
async def transactions(_, connection):
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        assert connection.is_in_transaction()
        assert await connection.fetchval("SELECT 1") == 1
    transaction = connection.transaction(readonly=True)
    await transaction.start()
    await fails(connection.fetch("SELECT no_such_column FROM deals"), asyncpg.UndefinedColumnError)
    await fails(connection.fetch("SELECT 1"), asyncpg.InFailedSQLTransactionError)
    await transaction.rollback()
    assert not connection.is_in_transaction()
    assert await connection.fetchval("SELECT 1") == 1


@connecting
async def catalog(_, connection):
    sql = "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2"
    found = dict(map(tuple, await connection.fetch(sql, "public", "deals")))
    same([found.get(name) for name in COLUMNS], COLUMNS.values())


@connecting
async def pool(door, _):
    """What a pool sends when a connection comes back: unlock, CLOSE ALL, UNLISTEN, RESET ALL."""
    login = {"host": door.host, "port": door.port, "user": door.user, "password": door.password, "database": DATABASE}
    async with asyncpg.create_pool(min_size=2, max_size=4, **login) as connections:
        counted = await asyncio.gather(*(connections.fetchval("SELECT $1::integer", number) for number in range(40)))
        same(counted, range(40))
        async with connections.acquire() as connection:
            await connection.execute("SET statement_timeout = 4321")
        for _ in range(4):
            assert await connections.fetchval("SHOW statement_timeout") != "4321ms"


@connecting
async def cancel(_, connection):
    """asyncpg cancels on the server what its own timeout ends."""
    started = time.monotonic()
    await fails(connection.fetch(LONG, timeout=0.5), TimeoutError)
    assert await connection.fetchval("SELECT 1") == 1
    assert time.monotonic() - started < 10


@connecting
async def timeout(_, connection):
    started = time.monotonic()
    await connection.execute("SET statement_timeout = 300")
    await fails(connection.fetch(LONG), asyncpg.QueryCanceledError)
    await connection.execute("SET statement_timeout = 0")
    assert await connection.fetchval("SELECT 1") == 1
    assert time.monotonic() - started < 10


run(packaged("asyncpg"), [
    log_in,
    wrong_password,
    count,
    parameters_extended,
    parameters_by_context,
    types_of_columns,
    prepared,
    simple_protocol,
    cursor,
    errors,
    writes,
    transactions,
    catalog,
    pool,
    cancel,
    timeout,
])
