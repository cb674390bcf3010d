// node-postgres against the Postgres door: simple and extended protocol, named statements, cursors, a pool.
// Text formats only: what node-postgres reads in binary it reads wrongly (8.23).

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

// The packages are those of the directory that it is run in, where `npm ci` put them.
const require = createRequire(path.join(process.cwd(), "package.json"));
const pg = require("pg");
const Cursor = require("pg-cursor");

const [host, port, user, password, counts = "{}"] = process.argv.slice(2);
const COUNTS = JSON.parse(counts);
const LONG = "SELECT sum(x % 7) FROM generate_series(1, 300000000000) AS s(x)";
const INSTANT = new Date("2026-03-05T08:20:00.123Z");
// Column, type, value given, value that comes back: node-postgres leaves bigint and numeric as texts.
const VALUES = [
  ["some_text", "text", "it's\n\"上海\" \\ %", "it's\n\"上海\" \\ %"],
  ["small", "integer", -5, -5],
  ["large", "bigint", 9007199254740993n, "9007199254740993"],
  ["amount", "numeric(38, 6)", "-125000.000001", "-125000.000001"],
  ["day", "date", "2026-03-05", "2026-03-05"],
  ["instant", "timestamptz", INSTANT, INSTANT],
  ["yes", "boolean", true, true],
  ["nothing", "text", null, null],
];
const SELECT = "SELECT " + VALUES.map(([name, type], at) => `$${at + 1}::${type} AS ${name}`).join(", ");
const GIVEN = VALUES.map(([, , value]) => value);
const BACK = Object.fromEntries(VALUES.map(([name, , , value]) => [name, value]));
const COLUMNS = { deal_id: "text", amount: "numeric", opened_at: "timestamp with time zone", opened_on: "date", cycle_ms: "bigint" };
const WRITES = [
  "INSERT INTO deals (deal_id) VALUES ('D-x')",
  "UPDATE deals SET status = 'won'",
  "DELETE FROM deals",
  "CREATE TABLE scratch (a integer)",
  "DROP TABLE deals",
];
const REFUSED = ["25006", "42501", "0A000"];

// A date as it is sent: node-postgres would make it midnight of this machine's zone.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

const config = (options) => ({ host, port: Number(port), user, password, database: "tidemark", connectionTimeoutMillis: 10_000, ...options });

async function connected(options, step) {
  const client = new pg.Client(config(options));
  await client.connect();
  try {
    return await step(client);
  } finally {
    await client.end();
  }
}

async function fails(promise, ...codes) {
  const error = await promise.then(() => assert.fail("no error came"), (error) => error);
  assert.ok(codes.includes(error.code), `SQLSTATE ${error.code} instead of ${codes}: ${error.message}`);
}

const one = async (client, sql, values) => Object.values((await client.query(sql, values)).rows[0])[0];

function checkCount(table, found) {
  assert.equal(Number(found), COUNTS[table] ?? Number(found));
}

async function soon(milliseconds, step) {
  const started = Date.now();
  await step();
  assert.ok(Date.now() - started < milliseconds, `took ${Date.now() - started} ms`);
}

const steps = {
  log_in: () =>
    connected({}, async (client) => {
      assert.equal(await one(client, "SELECT 1::integer"), 1);
      assert.match(await one(client, "SELECT version()"), /PostgreSQL/);
      assert.equal(await one(client, "SELECT current_user"), user);
    }),

  wrong_password: () => fails(connected({ password: "not-the-key" }, () => {}), "28P01", "28000"),

  count: () => connected({}, async (client) => checkCount("deals", await one(client, "SELECT count(*) FROM deals"))),

  parameters_simple: () =>
    connected({}, async (client) => {
      // No placeholders, so that it goes by the simple protocol; the values are literals.
      const literals = ["E'it\\'s'::text", "-5::integer", "9007199254740993", "-125000.000001::numeric(38, 6)", "DATE '2026-03-05'", "true", "NULL::text"];
      const { rows } = await client.query({ text: `SELECT ${literals.join(", ")}`, rowMode: "array" });
      assert.deepEqual(rows, [["it's", -5, "9007199254740993", "-125000.000001", "2026-03-05", true, null]]);
    }),

  parameters_extended: () =>
    connected({}, async (client) => {
      const { rows } = await client.query(SELECT, GIVEN);
      assert.deepEqual(rows, [BACK]);
    }),

  // Every parameter is a text without a type: the server finds the type by what it is compared with.
  parameters_by_context: () =>
    connected({}, async (client) => {
      const sql = "SELECT count(*) FROM deals WHERE status = $1 AND amount > $2 AND opened_on >= $3 AND opened_at < $4 AND cycle_ms > $5";
      assert.ok(Number(await one(client, sql, ["won", "-1.5", "2026-03-05", INSTANT, 7])) >= 0);
      const { rows } = await client.query("SELECT deal_id FROM deals ORDER BY deal_id LIMIT $1 OFFSET $2", [2, 0]);
      assert.ok(rows.length <= 2);
      checkCount("deals", await one(client, "SELECT count(*) FROM deals WHERE status IN ($1, $2, $3)", ["won", "lost", "open"]));
    }),

  types_of_columns: () =>
    connected({}, async (client) => {
      const { fields } = await client.query("SELECT deal_id, amount, opened_at, opened_on, cycle_ms FROM deals LIMIT 0");
      const { TEXT, NUMERIC, TIMESTAMPTZ, DATE, INT8 } = pg.types.builtins;
      assert.deepEqual(fields.map((field) => field.dataTypeID), [TEXT, NUMERIC, TIMESTAMPTZ, DATE, INT8]);
    }),

  prepared: () =>
    connected({}, async (client) => {
      for (let number = 0; number < 20; number++) {
        const { rows } = await client.query({ name: "next", text: "SELECT $1::integer + 1::integer AS n", values: [number] });
        assert.deepEqual(rows, [{ n: number + 1 }]);
      }
    }),

  many_statements: () =>
    connected({}, async (client) => {
      const results = await client.query("SELECT 1::integer AS a; SELECT 2::integer AS a, 'b' AS b");
      assert.deepEqual(results.map((result) => result.rows), [[{ a: 1 }], [{ a: 2, b: "b" }]]);
    }),

  cursor: () =>
    connected({}, async (client) => {
      const cursor = client.query(new Cursor("SELECT x FROM generate_series(1, 5000) AS s(x) WHERE x <= $1::bigint ORDER BY x", [1_000]));
      let found = [];
      for (let rows = await cursor.read(64); rows.length > 0; rows = await cursor.read(64)) {
        found = found.concat(rows.map((row) => Number(row.x)));
      }
      assert.deepEqual(found, [...Array(1_000).keys()].map((number) => number + 1));
      const begun = client.query(new Cursor("SELECT x FROM generate_series(1, 1000000) AS s(x)"));
      assert.equal((await begun.read(10)).length, 10);
      await begun.close();
      assert.equal(await one(client, "SELECT 1::integer"), 1);
    }),

  errors: () =>
    connected({}, async (client) => {
      await fails(client.query("SELECT no_such_column FROM deals"), "42703");
      await fails(client.query("SELECT no_such_column FROM deals WHERE status = $1", ["won"]), "42703");
      await fails(client.query("SELECT * FROM no_such_table"), "42P01");
      await fails(client.query("SELEKT 1"), "42601");
      await fails(client.query("SELECT $1::integer", ["x"]), "22P02");
      assert.equal(await one(client, "SELECT $1::integer", [1]), 1);
    }),

  writes: () =>
    connected({}, async (client) => {
      for (const sql of WRITES) {
        await fails(client.query(sql), ...REFUSED);
      }
      checkCount("deals", await one(client, "SELECT count(*) FROM deals"));
    }),

  transactions: () =>
    connected({}, async (client) => {
      await client.query("BEGIN READ ONLY");
      await client.query("SELECT count(*) FROM deals");
      assert.equal((await client.query("COMMIT")).command, "COMMIT");
      await client.query("BEGIN");
      await fails(client.query("SELECT no_such_column FROM deals"), "42703");
      await fails(client.query("SELECT 1"), "25P02");
      assert.equal((await client.query("ROLLBACK")).command, "ROLLBACK");
      assert.equal(await one(client, "SELECT 1::integer"), 1);
    }),

  catalog: () =>
    connected({}, async (client) => {
      const sql = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2";
      const { rows } = await client.query(sql, ["public", "deals"]);
      const found = Object.fromEntries(rows.map((row) => [row.column_name, row.data_type]));
      assert.deepEqual(Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, found[name]])), COLUMNS);
    }),

  pool: async () => {
    const pool = new pg.Pool(config({ max: 5 }));
    const found = await Promise.all([...Array(50).keys()].map((number) => one(pool, "SELECT $1::integer", [number])));
    assert.deepEqual(found, [...Array(50).keys()]);
    await pool.end();
  },

  cancel: () =>
    connected({}, async (client) => {
      await soon(10_000, async () => {
        const query = new pg.Query(LONG);
        const ended = new Promise((resolve, reject) => query.on("end", resolve).on("error", reject));
        client.query(query);
        setTimeout(() => new pg.Client(config()).cancel(client, query), 500);
        await fails(ended, "57014");
      });
      assert.equal(await one(client, "SELECT 1::integer"), 1);
    }),

  timeout: () =>
    // Sent as a parameter of the start-up message.
    connected({ statement_timeout: 300, application_name: "a tool" }, async (client) => {
      await soon(10_000, () => fails(client.query(LONG), "57014"));
      await client.query("SET statement_timeout = 0");
      assert.equal(await one(client, "SHOW application_name"), "a tool");
    }),
};

console.log("client node-postgres", require("pg/package.json").version);
const only = (process.env.STEPS ?? "").split(" ").filter(Boolean);
for (const [name, step] of Object.entries(steps)) {
  if (only.length > 0 && !only.includes(name)) continue;
  try {
    await step();
    console.log("ok", name);
  } catch (error) {
    console.log("failed", `${name}:`, String(error.message).replace(/\s+/g, " "));
    console.error(error);
    process.exitCode = 1;
  }
}
