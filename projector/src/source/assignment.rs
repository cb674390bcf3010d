//! What a worker does before the first record of an assignment: it makes sure that it runs what is live, restores a
//! snapshot that is further, and measures KPIs that were added since its state was last here. Live batches of the partition wait meanwhile.

use super::Worker;
use crate::{
    Error,
    sink::{Sink, write},
    state::State,
};

/// KPIs that readers have not been told of.
#[derive(Debug, Default)]
pub struct Unread {
    kpis: Vec<String>,
    /// The rows in the sink were this far when the partition was assigned; before that, cells in it may be of another owner.
    position: i64,
}

impl<S: State, K: Sink> Worker<S, K> {
    /// Takes the partition over, all but the measuring. Interrupted by an error, it goes on where it was when it is called again.
    ///
    /// # Errors
    /// [`Error::Superseded`]; the sink did not answer.
    pub(super) async fn take_over(&mut self) -> Result<(), Error> {
        let (number, generation) = (self.partition.number(), self.id.generation);
        // Another process may have taken up new files while the partition was elsewhere: it would be written without them.
        if !self.sink.stands(&self.id).await? {
            return Err(Error::Superseded);
        }
        self.restore().await?;
        let shown = self.sink.watermark(generation, number).await?;
        let added = self.sink.added(generation, number).await?;
        let kpis: Vec<String> = added.iter().map(|(kpi, _)| kpi.clone()).collect();
        self.partition.show(shown.as_ref(), &kpis)?;
        let unread = added.into_iter().filter(|(_, percent)| *percent < 100);
        self.unread = Unread { kpis: unread.map(|(kpi, _)| kpi).collect(), position: shown.map_or(-1, |watermark| watermark.to) };
        Ok(())
    }

    /// Measures and writes what waits for it and can be.
    pub(super) async fn backfill(&mut self) -> Result<(), Error> {
        if self.partition.is_measured() {
            return Ok(());
        }
        let (number, generation) = (self.partition.number(), self.id.generation);
        let (started_ms, mut steps) = (self.clock.now_ms(), 0_u64);
        while let Some(step) = tokio::task::block_in_place(|| self.partition.backfill())? {
            if steps == 0 {
                tracing::info!(partition = number, kpis = ?step.kpis, "KPIs were added: the facts are measured for them");
            }
            write(self.sink.as_ref(), &step.rows).await?;
            self.sink.announce(generation, number, &step.kpis, step.percent).await?;
            tokio::task::block_in_place(|| self.partition.commit_backfill(step))?;
            steps += 1;
        }
        if steps > 0 {
            tracing::info!(partition = number, steps, ms = self.clock.now_ms() - started_ms, "the KPIs are measured");
        }
        Ok(())
    }

    /// Tells readers of KPIs once their cells are those of the position that is shown with them.
    pub(super) async fn announce(&mut self) -> Result<(), Error> {
        if self.unread.kpis.is_empty() || self.partition.mark().next_offset <= self.unread.position {
            return Ok(());
        }
        // One that was announced and, as its process died, never added to the definitions remains unread.
        let held: Vec<String> = self.unread.kpis.extract_if(.., |kpi| self.partition.holds(kpi)).collect();
        if held.is_empty() {
            return Ok(());
        }
        let announced = self.sink.announce(self.id.generation, self.partition.number(), &held, 100).await;
        if announced.is_err() {
            self.unread.kpis.extend(held);
        }
        announced
    }
}
