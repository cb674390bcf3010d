// The same rows in PostgreSQL (PGlite, which is PostgreSQL compiled to WebAssembly) and behind the door: the same statements must have
// the same answers. Arguments: host, port, user, password, then files of statements; what a file says of a statement is in
// corpus/postgresql.sql.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

// The packages are those of the directory that it is run in, where `npm ci` put them.
const require = createRequire(path.join(process.cwd(), "package.json"));
const pg = require("pg");
const { parse: elements } = require("postgres-array");
const { PGlite } = require("@electric-sql/pglite");

const [host, port, user, password, ...files] = process.argv.slice(2);
const TABLES = ["deals", "visits", "roster", "rates"];
const [TEXT, FLOAT8] = [25, 701];
// What comes over the wire, as it is.
const raw = (text) => text;

// DataFusion has it, PostgreSQL has not. Of decimals it has as many digits as they have.
const MEDIAN = `
  CREATE FUNCTION middle(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT avg(x) FROM (
      SELECT x, row_number() OVER (ORDER BY x) AS n, count(*) OVER () AS all FROM unnest($1) AS u(x) WHERE x IS NOT NULL
    ) AS sorted WHERE n IN ((sorted.all + 1) / 2, (sorted.all + 2) / 2) $$;
  CREATE FUNCTION middle_of_scale(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT trunc(middle($1), max(scale(x))) FROM unnest($1) AS u(x) $$;
  CREATE AGGREGATE median(numeric) (SFUNC = array_append, STYPE = numeric[], INITCOND = '{}', FINALFUNC = middle_of_scale);
  CREATE FUNCTION also(numeric[], bigint) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$ SELECT array_append($1, $2) $$;
  CREATE AGGREGATE median(bigint) (SFUNC = also, STYPE = numeric[], INITCOND = '{}', FINALFUNC = middle);`;

async function filled(door) {
  const postgresql = await PGlite.create();
  await postgresql.exec(`SET TIME ZONE 'UTC'; ${MEDIAN}`);
  for (const table of TABLES) {
    const named = `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`;
    const columns = (await ask(door, named)).rows;
    // Texts are sorted by their bytes here, as in ClickHouse.
    const types = columns.map(([name, type]) => `${name} ${type}${type === "text" ? ' COLLATE "C"' : ""}`);
    await postgresql.exec(`CREATE TABLE ${table} (${types.join(", ")})`);
    const places = columns.map(([, type], at) => `$${at + 1}::text::${type}`).join(", ");
    const { rows } = await ask(door, `SELECT * FROM ${table}`);
    assert.ok(rows.length > 1, `${table} has rows`);
    for (const row of rows) {
      await postgresql.query(`INSERT INTO ${table} VALUES (${places})`, row);
    }
  }
  return postgresql;
}

async function ask(door, text) {
  const { rows, fields } = await door.query({ text, rowMode: "array", types: { getTypeParser: () => raw } });
  return { rows, fields };
}

/** What both say, or their errors. */
async function answers(postgresql, parsers, door, statement) {
  const theirs = postgresql.query(statement, [], { rowMode: "array", parsers }).catch((error) => ({ error: error.message }));
  const ours = ask(door, statement).catch((error) => ({ error: error.message }));
  return [await theirs, await ours];
}

/** How they compare: `same`, or in which way they do not. */
function compared(statement, theirs, ours) {
  if (theirs.error && ours.error) return "refused by both";
  if (ours.error) return `refused here alone: ${ours.error}`;
  if (theirs.error) return `more than PostgreSQL: ${theirs.error}`;
  const names = (answer) => answer.fields.map((field) => field.name).join();
  if (names(theirs) !== names(ours)) return `other names: ${names(ours)} instead of ${names(theirs)}`;
  const key = (row) => JSON.stringify(row.map((value) => (isNumber(value) ? Number(value).toPrecision(9) : time(value))));
  const sorted = (rows) => (/ORDER BY [^()]*$/i.test(statement) ? rows : rows.map((row) => [key(row), row]).sort().map(([, row]) => row));
  const [wanted, found] = [sorted(theirs.rows), sorted(ours.rows)];
  const isSame = (row, at) => row.every((value, n) => same(value, found[at][n], theirs.fields[n].dataTypeID));
  if (wanted.length === found.length && wanted.every(isSame)) return "same";
  const other = wanted.findIndex((row, at) => !found[at] || !isSame(row, at));
  const shown = (rows) => JSON.stringify(rows[Math.max(other, 0)]);
  return `other rows: ${found.length} of them, ${shown(found)} instead of ${wanted.length}, ${shown(wanted)}`;
}

const isNumber = (text) => /^-?\d+(\.\d+)?(e[-+]?\d+)?$/.test(text ?? "");
// Instants are of UTC on both sides; a day is its first instant, and digits of no second say nothing.
const TIME = /^(\d{4}-\d\d-\d\d)?[ T]?(\d\d:\d\d:\d\d)?(\.\d+)?(\+00)?$/;
function time(text) {
  const [, day, clock, fraction] = text?.match(TIME) ?? [];
  return day || clock ? `${day ?? ""} ${clock ?? "00:00:00"}${(fraction ?? "").replace(/\.?0+$/, "")}` : text;
}

/** Whether two values are the same in texts of the wire; digits that only one of them carries say nothing. */
function same(theirs, ours, type) {
  if (theirs === ours) return true;
  if (theirs === null || ours === null || type === TEXT) return false;
  if (theirs.startsWith("{") && ours.startsWith("{")) {
    const [wanted, found] = [elements(theirs), elements(ours)];
    return wanted.length === found.length && wanted.every((value, at) => same(value, found[at]));
  }
  if (isNumber(theirs) && isNumber(ours)) {
    const [wanted, found] = [theirs, ours].map((text) => (text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text));
    if (wanted === found) return true;
    // Sums are exact; what is divided ends somewhere.
    const digits = (text) => text.split(".")[1]?.length ?? 0;
    const isDivided = type === FLOAT8 || [wanted, found].some((text) => text.includes("e") || digits(text) > 6);
    return isDivided && Math.abs(wanted - found) <= 1e-11 + 1e-9 * Math.abs(wanted);
  }
  return time(theirs) === time(ours);
}

/** The statements of a file with what it says of each. */
function statements(file) {
  let expected = "same";
  const found = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const section = line.match(/^-- == (\w+):/);
    if (section) [, expected] = section;
    if (line.startsWith("--") || !line.trim()) continue;
    found.push([line.trim().replace(/;$/, ""), expected]);
  }
  return found;
}

/** How what is found begins, where it is expected. */
const BEGINS = {
  same: ["same"],
  answered: ["same", "refused here"],
  neither: ["refused by both"],
  refused: ["refused here"],
  more: ["more than"],
  names: ["other names"],
  rows: ["other rows"],
};
/** A corpus of what is mostly refused would compare little. */
const ALIKE_MIN = 0.85;

const door = new pg.Client({ host, port: Number(port), user, password, database: "tidemark" });
await door.connect();
const postgresql = await filled(door);
const types = (await postgresql.query("SELECT oid FROM pg_type")).rows;
const parsers = Object.fromEntries(types.map(({ oid }) => [oid, raw]));
const asked = files.flatMap(statements);
let [alike, unexpected] = [0, 0];
for (const [statement, expected] of asked) {
  const [theirs, ours] = await answers(postgresql, parsers, door, statement);
  const found = compared(statement, theirs, ours);
  alike += found === "same";
  if (!BEGINS[expected].some((begin) => found.startsWith(begin))) {
    unexpected += 1;
    console.log(`${statement}\n  should be ${expected}, is ${found}`);
  }
}
console.log(`${asked.length} statements, ${alike} with the same answer as PostgreSQL's`);
await door.end();
process.exit(unexpected > 0 || alike < ALIKE_MIN * asked.length ? 1 : 0);
