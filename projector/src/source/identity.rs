//! Log and sink identity: whether the log, the state and ClickHouse tell the same story. Where they do not, either the
//! state is dropped and the log read again, or the projector stops with a clear message. Never wrong numbers.

use std::sync::Arc;

use super::log::{Log, LogView};
use crate::{
    Error,
    pipeline::{Mark, Partition, Table, Watermark},
    sabotage::Sabotage,
    sink::Sink,
    state::State,
};

/// Holds a partition's state and its rows in ClickHouse against the log and against each other.
///
/// # Errors
/// [`Error::LogReplaced`]: the numbers come from another log. [`Error::SinkLost`]: ClickHouse lacks rows that the state
/// takes for written, so that the state must be dropped. Kafka or ClickHouse does not answer.
pub async fn examine<S: State, K: Sink>(partition: &Partition<S>, sink: &K, log: &dyn Log) -> Result<(), Error> {
    examine_mark(partition.mark(), partition, sink, log).await
}

/// [`examine`], with another mark than the partition's: that of a snapshot.
///
/// # Errors
/// As [`examine`].
pub async fn examine_mark<S: State, K: Sink>(
    mark: &Mark,
    partition: &Partition<S>,
    sink: &K,
    log: &dyn Log,
) -> Result<(), Error> {
    let (number, settings) = (partition.number(), partition.settings());
    let tenants = settings.tenants_of(number, log.partitions());
    let watermark = sink.watermark(settings.generation, number).await?;
    if !settings.lacks(Sabotage::LogIdentity) {
        let read = read_before(sink, mark, watermark.as_ref(), &tenants).await?;
        let offsets: Vec<i64> = [0].into_iter().chain(read.iter().map(|read| read.position)).collect();
        hold_against_log(number, &read, &log.look(number, &offsets).await?)?;
    }
    if settings.lacks(Sabotage::WatermarkChain) {
        return Ok(());
    }
    hold_against_state(number, mark, watermark.as_ref())?;
    let tables: Vec<(Table, i64)> = mark.written.iter().map(|(table, written)| (*table, written.from)).collect();
    let found = sink.found(&tables, settings.generation, &tenants).await?;
    for ((table, written), found) in mark.written.iter().zip(found) {
        // Parts are lost from the newest on, so whoever has the newest row has those before it.
        if found.rows < written.rows || found.version < written.version {
            let (rows, table) = (written.rows, table.name());
            let what = format!("{} of {rows} rows of {table} from position {} on", found.rows, written.from);
            return Err(Error::SinkLost { partition: number, what });
        }
    }
    Ok(())
}

/// [`examine`], at the start, when a state that ClickHouse is behind of is no error: returns why the state must be dropped,
/// if it must, so that the log is read again.
///
/// # Errors
/// As [`examine`], but for [`Error::SinkLost`].
pub async fn lost<S: State, K: Sink>(partition: &Partition<S>, sink: &K, log: &dyn Log) -> Result<Option<Error>, Error> {
    match examine(partition, sink, log).await {
        Ok(()) => Ok(None),
        Err(reason @ Error::SinkLost { .. }) => Ok(Some(reason)),
        Err(error) => Err(error),
    }
}

/// A record that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReadBefore {
    position: i64,
    hash: u64,
    /// Which log it was of, where that is known.
    log_id: Option<String>,
}

/// The newest records that the state, the numbers and the events of a partition know of.
async fn read_before<K: Sink>(
    sink: &K,
    mark: &Mark,
    watermark: Option<&Watermark>,
    tenants: &[Arc<str>],
) -> Result<Vec<ReadBefore>, Error> {
    let by_state = (mark.next_offset > 0).then(|| ReadBefore {
        position: mark.next_offset - 1,
        hash: mark.record_hash,
        log_id: Some(mark.log_id.clone()),
    });
    let by_numbers = watermark.map(|watermark| ReadBefore {
        position: watermark.to,
        hash: watermark.record_hash,
        log_id: Some(watermark.log_id.clone()),
    });
    // Events are written before the numbers, so they may be of records that the numbers do not know yet.
    let from = watermark.map_or(0, |watermark| watermark.to + 1);
    let newest = sink.newest_event(tenants, from).await?;
    let by_events = newest.map(|(position, hash)| ReadBefore { position, hash, log_id: None });
    Ok([by_state, by_numbers, by_events].into_iter().flatten().collect())
}

/// What was read before must be of this log.
fn hold_against_log(number: i32, read: &[ReadBefore], log: &LogView) -> Result<(), Error> {
    let replaced = |what: String| Err(Error::LogReplaced { partition: number, what });
    if log.low > 0 {
        return replaced(format!("the log begins at offset {}, older records were deleted", log.low));
    }
    for ReadBefore { position, hash, log_id } in read {
        if *position >= log.high {
            let records = position + 1;
            return replaced(format!("the log ends at offset {}, but {records} records were read from it before", log.high));
        }
        if log_id.is_some() && *log_id != log.log_id() {
            return replaced("it was replaced by another log".to_owned());
        }
        if log.hashes.get(position) != Some(hash) {
            return replaced(format!("the record at offset {position} is another than the one that was read there before"));
        }
    }
    Ok(())
}

/// The sink may be ahead (it was written before a crash), never behind: then it lost rows that the state takes for written.
fn hold_against_state(number: i32, mark: &Mark, sink: Option<&Watermark>) -> Result<(), Error> {
    let (written_to, step) = sink.map_or((-1, 0), |watermark| (watermark.to, watermark.step));
    if (written_to + 1, step) >= (mark.next_offset, mark.step) {
        return Ok(());
    }
    let what =
        format!("numbers up to position {written_to}, step {step}, of those up to {}, step {}", mark.next_offset - 1, mark.step);
    Err(Error::SinkLost { partition: number, what })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::source::log::log_id;

    fn mark(next_offset: i64) -> Mark {
        Mark { next_offset, known_at: 0, record_hash: 0, log_id: String::new(), step: 0, written: BTreeMap::new() }
    }

    fn watermark(to: i64) -> Watermark {
        Watermark { partition: 0, from: 0, to, step: 0, record_hash: 0, log_id: String::new() }
    }

    fn hash(offset: i64) -> u64 {
        offset.unsigned_abs() * 7 + 1
    }

    fn log(low: i64, high: i64) -> LogView {
        LogView { cluster: "c".to_owned(), low, high, hashes: (low..high).map(|offset| (offset, hash(offset))).collect() }
    }

    fn read(position: i64) -> ReadBefore {
        ReadBefore { position, hash: hash(position), log_id: Some(log_id("c", hash(0))) }
    }

    #[test]
    fn a_state_is_dropped_only_when_the_sink_is_behind_it() {
        let is_behind = |next, to: Option<i64>| hold_against_state(0, &mark(next), to.map(watermark).as_ref()).is_err();
        assert!(!is_behind(0, None));
        assert!(!is_behind(5, Some(4)));
        assert!(!is_behind(5, Some(9)));
        assert!(is_behind(5, Some(3)));
        assert!(is_behind(5, None));
        let with_step = Mark { step: 1, ..mark(5) };
        assert!(hold_against_state(0, &with_step, Some(&watermark(4))).is_err());
        assert!(hold_against_state(0, &with_step, Some(&watermark(5))).is_ok());
        assert!(hold_against_state(0, &with_step, Some(&Watermark { step: 1, ..watermark(4) })).is_ok());
    }

    #[test]
    fn the_same_log_goes_on() {
        for read in [vec![], vec![read(4)], vec![read(4), read(9)], vec![ReadBefore { log_id: None, ..read(9) }]] {
            hold_against_log(0, &read, &log(0, 10)).unwrap();
        }
    }

    #[test]
    fn another_a_shorter_or_a_refilled_log_stops() {
        let mut other_cluster = log(0, 10);
        other_cluster.cluster = "d".to_owned();
        let changed = |offset| {
            let mut log = log(0, 10);
            log.hashes.insert(offset, 999);
            log
        };
        for (read, log) in [
            (vec![read(4)], other_cluster),
            (vec![read(4)], changed(0)),
            (vec![read(4)], log(0, 4)),
            (vec![read(4)], log(2, 10)),
            (vec![read(4), read(7)], changed(4)),
            (vec![read(4), read(7)], changed(7)),
            (vec![ReadBefore { log_id: None, ..read(7) }], changed(7)),
        ] {
            let outcome = hold_against_log(0, &read, &log);
            assert!(matches!(outcome, Err(Error::LogReplaced { .. })), "{read:?} {log:?}");
        }
    }
}
