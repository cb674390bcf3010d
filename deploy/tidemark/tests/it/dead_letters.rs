//! A strange file, a mapping with mistakes, and what a user does then: look at the dead letters, mend the mapping, replay, drop.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stack::{KEY, Stack, tidemark};

const FILE: &str = "Nr;Datum;Vertreter;Kunde;Betrag;Status;Grund
D1;05.03.2026;R1;A1;1.234,56;gewonnen;
D2;06.03.2026;R1;A2;500;gewonnen;
D3;07.03.2026;R2;A3;99,5;verloren;Preis
D4;08.03.2026;R2;A4;700;verloren;Preis
D5;09.03.2026;R2
";

/// Two mistakes: amounts are read with a decimal point, and a lost deal has a colour.
const MISTAKEN: &str = r#"
def deal($type; $data):
  { type: $type, event_id: "\(.Nr):\($type)", rep_id: .Vertreter, account_id: .Kunde,
    occurred_at: (.Datum | date_in("%d.%m.%Y")), data: ({ deal_id: .Nr } + $data) };
deal("deal.opened"; { kind: "new", amount: (.Betrag | money), currency: "CNY" }),
if .Status == "gewonnen" then deal("deal.won"; {}) else deal("deal.lost"; { reason: .Grund, colour: "red" }) end
"#;

/// How long a count of the projector's may take to be seen.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

struct Company {
    stack: Stack,
}

impl Company {
    fn run(&self, arguments: &[&str]) -> Output {
        self.stack.run(&arguments.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Rows are refused, and everything else is done.
    fn imported(&self, arguments: &[&str]) -> String {
        self.refused(&[&["import"], arguments].concat())
    }

    /// Some is refused, and everything else is done.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.stack.state().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Waits until the stamp of trust counts as many.
    async fn expect_pending(&self, letters: u64) {
        let asked = Instant::now();
        loop {
            let freshness = self.stack.get("/v1/freshness").await;
            if freshness["dead_letters"] == letters {
                return;
            }
            assert!(asked.elapsed() < SEEN_WITHIN, "{letters} pending letters expected: {freshness}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn march(&self, kpi: &str, after: &str) -> Value {
        let answer = self.stack.get(&format!("/v1/kpis/{kpi}?from=2026-03-01&to=2026-03-31&grain=month&after={after}")).await;
        answer["rows"][0]["value"].clone()
    }
}

fn position(said: &str) -> String {
    said.lines().find_map(|line| line.strip_prefix("position ")).unwrap_or_else(|| panic!("no position in {said}")).to_owned()
}

/// The columns of the lines of a table.
fn columns(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test]
async fn a_mistaken_mapping_is_mended_and_what_it_refused_is_replayed() {
    let company = Company { stack: Stack::start() };
    let file = company.write("verkauf.csv", FILE);
    let mapping = company.write("mapping.jq", MISTAKEN);
    let (file, mapping) = (file.to_str().unwrap(), mapping.to_str().unwrap());
    let imported = company.imported(&[file, "--mapping", mapping]);
    assert!(imported.contains("1 of 5 rows accepted (3 of 4 events)"), "{imported}");
    assert_eq!(company.march("won_amount", &position(&imported)).await, "500");
    company.expect_pending(4).await;

    // What there is, by cause, and one of them whole with the row that it came from.
    let listed = company.said(&["dead", "list"]);
    let found: Vec<Vec<&str>> = columns(&listed).into_iter().map(|line| line.into_iter().take(4).collect()).collect();
    assert_eq!(found[0], ["LETTERS", "REASON", "FIELD", "SOURCE"], "{listed}");
    assert_eq!(found[1], ["2", "unmapped", "crm", "\"99,5\""], "{listed}");
    assert!(found.contains(&vec!["1", "unknown_field", "data.colour", "crm"]), "{listed}");
    assert!(listed.contains("broken_row") && listed.ends_with("4 pending dead letters\n"), "{listed}");
    for (of, letters) in [("some/verkauf.csv", 4), ("other.csv", 0)] {
        let listed = company.said(&["dead", "list", "--file", of]);
        assert!(listed.ends_with(&format!("{letters} pending dead letters\n")), "{of}: {listed}");
    }
    let letters = company.said(&["dead", "list", "--letters", "--reason", "unknown_field"]);
    let id = columns(&letters)[1][0].to_owned();
    let shown = company.said(&["dead", "show", &id]);
    assert!(
        shown.contains("verkauf.csv, line 5") && shown.contains(r#""Betrag":"700""#) && shown.contains("deal.lost"),
        "{shown}"
    );

    // Mended, tried, replayed.
    let mended = MISTAKEN.replace("money)", "money_in(\",\"))").replace(", colour: \"red\"", "");
    let mended = company.write("mended.jq", &mended);
    let replay = ["dead", "replay", "--all", "--mapping", mended.to_str().unwrap()];
    let tried = company.refused(&[&replay[..], &["--dry-run"]].concat());
    let would_be =
        "3 of 4 letters would be replayed\n  2 × deal.lost\n  3 × deal.opened\n  1 × deal.won\nstill refused: 1, by reason\n";
    assert!(tried.starts_with(would_be), "{tried}");
    let short =
        r#"the row has 3 columns, the header has 7: "Kunde", "Betrag", "Status", "Grund" are missing, so that a mapping gets it"#;
    assert!(tried.contains(short), "{tried}");
    company.expect_pending(4).await;
    let replayed = company.refused(&replay);
    assert!(replayed.contains("3 of 4 letters replayed"), "{replayed}");
    let after = position(&replayed);
    assert_eq!(company.march("won_amount", &after).await, "1734.56");
    assert_eq!(company.march("deals_lost", &after).await, "2");
    company.expect_pending(1).await;

    // Again changes nothing.
    let again = company.said(&["dead", "replay", &id, "--mapping", mended.to_str().unwrap()]);
    assert!(again.contains("0 of 1 letters replayed, 1 were dealt with before") && !again.contains("position"), "{again}");
    assert_eq!(company.march("won_amount", &after).await, "1734.56");

    // The broken row is nobody's.
    let asked = company.run(&["dead", "drop", "--reason", "broken_row"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(!asked.status.success() && said.contains("1 letters would be dropped"), "{said}");
    let dropped = company.said(&["dead", "drop", "--reason", "broken_row", "--yes"]);
    assert!(dropped.contains("1 of 1 letters dropped"), "{dropped}");
    company.expect_pending(0).await;
    assert_eq!(company.said(&["dead", "list"]), "0 pending dead letters\n");
    let rows = company.stack.sql_as(KEY, "SELECT state, count(*) AS n FROM dead_letters GROUP BY state ORDER BY state").await;
    assert_eq!(rows["rows"].to_string(), r#"[{"n":1,"state":"dropped"},{"n":3,"state":"replayed"}]"#, "{rows}");
}

#[tokio::test]
async fn an_event_is_edited_and_a_wrong_program_named() {
    let company = Company { stack: Stack::start() };
    let event = r#"{"type":"visit.completed","event_id":"v1","rep_id":"R-7","day":"2026-03-05","data":{"visit_id":"V-1"}}"#;
    let file = company.write("visits.ndjson", event);
    let identity = company.write("identity.jq", ".");
    let imported = company.imported(&[file.to_str().unwrap(), "--mapping", identity.to_str().unwrap()]);
    assert!(imported.contains("0 of 1 rows accepted"), "{imported}");
    let wrong = company.run(&["dead", "replay", "--all", "--edit", ".day |"]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("--edit, line 1"), "{said}");
    let replayed = company.said(&["dead", "replay", "--field", "day", "--edit", ".occurred_at = .day | del(.day)"]);
    assert!(replayed.contains("1 of 1 letters replayed\n  1 × visit.completed"), "{replayed}");
    assert_eq!(company.march("visits", &position(&replayed)).await, "1");
    company.expect_pending(0).await;
}

#[tokio::test]
async fn a_file_imported_again_with_a_mended_mapping_names_the_letters_from_before() {
    let company = Company { stack: Stack::start() };
    let file = company.write("verkauf.csv", FILE);
    let file = file.to_str().unwrap();
    let mapping = company.write("mapping.jq", MISTAKEN);
    let first = company.imported(&[file, "--mapping", mapping.to_str().unwrap()]);
    assert!(!first.contains("from before"), "{first}");
    company.expect_pending(4).await;
    let mended = MISTAKEN.replace("money)", "money_in(\",\"))").replace(", colour: \"red\"", "");
    let mended = company.write("mended.jq", &mended);
    let second = company.imported(&[file, "--mapping", mended.to_str().unwrap()]);
    // The broken row came again: its letter is of now.
    assert!(second.contains("3 dead letters of verkauf.csv are pending from before"), "{second}");
    assert!(second.contains("what is still refused of them has letters of now"), "{second}");
    let drop_them =
        second.lines().find_map(|line| line.split("tidemark ").nth(1).filter(|said| said.starts_with("dead drop"))).unwrap();
    let arguments: Vec<&str> = drop_them.split(' ').map(|argument| argument.trim_matches('\'')).collect();
    let dropped = company.said(&arguments);
    assert!(dropped.contains("3 of 3 letters dropped"), "{dropped}");
    company.expect_pending(1).await;
}

#[test]
fn help_teaches_with_examples() {
    for arguments in
        [&["dead", "--help"][..], &["dead", "list", "--help"], &["dead", "replay", "--help"], &["dead", "drop", "--help"]]
    {
        let help = String::from_utf8(tidemark().args(arguments).output().unwrap().stdout).unwrap();
        assert!(help.contains("Examples:") && help.contains("  tidemark dead "), "{arguments:?}: {help}");
    }
}
