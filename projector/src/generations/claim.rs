//! Claim: which generation a projector continues, and with which definitions. The files are held against the definitions
//! that are stored with it: what they add is taken up, what they change waits for `tidemark rebuild`.

use std::sync::Arc;

use tidemark_schemas::definitions::{Definitions, Difference};

use super::{Generation, Ledger, Status};
use crate::{
    Error,
    sink::{GenerationId, Sink},
};

/// The number of the first generation.
const FIRST: u32 = 1;

/// What a projector runs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The generation and its definitions' hash.
    pub id: GenerationId,
    /// What it is made with.
    pub definitions: Definitions,
    /// What the files have otherwise, by name; joined by commas.
    pub redefined: Arc<str>,
}

/// Takes the live generation, or makes the first one of the files.
///
/// # Errors
/// ClickHouse does not answer; [`Error::Redefined`]: this program cannot continue its numbers.
pub async fn claim(ledger: &Ledger, sink: &impl Sink, files: &Definitions, partitions: i32) -> Result<Claim, Error> {
    let live = match ledger.live().await? {
        Some(live) => live,
        None => first(ledger, files).await?,
    };
    let stored = readable(&live, files)?;
    let difference = stored.difference(files);
    if difference.has_additions() {
        extend(ledger, sink, &live, (&stored, files), &difference, partitions).await?;
    }
    // Not what was meant to be stored: another process may have been there at the same time.
    let Some(live) = ledger.live().await? else { return Err(unclear("the live generation is gone")) };
    let definitions = readable(&live, files)?;
    let redefined = definitions.difference(files).redefined;
    for sentence in redefined.values() {
        tracing::warn!(
            generation = live.number,
            "{sentence}: the numbers go on as they were made; `tidemark rebuild` takes the change up"
        );
    }
    let redefined = redefined.into_keys().collect::<Vec<_>>().join(",").into();
    let id = GenerationId { generation: live.number, definitions_hash: live.definitions_hash };
    Ok(Claim { id, definitions, redefined })
}

async fn first(ledger: &Ledger, files: &Definitions) -> Result<Generation, Error> {
    // A number is never given twice: rows of a dropped generation may still be around.
    let number = ledger.all().await?.last().map_or(FIRST, |last| last.number + 1);
    ledger.put(number, Status::Live, files, None).await?;
    ledger.live().await?.ok_or_else(|| unclear("the first generation was not stored"))
}

/// Readers hear of added KPIs as not yet measured before they hear of the KPIs.
async fn extend(
    ledger: &Ledger,
    sink: &impl Sink,
    live: &Generation,
    (stored, files): (&Definitions, &Definitions),
    difference: &Difference,
    partitions: i32,
) -> Result<(), Error> {
    tracing::info!(generation = live.number, kpis = ?difference.new_kpis, tenants = ?difference.new_tenants, "the files add to the definitions");
    for partition in 0..partitions {
        sink.announce(live.number, partition, &difference.new_kpis, 0).await?;
    }
    ledger.put(live.number, Status::Live, &stored.extended(files), Some(live.made_at)).await
}

/// The definitions of a generation, where this program makes the same numbers of them.
fn readable(live: &Generation, files: &Definitions) -> Result<Definitions, Error> {
    let redefined = |what: String| Error::Redefined { what: format!("generation {} {what}", live.number) };
    let stored =
        live.definitions.clone().map_err(|reason| redefined(format!("was made by another version of tidemark ({reason})")))?;
    if stored.engine != files.engine {
        return Err(redefined(format!("was made with {}, this program has {}", stored.engine, files.engine)));
    }
    Ok(stored)
}

fn unclear(reason: &str) -> Error {
    Error::Unavailable { system: "ClickHouse", reason: reason.to_owned() }
}
