// org.postgresql against the Postgres door: java -cp 'DIR/*' JdbcClient.java HOST PORT USER PASSWORD ['{"deals": 123}'].

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.regex.Pattern;

public class JdbcClient {
    static final String LONG = "SELECT sum(x % 7) FROM generate_series(1, 300000000000) AS s(x)";
    /** Type, value. */
    static final Object[][] VALUES = {
        {"text", "it's\n\"上海\" \\ %"},
        {"integer", -5},
        {"bigint", 9_007_199_254_740_993L},
        {"numeric(38, 6)", new BigDecimal("-125000.000001")},
        {"date", LocalDate.of(2026, 3, 5)},
        {"timestamptz", OffsetDateTime.of(2026, 3, 5, 8, 20, 0, 123_456_000, ZoneOffset.UTC)},
        {"boolean", true},
        {"text", null},
    };
    static final String[] WRITES = {
        "INSERT INTO deals (deal_id) VALUES ('D-x')",
        "UPDATE deals SET status = 'won'",
        "DELETE FROM deals",
        "CREATE TABLE scratch (a integer)",
        "DROP TABLE deals",
    };
    static final List<String> REFUSED = List.of("25006", "42501", "0A000");
    /** How the driver sends a statement: simple protocol, extended in text, extended in binary with a named statement from the first. */
    static final List<Map<String, String>> WAYS = List.of(
            Map.of("preferQueryMode", "simple"),
            Map.of("prepareThreshold", "0", "binaryTransfer", "false"),
            Map.of("prepareThreshold", "-1", "binaryTransfer", "true"),
            Map.of("prepareThreshold", "1"));

    final String url;
    final String user;
    final String password;
    final String counts;

    JdbcClient(String[] arguments) {
        url = "jdbc:postgresql://" + arguments[0] + ":" + arguments[1] + "/tidemark";
        user = arguments[2];
        password = arguments[3];
        counts = arguments.length > 4 ? arguments[4] : "{}";
    }

    Connection connect(Map<String, String> options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        properties.setProperty("connectTimeout", "10");
        properties.putAll(options);
        return DriverManager.getConnection(url, properties);
    }

    Connection connect() throws SQLException {
        return connect(Map.of());
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

    static void fails(Step step, String... states) throws Exception {
        try {
            step.run();
        } catch (SQLException error) {
            check(List.of(states).contains(error.getSQLState()), "SQLSTATE " + error.getSQLState() + ": " + error.getMessage());
            return;
        }
        throw new AssertionError("no error came");
    }

    static void soon(Step step) throws Exception {
        long started = System.nanoTime();
        step.run();
        check(System.nanoTime() - started < 10_000_000_000L, "took longer than 10 s");
    }

    static Object one(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 0; at < values.length; at++) {
                statement.setObject(at + 1, values[at]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                check(rows.next(), "no row: " + sql);
                return rows.getObject(1);
            }
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static List<Map<String, Object>> all(ResultSet rows) throws SQLException {
        List<Map<String, Object>> found = new ArrayList<>();
        while (rows.next()) {
            Map<String, Object> row = new HashMap<>();
            for (int at = 1; at <= rows.getMetaData().getColumnCount(); at++) {
                row.put(rows.getMetaData().getColumnLabel(at).toUpperCase(), rows.getObject(at));
            }
            found.add(row);
        }
        return found;
    }

    void checkCount(String table, Object found) {
        var matcher = Pattern.compile("\"" + table + "\"\\s*:\\s*(\\d+)").matcher(counts);
        same(found, matcher.find() ? Long.valueOf(matcher.group(1)) : found);
    }

    void logIn() throws Exception {
        try (Connection connection = connect()) {
            same(one(connection, "SELECT 1::integer"), 1);
            DatabaseMetaData about = connection.getMetaData();
            same(about.getDatabaseProductName(), "PostgreSQL");
            check(about.getDatabaseMajorVersion() >= 9, about.getDatabaseProductVersion());
            check(connection.isValid(5), "not valid");
            same(connection.getCatalog(), "tidemark");
            same(connection.getSchema(), "public");
        }
    }

    void wrongPassword() throws Exception {
        fails(() -> connect(Map.of("password", "not-the-key")), "28P01", "28000");
    }

    void count() throws Exception {
        for (Map<String, String> way : WAYS) {
            try (Connection connection = connect(way)) {
                checkCount("deals", one(connection, "SELECT count(*) FROM deals"));
            }
        }
    }

    void parameters(Map<String, String> way) throws Exception {
        StringBuilder sql = new StringBuilder("SELECT ");
        for (int at = 0; at < VALUES.length; at++) {
            sql.append(at > 0 ? ", " : "").append("?::").append(VALUES[at][0]);
        }
        try (Connection connection = connect(way); PreparedStatement statement = connection.prepareStatement(sql.toString())) {
            for (int round = 0; round < 3; round++) {
                for (int at = 0; at < VALUES.length; at++) {
                    statement.setObject(at + 1, VALUES[at][1]);
                }
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next(), "no row");
                    for (int at = 0; at < VALUES.length; at++) {
                        Object value = VALUES[at][1];
                        same(value == null ? rows.getObject(at + 1) : rows.getObject(at + 1, value.getClass()), value);
                    }
                }
            }
        }
    }

    void parametersSimple() throws Exception {
        parameters(WAYS.get(0));
    }

    void parametersExtended() throws Exception {
        parameters(WAYS.get(1));
    }

    void parametersBinary() throws Exception {
        parameters(WAYS.get(2));
        parameters(WAYS.get(3));
    }

    void parametersByContext() throws Exception {
        String sql = "SELECT count(*) FROM deals WHERE status = ? AND amount > ? AND opened_on >= ? AND opened_at < ? AND cycle_ms > ?";
        for (Map<String, String> way : WAYS) {
            try (Connection connection = connect(way)) {
                Object found = one(connection, sql, "won", VALUES[3][1], VALUES[4][1], VALUES[5][1], 7L);
                check((Long) found >= 0, found);
                // Limits as a BI tool sets them; a timestamp without a zone goes as a text without a type.
                try (PreparedStatement statement = connection.prepareStatement("SELECT deal_id FROM deals WHERE opened_at > ? LIMIT ?")) {
                    statement.setTimestamp(1, java.sql.Timestamp.valueOf("2020-01-01 00:00:00"));
                    statement.setInt(2, 2);
                    statement.setMaxRows(1);
                    // In the simple protocol nothing carries the limit of rows.
                    check(all(statement.executeQuery()).size() <= (way.containsKey("preferQueryMode") ? 2 : 1), "more rows than asked for");
                }
            }
        }
    }

    void typesOfColumns() throws Exception {
        try (Connection connection = connect();
                PreparedStatement statement = connection.prepareStatement("SELECT deal_id, amount, opened_at, opened_on, cycle_ms FROM deals")) {
            // Before it was executed: a Describe of the statement.
            var about = statement.getMetaData();
            List<String> names = new ArrayList<>();
            for (int at = 1; at <= about.getColumnCount(); at++) {
                names.add(about.getColumnTypeName(at));
            }
            same(names, List.of("text", "numeric", "timestamptz", "date", "int8"));
            same(about.getScale(2), 6);
            // Asked of pg_class and pg_attribute where the server names a column's table.
            check(List.of("deals", "").contains(about.getTableName(1)), about.getTableName(1));
            check(about.isNullable(2) != java.sql.ResultSetMetaData.columnNoNulls, "an amount may be null");
            same(statement.getParameterMetaData().getParameterCount(), 0);
        }
    }

    void prepared() throws Exception {
        for (Map<String, String> way : WAYS) {
            try (Connection connection = connect(way); PreparedStatement statement = connection.prepareStatement("SELECT ?::bigint + 1")) {
                for (long number = 0; number < 20; number++) {
                    statement.setLong(1, number);
                    try (ResultSet rows = statement.executeQuery()) {
                        check(rows.next() && rows.getLong(1) == number + 1, number);
                    }
                }
            }
        }
    }

    /** Rows in parts from a portal: with a fetch size, in a transaction. */
    void cursor() throws Exception {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("SELECT x FROM generate_series(1, 5000) AS s(x) WHERE x <= ?::bigint ORDER BY x")) {
                statement.setLong(1, 1_000);
                statement.setFetchSize(64);
                long expected = 0;
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        same(rows.getLong(1), ++expected);
                    }
                }
                same(expected, 1_000L);
                statement.setLong(1, 1_000_000);
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next(), "no row");
                }
                // As many as there are, in one part; room is made for what comes, not for what could.
                statement.setFetchSize(Integer.MAX_VALUE);
                long count = 0;
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        count++;
                    }
                }
                same(count, 5_000L);
            }
            connection.commit();
            same(one(connection, "SELECT 1::integer"), 1);
        }
    }

    void errors() throws Exception {
        for (Map<String, String> way : WAYS) {
            try (Connection connection = connect(way)) {
                fails(() -> one(connection, "SELECT no_such_column FROM deals"), "42703");
                fails(() -> one(connection, "SELECT * FROM no_such_table"), "42P01");
                fails(() -> one(connection, "SELEKT 1"), "42601");
                fails(() -> one(connection, "SELECT 1 / (x - 1) FROM generate_series(1, 2) AS s(x)"), "22012");
                same(one(connection, "SELECT ?::integer", 1), 1);
            }
        }
    }

    void writes() throws Exception {
        try (Connection connection = connect()) {
            for (String sql : WRITES) {
                fails(() -> execute(connection, sql), REFUSED.toArray(String[]::new));
            }
            checkCount("deals", one(connection, "SELECT count(*) FROM deals"));
        }
    }

    /** Read-only is `BEGIN READ ONLY` in a transaction and a setting of the session otherwise. */
    void transactions() throws Exception {
        for (String mode : List.of("transaction", "always")) {
            try (Connection connection = connect(Map.of("readOnlyMode", mode))) {
                connection.setReadOnly(true);
                connection.setAutoCommit(false);
                one(connection, "SELECT count(*) FROM deals");
                connection.commit();
                fails(() -> one(connection, "SELECT no_such_column FROM deals"), "42703");
                fails(() -> one(connection, "SELECT 1"), "25P02");
                connection.rollback();
                same(one(connection, "SELECT 1::integer"), 1);
                connection.rollback();
                connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                connection.setAutoCommit(true);
                same(one(connection, "SELECT 1::integer"), 1);
            }
        }
    }

    /** The questions of DatabaseMetaData: what DBeaver, Metabase, Tableau and every JDBC tool fill their trees with. */
    void catalog() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            check(all(about.getSchemas()).stream().anyMatch(row -> row.get("TABLE_SCHEM").equals("public")), "no schema public");
            check(!all(about.getCatalogs()).isEmpty() && !all(about.getTableTypes()).isEmpty(), "no catalogs or no table types");
            var tables = all(about.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}));
            var deals = tables.stream().filter(row -> row.get("TABLE_NAME").equals("deals")).findFirst().orElseThrow();
            check(deals.get("REMARKS") != null, "deals has no comment");
            Map<Object, Map<String, Object>> columns = new LinkedHashMap<>();
            all(about.getColumns(null, "public", "deals", "%")).forEach(row -> columns.put(row.get("COLUMN_NAME"), row));
            check(columns.get("deal_id").get("REMARKS") != null, "deal_id has no comment");
            same(columns.get("amount").get("DATA_TYPE"), Types.NUMERIC);
            same(columns.get("amount").get("DECIMAL_DIGITS"), 6);
            same(columns.get("opened_at").get("TYPE_NAME"), "timestamptz");
            same(columns.get("opened_on").get("DATA_TYPE"), Types.DATE);
            same(columns.get("cycle_ms").get("TYPE_NAME"), "int8");
        }
    }

    void catalogOfTheRest() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            all(about.getPrimaryKeys(null, "public", "deals"));
            all(about.getImportedKeys(null, "public", "deals"));
            all(about.getExportedKeys(null, "public", "deals"));
            all(about.getIndexInfo(null, "public", "deals", false, true));
            all(about.getBestRowIdentifier(null, "public", "deals", DatabaseMetaData.bestRowSession, true));
            all(about.getTablePrivileges(null, "public", "deals"));
            all(about.getColumnPrivileges(null, "public", "deals", "%"));
            all(about.getFunctions(null, "public", "%"));
            all(about.getProcedures(null, "public", "%"));
            all(about.getUDTs(null, "public", "%", null));
            check(all(about.getTypeInfo()).stream().anyMatch(row -> row.get("TYPE_NAME").equals("text")), "no type text");
            // Words of PostgreSQL that SQL has not: asked of pg_get_keywords().
            check(about.getSQLKeywords().contains("vacuum") || about.getSQLKeywords().contains("limit"), about.getSQLKeywords());
            check(about.getMaxColumnNameLength() > 0, "no longest name");
            for (String answer : List.of(about.getNumericFunctions(), about.getStringFunctions(), about.getTimeDateFunctions())) {
                check(!answer.isEmpty(), "no functions");
            }
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
            soon(() -> fails(() -> statement.executeQuery(LONG), "57014"));
            canceling.join();
            same(one(connection, "SELECT 1::integer"), 1);
        }
    }

    /** The server's by its setting, also from the start-up message, and the driver's own, which cancels. */
    void timeout() throws Exception {
        try (Connection connection = connect(Map.of("options", "-c statement_timeout=300"))) {
            soon(() -> fails(() -> one(connection, LONG), "57014"));
            execute(connection, "SET statement_timeout = 0");
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                soon(() -> fails(() -> statement.executeQuery(LONG), "57014"));
            }
            same(one(connection, "SELECT 1::integer"), 1);
        }
    }

    Map<String, Step> steps() {
        Map<String, Step> steps = new LinkedHashMap<>();
        steps.put("log_in", this::logIn);
        steps.put("wrong_password", this::wrongPassword);
        steps.put("count", this::count);
        steps.put("parameters_simple", this::parametersSimple);
        steps.put("parameters_extended", this::parametersExtended);
        steps.put("parameters_binary", this::parametersBinary);
        steps.put("parameters_by_context", this::parametersByContext);
        steps.put("types_of_columns", this::typesOfColumns);
        steps.put("prepared", this::prepared);
        steps.put("cursor", this::cursor);
        steps.put("errors", this::errors);
        steps.put("writes", this::writes);
        steps.put("transactions", this::transactions);
        steps.put("catalog", this::catalog);
        steps.put("catalog_of_the_rest", this::catalogOfTheRest);
        steps.put("cancel", this::cancel);
        steps.put("timeout", this::timeout);
        return steps;
    }

    public static void main(String[] arguments) {
        List<String> only = List.of(Objects.requireNonNullElse(System.getenv("STEPS"), "").trim().split(" +"));
        boolean failed = false;
        System.out.println("client JDBC org.postgresql " + org.postgresql.util.DriverInfo.DRIVER_VERSION);
        for (var step : new JdbcClient(arguments).steps().entrySet()) {
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
