// Arrow's Flight SQL driver against the Flight SQL door: java --add-opens=java.base/java.nio=ALL-UNNAMED -cp 'DIR/*' FlightJdbcClient.java
// HOST PORT USER PASSWORD ['{"deals": 123}']; the password is the API key.

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TimeZone;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.logging.LogManager;
import java.util.regex.Pattern;

public class FlightJdbcClient {
    static final String LONG = "SELECT sum(x % 7) FROM generate_series(1, 300000000000) AS s(x)";
    static final int CONNECTIONS = 12;
    /** Type, the text that SQL reads as the value, value. The driver knows instants to the millisecond. */
    static final Object[][] VALUES = {
        {"text", "it''s\n\"上海\" \\ %", "it's\n\"上海\" \\ %"},
        {"integer", "-5", -5},
        {"bigint", "9007199254740993", 9_007_199_254_740_993L},
        {"numeric(38, 6)", "-125000.000001", new BigDecimal("-125000.000001")},
        {"double precision", "0.5", 0.5},
        {"date", "2026-03-05", Date.valueOf("2026-03-05")},
        {"timestamptz", "2026-03-05T08:20:00.123Z", Instant.parse("2026-03-05T08:20:00.123Z")},
        {"boolean", "true", true},
        {"text", null, null},
    };
    static final String[] WRITES = {
        "INSERT INTO deals (deal_id) VALUES ('D-x')",
        "UPDATE deals SET status = 'won'",
        "DELETE FROM deals",
        "CREATE TABLE scratch (a integer)",
        "DROP TABLE deals",
    };

    final String url;
    final String user;
    final String password;
    final String counts;

    FlightJdbcClient(String[] arguments) {
        url = "jdbc:arrow-flight-sql://" + arguments[0] + ":" + arguments[1] + "/?useEncryption=false";
        user = arguments[2];
        password = arguments[3];
        counts = arguments.length > 4 ? arguments[4] : "{}";
    }

    Connection connect(Map<String, String> login) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(login);
        return DriverManager.getConnection(url, properties);
    }

    Connection connect() throws SQLException {
        return connect(Map.of("user", user, "password", password));
    }

    interface Step {
        void run() throws Exception;
    }

    static void check(boolean holds, Object about) {
        if (!holds) {
            throw new AssertionError(String.valueOf(about));
        }
    }

    static void same(Object found, Object expected) {
        check(Objects.equals(found, expected), found + " is not " + expected);
    }

    /** The driver gives no SQLSTATE: what it says has the server's words, and the code of gRPC in the exception's cause. */
    static void fails(Step step, String code, String about) throws Exception {
        try {
            step.run();
        } catch (SQLException error) {
            String said = error.getMessage() + " " + error.getCause();
            check(said.contains(code) && said.contains(about), "no " + code + " and " + about + " in: " + said);
            return;
        }
        throw new AssertionError("no error came");
    }

    static void soon(Step step) throws Exception {
        long started = System.nanoTime();
        step.run();
        check(System.nanoTime() - started < 10_000_000_000L, "took longer than 10 s");
    }

    /** The first column. Of an instant the driver knows no object, and its timestamp is right only where the machine is in UTC. */
    static Object first(ResultSet rows) throws SQLException {
        boolean isInstant = rows.getMetaData().getColumnType(1) == Types.TIMESTAMP_WITH_TIMEZONE;
        return isInstant ? rows.getObject(1, Instant.class) : rows.getObject(1);
    }

    /** An instant goes by a calendar in UTC, for the same reason. */
    static void bind(PreparedStatement statement, int place, Object value) throws SQLException {
        if (value instanceof Instant instant) {
            statement.setTimestamp(place, Timestamp.from(instant), Calendar.getInstance(TimeZone.getTimeZone("UTC")));
        } else {
            statement.setObject(place, value);
        }
    }

    static Object one(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            check(rows.next(), "no row: " + sql);
            return first(rows);
        }
    }

    static Object prepared(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            same(statement.getParameterMetaData().getParameterCount(), values.length);
            for (int at = 0; at < values.length; at++) {
                bind(statement, at + 1, values[at]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                check(rows.next(), "no row: " + sql);
                return first(rows);
            }
        }
    }

    static List<Map<String, Object>> all(ResultSet answer) throws SQLException {
        List<Map<String, Object>> found = new ArrayList<>();
        try (ResultSet rows = answer) {
            while (rows.next()) {
                Map<String, Object> row = new HashMap<>();
                for (int at = 1; at <= rows.getMetaData().getColumnCount(); at++) {
                    row.put(rows.getMetaData().getColumnLabel(at).toUpperCase(), rows.getObject(at));
                }
                found.add(row);
            }
        }
        return found;
    }

    void checkCount(String table, Object found) {
        var matcher = Pattern.compile("\"" + table + "\"\\s*:\\s*(\\d+)").matcher(counts);
        same(found, matcher.find() ? Long.valueOf(matcher.group(1)) : found);
    }

    /** By a handshake with the password, and by the key as the token. */
    void logIn() throws Exception {
        for (var login : List.of(Map.of("user", user, "password", password), Map.of("token", password))) {
            try (Connection connection = connect(login)) {
                same(one(connection, "SELECT 1"), 1L);
                same(connection.getMetaData().getDatabaseProductName(), "Tidemark");
                check(connection.isValid(5) && connection.getMetaData().isReadOnly(), "not valid, or not read-only");
            }
        }
    }

    void wrongKey() throws Exception {
        for (var login : List.of(Map.of("user", user, "password", "not-the-key"), Map.of("token", "not-the-key"))) {
            fails(() -> connect(login), "UNAUTHENTICATED", "API key");
        }
        try (Connection connection = connect(Map.of())) {
            fails(() -> one(connection, "SELECT 1"), "UNAUTHENTICATED", "API key");
        }
    }

    void count() throws Exception {
        try (Connection connection = connect()) {
            checkCount("deals", one(connection, "SELECT count(*) FROM deals"));
        }
    }

    void typesOfColumns() throws Exception {
        String sql = "SELECT deal_id, amount, opened_at, opened_on, cycle_ms, amount > 0 AS large FROM deals ORDER BY deal_id";
        try (Connection connection = connect(); PreparedStatement statement = connection.prepareStatement(sql)) {
            // Before it was executed.
            var about = statement.getMetaData();
            List<Integer> types = new ArrayList<>();
            for (int at = 1; at <= about.getColumnCount(); at++) {
                types.add(about.getColumnType(at));
            }
            same(types, List.of(Types.VARCHAR, Types.DECIMAL, Types.TIMESTAMP_WITH_TIMEZONE, Types.DATE, Types.BIGINT, Types.BOOLEAN));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    check(rows.getBigDecimal("amount") == null || rows.getBigDecimal("amount").scale() == 6, "another scale");
                    check(rows.getObject(3, Instant.class) != null && rows.getDate("opened_on") != null, "no instant and day");
                }
            }
        }
    }

    /** Functions and casts give texts and values of types that no table has. */
    void typesOfExpressions() throws Exception {
        try (Connection connection = connect()) {
            same(one(connection, "SELECT upper('a') || lower('B')"), "Ab");
            same(one(connection, "SELECT max(CAST(5 AS text)) FROM generate_series(1, 2)"), "5");
            same(one(connection, "SELECT CAST(deal_id AS varchar) FROM deals ORDER BY 1 LIMIT 1"), "D-1");
            same(one(connection, "SELECT lower(md5('a'))"), "0cc175b9c0f1b6a831c399e269772661");
            same(one(connection, "SELECT string_agg(deal_id, ',') FROM deals WHERE deal_id = 'D-1'"), "D-1");
            check(one(connection, "SELECT version()") instanceof String, "no version");
            for (Object[] value : VALUES) {
                same(one(connection, "SELECT CAST(" + literal(value) + " AS " + value[0] + ") AS value"), value[2]);
            }
        }
    }

    void now() throws Exception {
        try (Connection connection = connect()) {
            long ms = ((Instant) one(connection, "SELECT now()")).toEpochMilli() - System.currentTimeMillis();
            check(Math.abs(ms) < 60_000, "now is " + ms + " ms away");
            check(one(connection, "SELECT current_date") instanceof Date, "no date");
            checkCount("deals", one(connection, "SELECT count(*) FROM deals WHERE opened_at < now()"));
        }
    }

    static String literal(Object[] value) {
        return value[1] == null ? "NULL" : "'" + value[1] + "'";
    }

    void parameters() throws Exception {
        try (Connection connection = connect()) {
            for (Object[] value : VALUES) {
                Object found = prepared(connection, "SELECT CAST(" + literal(value) + " AS " + value[0] + ") = $1", value[2]);
                check(Objects.equals(found, value[2] == null ? null : true), value[0] + " is another");
            }
        }
    }

    void parametersCast() throws Exception {
        try (Connection connection = connect()) {
            for (Object[] value : VALUES) {
                same(prepared(connection, "SELECT CAST($1 AS " + value[0] + ") AS value", value[2]), value[2]);
            }
        }
    }

    void parametersByContext() throws Exception {
        String sql = "SELECT count(*) FROM deals WHERE status = $1 AND amount > $2 AND opened_on >= $3 AND opened_at < $4 AND cycle_ms > $5";
        try (Connection connection = connect()) {
            Object found = prepared(connection, sql, "won", VALUES[3][2], VALUES[5][2], VALUES[6][2], 7L);
            check((Long) found >= 0, found);
            check((Long) prepared(connection, "SELECT x FROM generate_series(1, 5) AS s(x) ORDER BY x LIMIT $1", 2L) == 1, "another row");
            // One value for columns that differ in what they mean.
            check((Long) prepared(connection, "SELECT count(*) FROM deals WHERE opened_on >= $1 OR closed_on >= $1", VALUES[5][2]) >= 0, "none");
        }
    }

    /** The places of JDBC's own texts. */
    void questionMarks() throws Exception {
        try (Connection connection = connect()) {
            String sql = "SELECT count(*) FROM deals WHERE status = ? AND '?' <> deal_id AND cycle_ms > ? -- ?";
            check((Long) prepared(connection, sql, "won", 7L) >= 0, "less than none");
        }
    }

    void preparedAgain() throws Exception {
        try (Connection connection = connect();
                PreparedStatement statement = connection.prepareStatement("SELECT x + 1 FROM generate_series(0, 19) AS s(x) WHERE x = $1")) {
            for (long number = 0; number < 20; number++) {
                statement.setLong(1, number);
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next() && rows.getLong(1) == number + 1 && !rows.next(), number);
                }
            }
        }
    }

    /** All rows of many batches, no more than asked for, and a result that is closed before its end. */
    void halfRead() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            try (ResultSet rows = statement.executeQuery("SELECT x FROM generate_series(1, 100000) AS s(x) ORDER BY x")) {
                long expected = 0;
                while (rows.next()) {
                    same(rows.getLong(1), ++expected);
                }
                same(expected, 100_000L);
            }
            for (int round = 0; round < 3; round++) {
                try (ResultSet rows = statement.executeQuery("SELECT x FROM generate_series(1, 1000000) AS s(x)")) {
                    check(rows.next() && rows.next(), "no rows");
                }
            }
            statement.setMaxRows(3);
            same(all(statement.executeQuery("SELECT x FROM generate_series(1, 1000) AS s(x)")).size(), 3);
        }
    }

    void errors() throws Exception {
        try (Connection connection = connect()) {
            fails(() -> one(connection, "SELECT no_such_column FROM deals"), "INVALID_ARGUMENT", "no_such_column");
            fails(() -> one(connection, "SELECT * FROM no_such_table"), "INVALID_ARGUMENT", "no_such_table");
            fails(() -> one(connection, "SELEKT 1"), "INVALID_ARGUMENT", "SELEKT");
            fails(() -> one(connection, "SELECT 1 / (x - 1) FROM generate_series(1, 2) AS s(x)"), "INVALID_ARGUMENT", "zero");
            same(one(connection, "SELECT 1"), 1L);
        }
    }

    void writes() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            for (String sql : WRITES) {
                // gRPC's PERMISSION_DENIED.
                fails(() -> statement.execute(sql), "UNAUTHORIZED", "only a question");
                fails(() -> statement.executeUpdate(sql), "UNAUTHORIZED", "only a question");
            }
            checkCount("deals", one(connection, "SELECT count(*) FROM deals"));
        }
    }

    /** The questions of DatabaseMetaData that tools fill their trees with. */
    void catalog() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            same(all(about.getCatalogs()), List.of(Map.of("TABLE_CAT", "tidemark")));
            same(all(about.getSchemas()), List.of(Map.of("TABLE_CATALOG", "tidemark", "TABLE_SCHEM", "public")));
            check(all(about.getSchemas(null, "no_such_schema")).isEmpty(), "a schema that is not there");
            same(all(about.getTableTypes()), List.of(Map.of("TABLE_TYPE", "VIEW")));
            Map<Object, Map<String, Object>> columns = new LinkedHashMap<>();
            all(about.getColumns(null, "public", "deals", "%")).forEach(row -> columns.put(row.get("COLUMN_NAME"), row));
            same(columns.get("deal_id").get("DATA_TYPE"), Types.VARCHAR);
            same(columns.get("amount").get("DATA_TYPE"), Types.DECIMAL);
            same(columns.get("amount").get("COLUMN_SIZE"), 38);
            same(columns.get("amount").get("DECIMAL_DIGITS"), 6);
            same(columns.get("amount").get("IS_NULLABLE"), "YES");
            same(columns.get("opened_at").get("DATA_TYPE"), Types.TIMESTAMP_WITH_TIMEZONE);
            same(columns.get("opened_on").get("DATA_TYPE"), Types.DATE);
            same(columns.get("cycle_ms").get("DATA_TYPE"), Types.BIGINT);
            same(all(about.getColumns(null, null, "deals", "amount")).size(), 1);
        }
    }

    /** Tools ask for tables and views by these names. */
    void tablesByType() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            for (String[] types : new String[][] {null, {"TABLE", "VIEW"}, {"VIEW"}}) {
                var names = all(about.getTables("tidemark", "public", "dea%", types)).stream().map(row -> row.get("TABLE_NAME")).toList();
                check(names.contains("deals") && names.stream().allMatch(name -> name.toString().startsWith("dea")), names);
            }
            check(all(about.getTables(null, null, "%", new String[] {"TABLE"})).isEmpty(), "a table that is no view");
        }
    }

    /** What a table means and what its columns mean. */
    void comments() throws Exception {
        try (Connection connection = connect()) {
            var column = all(connection.getMetaData().getColumns(null, "public", "deals", "deal_id")).get(0);
            check(column.get("REMARKS") != null, "deal_id has no comment");
        }
    }

    void keys() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            all(about.getPrimaryKeys(null, "public", "deals"));
            all(about.getImportedKeys(null, "public", "deals"));
            all(about.getExportedKeys(null, "public", "deals"));
            all(about.getCrossReference(null, "public", "deals", null, "public", "visits"));
            all(about.getIndexInfo(null, "public", "deals", false, true));
            all(about.getFunctions(null, "public", "%"));
            all(about.getProcedures(null, "public", "%"));
            all(about.getTypeInfo());
        }
    }

    /** Everything else that a tool can ask about the server; the driver has no answer of its own where the server gives none. */
    void aboutTheServer() throws Exception {
        try (Connection connection = connect()) {
            TreeSet<String> unanswered = new TreeSet<>();
            for (Method question : DatabaseMetaData.class.getMethods()) {
                if (question.getParameterCount() > 0 || question.getName().equals("getConnection")) {
                    continue;
                }
                try {
                    if (question.invoke(connection.getMetaData()) instanceof ResultSet rows) {
                        rows.close();
                    }
                } catch (InvocationTargetException error) {
                    unanswered.add(question.getName());
                }
            }
            check(unanswered.isEmpty(), unanswered.size() + " without an answer: " + unanswered);
            same(connection.getMetaData().getIdentifierQuoteString(), "\"");
        }
    }

    void cancel() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            Thread canceling = new Thread(() -> {
                try {
                    Thread.sleep(500);
                    statement.cancel();
                } catch (InterruptedException | SQLException error) {
                    error.printStackTrace();
                }
            });
            canceling.start();
            soon(() -> fails(() -> statement.executeQuery(LONG), "CANCELLED", ""));
            canceling.join();
            same(one(connection, "SELECT 1"), 1L);
        }
    }

    /** The driver's own, which only stops waiting: the statement is cancelled by hand, or closing it waits for the server's bound. */
    void timeout() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            soon(() -> fails(() -> statement.executeQuery(LONG), "SQLTimeoutException", "timed out"));
            soon(statement::cancel);
            same(one(connection, "SELECT 1"), 1L);
        }
    }

    /** At once, each asking several times. */
    void manyConnections() throws Exception {
        var threads = Executors.newFixedThreadPool(CONNECTIONS);
        try {
            Callable<Object> asking = () -> {
                try (Connection connection = connect()) {
                    for (int round = 0; round < 5; round++) {
                        checkCount("deals", one(connection, "SELECT count(*) FROM deals"));
                    }
                }
                return null;
            };
            for (var asked : threads.invokeAll(Collections.nCopies(CONNECTIONS, asking))) {
                asked.get();
            }
        } finally {
            threads.shutdown();
        }
    }

    Map<String, Step> steps() {
        Map<String, Step> steps = new LinkedHashMap<>();
        steps.put("log_in", this::logIn);
        steps.put("wrong_key", this::wrongKey);
        steps.put("count", this::count);
        steps.put("types_of_columns", this::typesOfColumns);
        steps.put("types_of_expressions", this::typesOfExpressions);
        steps.put("now", this::now);
        steps.put("parameters", this::parameters);
        steps.put("parameters_cast", this::parametersCast);
        steps.put("parameters_by_context", this::parametersByContext);
        steps.put("question_marks", this::questionMarks);
        steps.put("prepared", this::preparedAgain);
        steps.put("half_read", this::halfRead);
        steps.put("errors", this::errors);
        steps.put("writes", this::writes);
        steps.put("catalog", this::catalog);
        steps.put("tables_by_type", this::tablesByType);
        steps.put("comments", this::comments);
        steps.put("keys", this::keys);
        steps.put("about_the_server", this::aboutTheServer);
        steps.put("cancel", this::cancel);
        steps.put("timeout", this::timeout);
        steps.put("many_connections", this::manyConnections);
        return steps;
    }

    public static void main(String[] arguments) throws SQLException {
        // The driver logs what it also throws.
        LogManager.getLogManager().reset();
        List<String> only = List.of(Objects.requireNonNullElse(System.getenv("STEPS"), "").trim().split(" +"));
        FlightJdbcClient client = new FlightJdbcClient(arguments);
        boolean failed = false;
        try (Connection connection = client.connect()) {
            System.out.println("client JDBC flight-sql-jdbc-driver " + connection.getMetaData().getDriverVersion());
        }
        for (var step : client.steps().entrySet()) {
            if (!only.contains("") && !only.contains(step.getKey())) {
                continue;
            }
            try {
                step.getValue().run();
                System.out.println("ok " + step.getKey());
            } catch (Throwable error) {
                failed = true;
                System.out.println("failed " + step.getKey() + ": " + String.valueOf(error.getMessage()).replaceAll("\\s+", " "));
                error.printStackTrace();
            }
        }
        System.exit(failed ? 1 : 0);
    }
}
