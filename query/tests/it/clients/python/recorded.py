"""Statements that BI tools send, recorded or written anew in their shape, in the order of their files: each must be answered as its tool needs.

A statement after a line `-- refused` must fail, and its tool goes on without it."""

import pathlib
import re
import sys

import psycopg
from door import DATABASE, run

STATEMENTS = pathlib.Path(__file__).parent.parent / "statements"


def messages(text):
    """The messages of a file, each with whether it must be refused."""
    refused, lines = False, []
    for line in text.splitlines():
        if line.startswith("--"):
            refused = refused or line.strip() == "-- refused"
            continue
        lines.append(line)
        if line.rstrip().endswith(";"):
            yield "\n".join(lines).strip(), refused
            refused, lines = False, []
    assert not "".join(lines).strip(), f"no end: {lines}"


def numbers(connection):
    """What stands in the recordings for the numbers that a catalogue gives, and these numbers here."""
    oid = lambda sql: str(connection.execute(sql).fetchone()[0])
    return {
        "16391": oid("SELECT oid FROM pg_class WHERE relname = 'deals'"),
        "16390": oid("SELECT oid FROM pg_database LIMIT 1"),
        "2200": oid("SELECT oid FROM pg_namespace WHERE nspname = 'public'"),
    }


def replay(file):
    def step(door):
        login = {"host": door.host, "port": door.port, "user": door.user, "password": door.password, "dbname": DATABASE}
        with psycopg.connect(**login, autocommit=True) as connection:
            here = numbers(connection)
            failed = []
            for message, refused in messages(file.read_text()):
                message = re.sub(r"\b(16391|16390|2200)\b", lambda found: here[found.group()], message)
                try:
                    # As text, so that a message may hold several statements and every `%` is one.
                    connection.pgconn.exec_(b"ROLLBACK") if connection.pgconn.transaction_status == 3 else None
                    result = connection.pgconn.exec_(message.encode())
                    error = result.error_message.decode().strip() if result.status in (7,) else None
                except psycopg.Error as raised:
                    error = str(raised)
                if (error is not None) != refused:
                    failed.append(f"{error or 'answered, not refused'} <<< {' '.join(message.split())[:300]}")
            assert not failed, "\n".join(failed)

    step.__name__ = file.stem
    return step


run("statements of BI tools", [replay(file) for file in sorted(STATEMENTS.glob("*.sql"))])
