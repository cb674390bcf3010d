//! `tidemark import` as people use it: a file again, a corrected one, and one that is larger than memory would like.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stack::{KEY, Stack, status_field};

/// How often the memory of an import is looked at; the system keeps the highest mark itself.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Rows of the larger file; `IMPORT_ROWS=1000000` for the real thing.
const ROWS_DEFAULT: u64 = 30_000;
/// What any import may take, whatever the rows.
const PEAK_MIB_MAX: u64 = 160;
/// What three times the rows may take more: noise of the allocator.
const GROWTH_MIB_MAX: u64 = 24;

/// Deals as a spreadsheet exports them: Latin-1, semicolons, quoted newlines, days first, money as people write it.
const MAPPING: &str = r#"
if .Betrag == "" then refuse("no amount") else
  ([.Kunde, .Nummer] | stable_id) as $deal | (.["Geöffnet"] | date_in(["%d.%m.%Y", "%d/%m/%y"])) as $opened |
  { type: "deal.opened", event_id: "\($deal):opened", rep_id: .Vertreter, occurred_at: $opened,
    data: { deal_id: $deal, name: .Kunde, stage: "proposal" } },
  { type: "deal.won", event_id: "\($deal):won", rep_id: .Vertreter, occurred_at: $opened,
    data: { deal_id: $deal, amount: (.Betrag | money), currency: "CNY" } }
end
"#;

const FILE: &str = "Nummer;Kunde;Vertreter;Geöffnet;Betrag
1;\"Müller;
Söhne\";Zoë;05.03.2026;$22,700.00
2;Café;Zoë;06/03/26;$342.09K
3;Café;Zoë;06.03.2026;
";

#[tokio::test]
async fn a_file_again_changes_nothing_and_a_corrected_one_corrects() {
    let stack = Stack::start();
    let directory = tempfile::tempdir().unwrap();
    let (file, mapping) = (directory.path().join("deals.csv"), directory.path().join("deals.jq"));
    fs::write(&mapping, MAPPING).unwrap();
    let write =
        |text: &str| fs::write(&file, text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>()).unwrap();
    write(FILE);
    let first = import(&stack, &file, &mapping, &[]);
    assert!(first.said.contains("2 of 3 rows accepted (4 of 4 events), 1 rows refused"), "{}", first.said);
    assert!(first.said.contains("1 × no amount") && first.said.contains("rows/s"), "{}", first.said);
    let numbers = numbers(&stack, &first.position).await;
    assert_eq!(numbers["won_amount"], "364790");
    assert_eq!(numbers["verdicts"], json!([{ "verdict": "admitted", "n": 4 }]));

    let again = import(&stack, &file, &mapping, &[]);
    let unchanged = self::numbers(&stack, &again.position).await;
    assert_eq!((&unchanged["won_amount"], &unchanged["deals"]), (&numbers["won_amount"], &numbers["deals"]));
    let verdicts = json!([{ "verdict": "admitted", "n": 4 }, { "verdict": "duplicate", "n": 4 }]);
    assert_eq!(unchanged["verdicts"], verdicts, "the same events: nothing but duplicates");

    assert!(!again.said.contains("conflict"), "{}", again.said);

    write(&FILE.replace("342.09K", "342.1K"));
    let conflicting = import(&stack, &file, &mapping, &[]);
    assert!(
        conflicting.said.contains("1 events that came since this import began had the identity and revision of others"),
        "{}",
        conflicting.said
    );
    assert!(
        conflicting.said.contains("a higher --revision") && conflicting.said.contains("SELECT event_id"),
        "{}",
        conflicting.said
    );

    let corrected = import(&stack, &file, &mapping, &["--revision", "1"]);
    let corrected = self::numbers(&stack, &corrected.position).await;
    assert_eq!(corrected["won_amount"], "364800");
    assert_eq!(corrected["deals"].as_array().unwrap().len(), 2, "the same deals: {corrected}");

    write(FILE);
    let late = import(&stack, &file, &mapping, &[]);
    let late = self::numbers(&stack, &late.position).await;
    assert_eq!(
        (&late["won_amount"], &late["deals"]),
        (&corrected["won_amount"], &corrected["deals"]),
        "lower revisions change nothing"
    );
}

struct Imported {
    said: String,
    position: String,
}

fn import(stack: &Stack, file: &Path, mapping: &Path, more: &[&str]) -> Imported {
    let fixed = ["import".as_ref(), file.as_os_str(), "--mapping".as_ref(), mapping.as_os_str()];
    let encoding = ["--encoding", "latin1"].iter().chain(more).map(OsStr::new);
    let arguments: Vec<&OsStr> = fixed.into_iter().chain(encoding).collect();
    let output = stack.run(&arguments);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "a row is refused: {said}{}", String::from_utf8_lossy(&output.stderr));
    let position = said.lines().find_map(|line| line.strip_prefix("position ")).unwrap().to_owned();
    Imported { said, position }
}

/// What is known once the position is in.
async fn numbers(stack: &Stack, position: &str) -> Value {
    let won = stack.get(&format!("/v1/kpis/won_amount?from=2026-03-01&to=2026-03-31&grain=all&after={position}")).await;
    let deals = stack.sql_as(KEY, "SELECT deal_id, rep_id, amount, opened_on, closed_on FROM deals ORDER BY deal_id").await;
    let verdicts = stack.sql_as(KEY, "SELECT verdict, count(*) AS n FROM events GROUP BY verdict ORDER BY verdict").await;
    json!({ "won_amount": won["rows"][0]["value"], "deals": deals["rows"], "verdicts": verdicts["rows"] })
}

/// Two files whose rows differ in number only: the larger takes no more memory.
#[tokio::test]
async fn memory_does_not_grow_with_the_rows() {
    let stack = Stack::start();
    let directory = tempfile::tempdir().unwrap();
    let mapping = directory.path().join("visits.jq");
    let code = "{ type: \"visit.completed\", event_id: .id, account_id: .account, rep_id: .rep, occurred_at: .day, \
                data: { visit_id: .id, purpose: .purpose } }";
    fs::write(&mapping, code).unwrap();
    let rows: u64 = std::env::var("IMPORT_ROWS").map_or(ROWS_DEFAULT, |rows| rows.parse().unwrap());
    let mut peaks = Vec::new();
    for rows in [rows / 3, rows] {
        let file = directory.path().join(format!("visits-{rows}.csv"));
        write_visits(&file, rows);
        let arguments = ["import".as_ref(), file.as_os_str(), "--mapping".as_ref(), mapping.as_os_str()];
        let (said, peak_mib) = peak_of(&stack, &arguments);
        eprintln!("{} MiB of CSV: at most {peak_mib} MiB; {said}", fs::metadata(&file).unwrap().len() >> 20);
        assert!(said.contains(&format!("{rows} of {rows} rows accepted ({rows} of {rows} events)")), "{said}");
        peaks.push(peak_mib);
    }
    assert!(peaks[1] <= PEAK_MIB_MAX && peaks[1] <= peaks[0] + GROWTH_MIB_MAX, "{peaks:?} MiB");
}

fn write_visits(path: &Path, rows: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "id,account,rep,day,purpose").unwrap();
    for row in 0..rows {
        let (account, rep, day) = (row % 5_000, row % 200, row % 28 + 1);
        writeln!(file, "V{row},A-{account},R-{rep},2026-02-{day:02},\"demonstration, \"\"{row}\"\"\"").unwrap();
    }
    file.into_inner().unwrap();
}

/// Runs a program to its end: what it said, and the most memory that it ever held.
fn peak_of(stack: &Stack, arguments: &[&OsStr]) -> (String, u64) {
    let mut command = stack.command(arguments);
    let mut import = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let id = i32::try_from(import.id()).unwrap();
    let (mut peak_kib, began) = (0, Instant::now());
    while import.try_wait().unwrap().is_none() {
        let mark = status_field(id, "VmHWM").and_then(|mark| mark.split_whitespace().next()?.parse::<u64>().ok());
        peak_kib = peak_kib.max(mark.unwrap_or(0));
        std::thread::sleep(LOOK_EVERY);
    }
    let output = import.wait_with_output().unwrap();
    assert!(output.status.success() && peak_kib > 0, "after {:?}", began.elapsed());
    (String::from_utf8(output.stdout).unwrap(), peak_kib / 1_024)
}
