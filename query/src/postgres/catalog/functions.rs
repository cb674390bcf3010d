//! PostgreSQL's functions that clients call and the library does not have.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    common::exec_err,
    datasource::{MemTable, TableProvider},
    error::Result,
    logical_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SimpleScalarUDF, Volatility, create_udf,
    },
    prelude::SessionContext,
    scalar::ScalarValue,
};

use super::SERVER_VERSION;

/// Settings that clients ask for by function, as long as nothing else was SET.
const DEFAULTS: [(&str, &str); 12] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, YMD"),
    ("extra_float_digits", "1"),
    ("jit", "off"),
    ("max_index_keys", "32"),
    ("search_path", "public"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("standard_conforming_strings", "on"),
    ("timezone", "UTC"),
];

/// What a connection has SET, for `current_setting`.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Settings(Arc<Mutex<HashMap<String, String>>>);

impl Settings {
    /// Takes over what is set now.
    pub(in super::super) fn replace(&self, settings: &HashMap<String, String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = settings.clone();
    }

    /// What a setting is now; none where it is unknown.
    pub(in super::super) fn get(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let set = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        set.or_else(|| DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }
}

/// Numbers of types that clients look up by name.
const TYPES: [(&str, i32); 16] = [
    ("bool", 16),
    ("boolean", 16),
    ("bytea", 17),
    ("int8", 20),
    ("bigint", 20),
    ("int2", 21),
    ("int4", 23),
    ("integer", 23),
    ("text", 25),
    ("float4", 700),
    ("float8", 701),
    ("varchar", 1043),
    ("date", 1082),
    ("timestamp", 1114),
    ("timestamptz", 1184),
    ("numeric", 1700),
];

/// What they would describe, there is none of.
const WITHOUT_TEXT: [&str; 12] = [
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "pg_size_pretty",
    "pg_tablespace_location",
    "shobj_description",
];

/// `pg_settings`: what `current_setting` says where nothing was SET.
///
/// # Errors
/// What DataFusion says.
pub(super) fn settings() -> Result<Arc<dyn TableProvider>> {
    let same = |value: &'static str| Arc::new(StringArray::from(vec![value; DEFAULTS.len()])) as ArrayRef;
    let names = DEFAULTS.iter().map(|(name, _)| Some(*name)).collect::<StringArray>();
    let values = || Arc::new(DEFAULTS.iter().map(|(_, value)| Some(*value)).collect::<StringArray>()) as ArrayRef;
    let columns = [
        ("name", Arc::new(names) as ArrayRef),
        ("setting", values()),
        ("unit", same("")),
        ("category", same("Tidemark")),
        ("short_desc", same("")),
        ("context", same("user")),
        ("vartype", same("string")),
        ("source", same("default")),
        ("boot_val", values()),
        ("reset_val", values()),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, values)| values).collect())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

/// Adds them to a session.
pub(super) fn register(session: &SessionContext, tenant: &Arc<str>, settings: &Settings) {
    let text = |name: &str, value: &str| constant(name, ScalarValue::Utf8(Some(value.to_owned())), DataType::Utf8);
    // Clients read the number out of the text, and give up on a text that does not begin as PostgreSQL's does.
    session.register_udf(text("version", &format!("PostgreSQL {SERVER_VERSION} (Tidemark {})", env!("CARGO_PKG_VERSION"))));
    for name in ["current_user", "session_user", "current_role", "user"] {
        session.register_udf(text(name, tenant));
    }
    for name in ["pg_advisory_unlock_all", "inet_server_addr"] {
        session.register_udf(constant(name, ScalarValue::Utf8(None), DataType::Utf8));
    }
    session.register_udf(constant("pg_is_in_recovery", ScalarValue::Boolean(Some(true)), DataType::Boolean));
    session.register_udf(constant("txid_current", ScalarValue::Int64(Some(1)), DataType::Int64));
    session.register_udf(ScalarUDF::from(CurrentSetting {
        signature: Signature::variadic_any(Volatility::Volatile),
        settings: settings.clone(),
    }));
    // What is set by function holds for nobody: only SET does.
    session.register_udf(create_udf(
        "set_config",
        vec![DataType::Utf8, DataType::Utf8, DataType::Boolean],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(|arguments: &[ColumnarValue]| Ok(arguments[1].clone())),
    ));
    session.register_udf(create_udf(
        "to_regtype",
        vec![DataType::Utf8],
        DataType::Int32,
        Volatility::Stable,
        Arc::new(to_regtype),
    ));
    // There is one schema, and it is in the search path.
    for of in [
        "type",
        "function",
        "operator",
        "collation",
        "conversion",
        "opclass",
        "opfamily",
        "statistics_obj",
        "ts_config",
        "ts_dict",
    ] {
        let seen = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
        let name = format!("pg_{of}_is_visible");
        session.register_udf(create_udf(&name, vec![DataType::Int32], DataType::Boolean, Volatility::Stable, Arc::new(seen)));
    }
    let no_text = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)));
    for name in WITHOUT_TEXT.into_iter().filter(|name| !session.state_ref().read().scalar_functions().contains_key(*name)) {
        let signature = Signature::variadic_any(Volatility::Stable);
        let function = SimpleScalarUDF::new_with_signature(name, signature, DataType::Utf8, Arc::new(no_text));
        session.register_udf(ScalarUDF::from(function));
    }
    // How large a table is, is nobody's business here.
    for name in ["pg_table_size", "pg_relation_size", "pg_total_relation_size", "pg_database_size"] {
        let signature = Signature::variadic_any(Volatility::Stable);
        let nothing = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Int64(None)));
        let function = SimpleScalarUDF::new_with_signature(name, signature, DataType::Int64, Arc::new(nothing));
        session.register_udf(ScalarUDF::from(function));
    }
    let signature = Signature::variadic_any(Volatility::Stable);
    let may = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
    let function = SimpleScalarUDF::new_with_signature("has_function_privilege", signature, DataType::Boolean, Arc::new(may));
    session.register_udf(ScalarUDF::from(function));
    let signature = Signature::variadic_any(Volatility::Immutable);
    session.register_udf(ScalarUDF::from(SimpleScalarUDF::new_with_signature(
        "format",
        signature,
        DataType::Utf8,
        Arc::new(format_text),
    )));
    // There are no indexes whose columns it could expand.
    let nothing = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::Int32(None)));
    let (any, number) = (vec![DataType::Utf8], DataType::Int32);
    session.register_udf(create_udf("_pg_expandarray", any, number, Volatility::Stable, Arc::new(nothing)));
}

fn constant(name: &str, value: ScalarValue, data_type: DataType) -> ScalarUDF {
    create_udf(name, vec![], data_type, Volatility::Stable, Arc::new(move |_| Ok(ColumnarValue::Scalar(value.clone()))))
}

/// `current_setting(name)`, with or without whether a missing one is NULL, which it always is.
#[derive(Debug)]
struct CurrentSetting {
    signature: Signature,
    settings: Settings,
}

impl PartialEq for CurrentSetting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.settings.0, &other.settings.0)
    }
}

impl Eq for CurrentSetting {}

impl Hash for CurrentSetting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.settings.0).hash(state);
    }
}

impl ScalarUDFImpl for CurrentSetting {
    fn name(&self) -> &str {
        "current_setting"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(names) = args.args.first() else { return exec_err!("current_setting takes a name") };
        let names = texts(names)?;
        let found: StringArray = names.as_string::<i32>().iter().map(|name| self.settings.get(name?)).collect();
        // One value for a literal name, whatever the number of rows.
        if found.len() == 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// Adds `to_regclass(name)`: the number of the table that a name, with or without its schema, is of.
pub(super) fn register_to_regclass(session: &SessionContext, oids: &Arc<HashMap<String, i32>>) {
    let oids = Arc::clone(oids);
    let number = move |arguments: &[ColumnarValue]| {
        let names = texts(&arguments[0])?;
        let table = |name: &str| oids.get(name.rsplit('.').next().unwrap_or(name).trim_matches('"')).copied();
        let numbers: Int32Array = names.as_string::<i32>().iter().map(|name| table(name?)).collect();
        Ok(ColumnarValue::Array(Arc::new(numbers)))
    };
    session.register_udf(create_udf("to_regclass", vec![DataType::Utf8], DataType::Int32, Volatility::Stable, Arc::new(number)));
}

fn to_regtype(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let number = |name: &str| TYPES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    let names = texts(&arguments[0])?;
    let numbers: Int32Array = names.as_string::<i32>().iter().map(|name| number(name?)).collect();
    if numbers.len() == 1 {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&numbers, 0)?));
    }
    Ok(ColumnarValue::Array(Arc::new(numbers)))
}

/// `format(text, …)` with `%s` (as it is), `%I` (a name), `%L` (a text in quotes) and `%%`.
fn format_text(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let columns = ColumnarValue::values_to_arrays(arguments)?;
    let columns = columns.iter().map(|column| Ok(arrow::compute::cast(column, &DataType::Utf8)?)).collect::<Result<Vec<_>>>()?;
    let Some((formats, values)) = columns.split_first() else { return exec_err!("format takes a text") };
    let value = |place: usize, row: usize| {
        let texts = values.get(place)?.as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let formatted = formats.as_string::<i32>().iter().enumerate().map(|(row, format)| {
        let (mut text, mut place, mut letters) = (String::new(), 0, format?.chars());
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            let kind = letters.next()?;
            if kind == '%' {
                text.push('%');
                continue;
            }
            let value = value(place, row);
            place += 1;
            match kind {
                's' => text.push_str(&value.unwrap_or_default()),
                'I' => text.push_str(&name(&value?)),
                'L' => text.push_str(&value.map_or("NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))),
                _ => return None,
            }
        }
        Some(text)
    });
    let formatted: StringArray = formatted.collect();
    let is_one = arguments.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    if is_one {
        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&formatted, 0)?))
    } else {
        Ok(ColumnarValue::Array(Arc::new(formatted)))
    }
}

/// A name as it may stand in a statement, in quotes where it has to.
fn name(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit())
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if is_plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn texts(value: &ColumnarValue) -> Result<ArrayRef> {
    let rows = match value {
        ColumnarValue::Array(array) => array.len(),
        ColumnarValue::Scalar(_) => 1,
    };
    Ok(arrow::compute::cast(&value.to_array(rows)?, &DataType::Utf8)?)
}
