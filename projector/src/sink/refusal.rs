//! Which answers of ClickHouse are refusals: trying again changes nothing until somebody changes something there.

/// Error codes of ClickHouse (`src/Common/ErrorCodes.cpp`) that do not go away by themselves. Everything else may: memory,
/// disk, too many parts, a lost connection, a replica that is read-only while it looks for its Keeper.
const REFUSALS: &[(u16, &str)] = &[
    (8, "THERE_IS_NO_COLUMN"),
    (10, "NOT_FOUND_COLUMN_IN_BLOCK"),
    (16, "NO_SUCH_COLUMN_IN_TABLE"),
    (36, "BAD_ARGUMENTS"),
    (44, "ILLEGAL_COLUMN"),
    (47, "UNKNOWN_IDENTIFIER"),
    (48, "NOT_IMPLEMENTED"),
    (50, "UNKNOWN_TYPE"),
    (53, "TYPE_MISMATCH"),
    (60, "UNKNOWN_TABLE"),
    (62, "SYNTAX_ERROR"),
    (69, "ARGUMENT_OUT_OF_BOUND"),
    (70, "CANNOT_CONVERT_TYPE"),
    (73, "UNKNOWN_FORMAT"),
    (81, "UNKNOWN_DATABASE"),
    (115, "UNKNOWN_SETTING"),
    (164, "READONLY"),
    (192, "UNKNOWN_USER"),
    (193, "WRONG_PASSWORD"),
    (194, "REQUIRED_PASSWORD"),
    (321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE"),
    (349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN"),
    (407, "DECIMAL_OVERFLOW"),
    (452, "SETTING_CONSTRAINT_VIOLATION"),
    (469, "VIOLATED_CONSTRAINT"),
    (497, "ACCESS_DENIED"),
    (516, "AUTHENTICATION_FAILED"),
];

/// `NOT_ENOUGH_SPACE`, and what a file system says itself.
const FULL: [&str; 2] = ["Code: 243.", "No space left on device"];

/// Whether ClickHouse's disk is full, which goes away once somebody makes room.
pub fn is_full(answer: &str) -> bool {
    FULL.iter().any(|full| answer.contains(full))
}

/// The name of a refusal, `… Code: 60. DB::Exception: …`; none where an answer is not one.
fn refusal(answer: &str) -> Option<&'static str> {
    let (_, rest) = answer.split_once("Code: ")?;
    let code: u16 = rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()?;
    REFUSALS.iter().find(|(refusal, _)| *refusal == code).map(|(_, name)| *name)
}

/// Whether an answer is a refusal.
pub fn is_refusal(answer: &str) -> bool {
    refusal(answer).is_some()
}

/// What somebody must do about a refusal. Tables are made at the start, and of all events only where the database is new: a
/// table put back by hand would stay without the rows from before, which nothing misses but the last of them.
pub fn mend(answer: &str) -> &'static str {
    match refusal(answer) {
        Some("UNKNOWN_TABLE") => {
            "a table was dropped, and one put back by hand would lack its rows. Drop the whole database, stop and start: all is read \
             again from the log"
        }
        Some("UNKNOWN_DATABASE") => "the database was dropped. Stop and start: all is read again from the log",
        _ => "mend it there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_must_mend_is_a_refusal() {
        assert!(is_refusal("bad response: Code: 60. DB::Exception: Table tidemark.events does not exist. (UNKNOWN_TABLE)"));
        assert!(is_refusal("Code: 164. DB::Exception: user: Cannot execute query in readonly mode. (READONLY)"));
        for passing in [
            "Code: 241. DB::Exception: Memory limit exceeded",
            "Code: 252. DB::Exception: Too many parts",
            "network error: closed",
        ] {
            assert!(!is_refusal(passing), "{passing}");
        }
    }

    #[test]
    fn what_is_gone_is_made_anew_and_not_mended() {
        let dropped = mend("Code: 60. DB::Exception: Table tidemark.deals does not exist. (UNKNOWN_TABLE)");
        assert!(dropped.contains("Drop the whole database, stop and start"), "{dropped}");
        assert!(mend("Code: 81. DB::Exception: Database tidemark does not exist. (UNKNOWN_DATABASE)").contains("Stop and start"));
        assert_eq!(mend("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)"), "mend it there");
    }
}
