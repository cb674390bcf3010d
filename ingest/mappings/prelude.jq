# What every mapping can use beside jq's own functions. A row's values are texts; those of NDJSON, Parquet and workbooks are what
# they are in JSON: numbers, truth values, null; their dates are ISO texts.

# Refuses the row as a whole, with a reason that is counted and kept.
def refuse($reason): error($reason);

# text: a text without the spaces around it, null where nothing is left; other values stay as they are.

# A number; null where nothing is left. What is no number refuses the row.
def number: text | if type == "string" then (tonumber? // refuse("\(tojson) is no number")) else . end;

# filled: an object without the fields that are null or "".

# A date and time in a form of strptime, or in the first of a list of forms that fits: instant_in("%d %b, %Y %H:%M:%S").
# The forms are those of chrono (https://docs.rs/chrono/latest/chrono/format/strftime). Without %z it is a time of the tenant's
# time zone. null and "" stay null; what fits no form refuses the row.
def instant_in($forms): text | if . == null then null else moment_in($forms) end;

# The day of the same, as 2026-03-05.
def date_in($forms): instant_in($forms) | if . == null then null else .[:10] end;

# Milliseconds since 1970 of a time without offset, taken as UTC: a revision of what has only its time of modification.
def revision_in($forms): instant_in($forms) | if . == null then 0 else (.[:19] + "Z" | fromdateiso8601 * 1000) end;

# An exact amount as a text of digits, with the decimal mark that the texts have: "1.234,56" | money_in(",") is "1234.56".
def money_in($mark):
  text | if . == null then null else money_with($mark) end;

# The same with a point: "$22,700.00" is "22700", "$342.09K" "342090", "(9.50)" "-9.5". null and "" are null: say `money // "0"`
# where empty means nothing owed. What is no amount refuses the row.
def money: money_in(".");

# stable_id: an id of 32 hexadecimal digits for what has none, the same for the same value: [.a, .b] | stable_id.

# The row of a file given by `--with NAME=FILE` whose column has this value; null where there is none, and the first of several.
# The file is indexed once, so a million rows ask a million questions. `$NAME` is the whole file as a list of rows.
def lookup($name; $column; $value): rows_of($name; $column; $value)[0];

# All rows of it that have this value.
def lookup_all($name; $column; $value): rows_of($name; $column; $value)[];

# Whether there is such a file.
def given($name): $name | is_given;

# As jq's own range, but each number counts as a step of the program, of which a row may take two million.
def range($from; $to; $by):
  $from | if $by > 0 then while(. < $to; . + $by) elif $by < 0 then while(. > $to; . + $by) else while(. != $to; . + $by) end;
def range($from; $to): range($from; $to; 1);
def range($to): range(0; $to; 1);
