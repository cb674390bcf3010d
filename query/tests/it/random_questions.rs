//! Questions that nobody wrote, from a seed: whatever can be pushed down has the same answer when it is not.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tidemark_query::Config;

use crate::federation::{answer, filled};

const SEED: u64 = 20_260_305;
const QUESTIONS: usize = 120;

#[tokio::test]
async fn federation_changes_no_answer_to_a_random_question() {
    let Some(with) = filled().await else { return };
    let without = with.beside(Config { federation: false, ..Config::default() }).await;
    let mut answered = 0;
    for question in questions(SEED, QUESTIONS) {
        let (pushed, local) = (answer(&with, &question).await, answer(&without, &question).await);
        // What DataFusion cannot plan, it cannot plan either way; its words may differ.
        assert!(pushed == local || (pushed.is_err() && local.is_err()), "{question}\n  on:  {pushed:?}\n  off: {local:?}");
        answered += usize::from(pushed.is_ok());
    }
    assert!(answered > QUESTIONS * 9 / 10, "only {answered} of {QUESTIONS} could be answered");
}

/// So many, always the same of a seed.
pub fn questions(seed: u64, number: usize) -> Vec<String> {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    (0..number).map(|_| dice.question()).collect()
}

/// A grammar of what analysts ask, with every kind of NULL; `depth` bounds how deep expressions nest.
struct Dice(ChaCha8Rng);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0.random_range(0..sides)
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }

    fn question(&mut self) -> String {
        let from = match self.roll(6) {
            0 => return self.join(),
            1 => "(SELECT * FROM deals UNION ALL SELECT * FROM deals WHERE status = 'won') AS deals",
            _ => "deals",
        };
        match self.roll(3) {
            0 => format!("SELECT deal_id, {} AS a, {} AS b FROM {from} WHERE {}", self.key(), self.key(), self.condition(3)),
            1 => format!("SELECT {} AS a, {} AS b FROM {from} WHERE {}", self.aggregate(), self.aggregate(), self.condition(2)),
            _ => {
                let (key, a, b) = (self.key(), self.aggregate(), self.aggregate());
                let (condition, least) = (self.condition(2), self.roll(3));
                format!(
                    "SELECT {key} AS k, {a} AS a, {b} AS b FROM {from} WHERE {condition} GROUP BY 1 HAVING count(*) > {least}"
                )
            }
        }
    }

    fn join(&mut self) -> String {
        let (kind, key) = (self.pick(&["", "LEFT", "RIGHT", "FULL"]), self.pick(&["rep_id", "account_id"]));
        let status = self.pick(&["=", "<>"]);
        format!(
            "SELECT d.deal_id, v.visit_id FROM deals d {kind} JOIN visits v ON d.{key} = v.{key} WHERE d.status {status} 'won'"
        )
    }

    fn key(&mut self) -> String {
        match self.roll(5) {
            0 => self.text(2),
            1 => self.instant(),
            2 => self.date(),
            3 => self.number(1),
            _ => self.condition(1),
        }
    }

    fn aggregate(&mut self) -> String {
        let said = match self.roll(8) {
            0 => "count(*)".to_owned(),
            1 => format!("count({})", self.text(1)),
            2 => format!("sum({})", self.number(1)),
            3 => format!("min({})", self.key_that_sorts()),
            4 => format!("max({})", self.key_that_sorts()),
            5 => format!("count(distinct {})", self.text(1)),
            6 => format!("median({})", self.pick(&["amount", "cycle_ms", "cycle_days"])),
            _ => format!("avg({})", self.pick(&["cycle_ms", "cycle_days"])),
        };
        if self.roll(3) == 0 { format!("{said} FILTER (WHERE {})", self.condition(1)) } else { said }
    }

    fn key_that_sorts(&mut self) -> String {
        match self.roll(4) {
            0 => self.text(1),
            1 => self.number(1),
            2 => self.date(),
            _ => self.instant(),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.roll(if depth == 0 { 3 } else { 8 }) {
            0 | 1 => self.pick(&["product", "status", "kind", "rep_id", "account_id", "stage", "currency", "deal_id"]).to_owned(),
            2 => self.pick(&["'P'", "'won'", "''", "'Q'", "'产品'", "NULL", "'R-1'"]).to_owned(),
            3 => format!("coalesce({}, {})", self.text(depth - 1), self.text(depth - 1)),
            4 => format!("nullif({}, {})", self.text(depth - 1), self.text(depth - 1)),
            5 => format!("({} || {})", self.text(depth - 1), self.text(depth - 1)),
            6 => {
                format!("CASE WHEN {} THEN {} ELSE {} END", self.condition(depth - 1), self.text(depth - 1), self.text(depth - 1))
            }
            _ => format!("CASE {} WHEN {} THEN {} END", self.text(depth - 1), self.text(depth - 1), self.text(depth - 1)),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        match self.roll(if depth == 0 { 3 } else { 9 }) {
            0 => "cycle_ms".to_owned(),
            1 => self.pick(&["0", "1", "-7", "86400000", "2"]).to_owned(),
            2 => "amount".to_owned(),
            3 => format!("({} + {})", self.number(depth - 1), self.number(depth - 1)),
            4 => format!("({} - {})", self.number(depth - 1), self.number(depth - 1)),
            5 => format!("character_length({})", self.text(depth - 1)),
            6 => format!("coalesce({}, 0)", self.number(depth - 1)),
            7 => {
                let part = self.pick(&["year", "month", "day", "dow", "doy", "week", "quarter", "hour", "minute"]);
                format!("date_part('{part}', {})", self.pick(&["opened_at", "closed_at", "opened_at + INTERVAL '1 month'"]))
            }
            _ => format!("CASE WHEN {} THEN {} END", self.condition(depth - 1), self.number(depth - 1)),
        }
    }

    fn date(&mut self) -> String {
        let near = ["opened_on", "closed_on", "expected_close_on", "DATE '2026-02-28'", "cast(opened_at AS date)"];
        let far = ["opened_on + INTERVAL '1 month'", "closed_on - INTERVAL '3 days'", "opened_on - INTERVAL '1 month 1 day'"];
        self.pick(&[near.as_slice(), far.as_slice()].concat()).to_owned()
    }

    fn instant(&mut self) -> String {
        let unit = self.pick(&["year", "quarter", "month", "week", "day", "hour", "minute"]);
        match self.roll(4) {
            0 => "opened_at".to_owned(),
            1 => "closed_at".to_owned(),
            2 => format!("date_trunc('{unit}', opened_at)"),
            _ => format!("date_trunc('{unit}', closed_at - INTERVAL '36 hours')"),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let (operator, not) = (self.pick(&["=", "<>", "<", "<=", ">", ">="]), self.pick(&["", "NOT "]));
        if depth == 0 {
            return format!("{} {operator} {}", self.text(0), self.text(0));
        }
        match self.roll(13) {
            0 => format!("{} {operator} {}", self.text(depth - 1), self.text(depth - 1)),
            1 => format!("{} {operator} {}", self.number(depth - 1), self.number(depth - 1)),
            2 => format!("{} {operator} {}", self.date(), self.date()),
            3 => format!("{} {operator} {}", self.instant(), self.instant()),
            4 => format!("({} AND {})", self.condition(depth - 1), self.condition(depth - 1)),
            5 => format!("({} OR {})", self.condition(depth - 1), self.condition(depth - 1)),
            6 => format!("NOT ({})", self.condition(depth - 1)),
            7 => format!("{} IS {not}NULL", self.text(depth - 1)),
            8 => format!("({}) IS {not}{}", self.condition(depth - 1), self.pick(&["TRUE", "FALSE", "UNKNOWN"])),
            9 => format!("{} {not}IN ('P', 'won', {})", self.text(depth - 1), self.pick(&["'x'", "NULL"])),
            10 => format!("{} {not}LIKE '{}'", self.text(depth - 1), self.pick(&["%", "P%", "_", "%o%", "R-_", "产_", ""])),
            11 => format!("{} {not}BETWEEN {} AND {}", self.number(depth - 1), self.number(depth - 1), self.number(depth - 1)),
            _ => {
                let (one, other) = (self.pick(&["rep_id", "account_id"]), self.pick(&["rep_id", "account_id"]));
                let which = self.pick(&["true", "duration_min > 20", "rep_id IS NOT NULL"]);
                format!("{one} {not}IN (SELECT {other} FROM visits WHERE {which})")
            }
        }
    }
}
