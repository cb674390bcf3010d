//! What a worker does before the first record of an assignment: it makes sure that it runs what is live, restores a
//! snapshot that is further, and measures KPIs that were added since its state was last here. Live batches of the partition wait meanwhile.

use super::Worker;
use crate::{
    Error,
    sink::{Sink, write},
    state::State,
};

/// KPIs that are complete in the state and that readers have not been told of.
#[derive(Debug, Default)]
pub struct Unread {
    kpis: Vec<String>,
    /// The rows in the sink were this far when the partition was assigned; before that, cells in it may be of another owner.
    position: i64,
}

impl<S: State, K: Sink> Worker<S, K> {
    /// Takes the partition over. Interrupted by an error, it goes on where it was when it is called again.
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
        self.backfill().await?;
        let watermark = self.sink.watermark(generation, number).await?;
        let mut kpis = self.sink.unread(generation, number).await?;
        // One that was announced and, as its process died, never added to the definitions remains unread.
        kpis.retain(|kpi| self.partition.holds(kpi));
        self.unread = Unread { kpis, position: watermark.map_or(-1, |watermark| watermark.to) };
        Ok(())
    }

    async fn backfill(&mut self) -> Result<(), Error> {
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
        self.sink.announce(self.id.generation, self.partition.number(), &self.unread.kpis, 100).await?;
        self.unread.kpis.clear();
        Ok(())
    }
}
