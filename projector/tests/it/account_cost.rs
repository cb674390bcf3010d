//! An event of an account costs the same whatever the account has done: entries of the state that are read are counted.

use std::{
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tidemark_projector::{
    Error,
    sink::MemorySink,
    state::{Entries, Entry, Memory, State, Writes},
};
use tidemark_schemas::events::{
    Data, Envelope, Event,
    payload::{DealOpened, DealWon, VisitCompleted},
};

use crate::organisation::{Organisation, log, project};

const JANUARY: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;

/// The twin, counting what is read of it.
struct Counting {
    memory: Memory,
    read: Arc<AtomicUsize>,
}

impl State for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.memory.get(key)
    }

    fn range(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_> {
        Box::new(self.memory.range(from, to).inspect(|_| {
            self.read.fetch_add(1, Ordering::Relaxed);
        }))
    }

    fn view(&self) -> Entries {
        self.memory.view()
    }

    fn commit(&mut self, writes: Writes) -> Result<(), Error> {
        self.memory.commit(writes)
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.memory.clear()
    }
}

fn event(number: i64, occurred_at: i64, data: Data) -> Event {
    let event_id = format!("e{number}-{}", data.event_type().name());
    let envelope = Envelope {
        source: "crm".to_owned(),
        event_id,
        account_id: Some("A-1".to_owned()),
        occurred_at,
        received_at: occurred_at,
        ..Envelope::default()
    };
    Event { envelope, data }
}

fn won_deal(number: i64, at: i64) -> [Event; 2] {
    let deal_id = format!("D-{number}");
    let opened = DealOpened { deal_id: deal_id.clone(), amount: "10".parse().ok(), ..DealOpened::default() };
    let won = DealWon { deal_id, ..DealWon::default() };
    [event(number, at, Data::DealOpened(opened)), event(number, at, Data::DealWon(won))]
}

fn visited(number: i64, at: i64) -> Event {
    let visit_id = format!("V-{number}");
    event(number, at, Data::VisitCompleted(VisitCompleted { visit_id, ..VisitCompleted::default() }))
}

/// Entries read for a visit, for a won deal, and for a won deal before all others, after so many deals and visits.
fn cost_after(history: i64) -> [usize; 3] {
    let organisation = Organisation::new();
    let mut events = Vec::new();
    for number in 0..history {
        // All within half a year, so that every one of them counts in the first year.
        let at = JANUARY + number * (4_000 * HOUR_MS / history);
        events.extend(won_deal(number, at));
        events.push(visited(number, at));
    }
    let latest = JANUARY + 4_001 * HOUR_MS;
    let probes = [vec![visited(-1, latest)], won_deal(-2, latest).to_vec(), won_deal(-3, JANUARY - HOUR_MS).to_vec()];
    events.extend(probes.iter().flatten().cloned());
    let records = log(&events);
    let read = Arc::new(AtomicUsize::new(0));
    let mut partition = organisation.open(Counting { memory: Memory::default(), read: read.clone() });
    let mut end = records.len() - 5;
    project(&mut partition, &MemorySink::default(), &records[..end], &[500], |_| None);
    probes.map(|probe| {
        end += probe.len();
        let before = read.load(Ordering::Relaxed);
        project(&mut partition, &MemorySink::default(), &records[..end], &[500], |_| None);
        read.load(Ordering::Relaxed) - before
    })
}

#[test]
fn an_event_does_not_cost_what_the_account_has_done() {
    // Enough that every day of the half year has deals already; what may still grow is the days of a year.
    let (some, many) = (cost_after(300), cost_after(1_500));
    assert_eq!(some[0], many[0], "a visit");
    for (some, many) in some.into_iter().zip(many) {
        assert!(many <= some + 10 && many < 600, "{some} entries were read after 300 deals, {many} after 1,500");
    }
}
