//! Decode: Kafka records to typed events. Bytes that do not match their schema are poison and become dead letters;
//! an unknown schema id is a newer ingest, and the partition waits.

use std::sync::Arc;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, Event,
        wire::{self, DecodeError, RegisteredSchema},
    },
};

use crate::{Error, registry::Registry, settings::Settings};

/// One record of the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its offset, which is the position of what it says.
    pub offset: i64,
    /// When the broker appended it, milliseconds.
    pub appended_at: i64,
    /// The tenant.
    pub key: Option<Vec<u8>>,
    /// The framed event.
    pub value: Vec<u8>,
    /// Whether the schema id in its frame is that of a registry, which its header says, or of the lock file.
    pub from_registry: bool,
}

impl Record {
    /// The schema that it was written with, as far as it is known.
    #[must_use]
    pub fn schema(&self, registry: &Registry) -> Option<&'static RegisteredSchema> {
        let (id, _) = wire::unframe(&self.value)?;
        if self.from_registry { registry.schema(id) } else { wire::schema_by_id(id) }
    }
}

/// A record that says something.
#[derive(Debug)]
pub struct Decoded {
    /// Its offset.
    pub position: i64,
    /// When the broker appended it, milliseconds.
    pub known_at: i64,
    /// The company.
    pub tenant: Arc<str>,
    /// What it says.
    pub event: Event,
}

/// A record that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// Its offset.
    pub position: i64,
    /// The key, where it is text.
    pub tenant: Option<String>,
    /// Why.
    pub reason: String,
    /// What it was.
    pub value: Vec<u8>,
}

/// Decodes a record; `Ok(Err(…))` is poison, which does not stop the partition.
///
/// # Errors
/// [`Error::Upgrade`], [`Error::Unregistered`] and [`Error::UnknownTenant`]: the partition must wait.
pub fn decode(partition: i32, record: &Record, settings: &Settings) -> Result<Result<Decoded, Poison>, Error> {
    let position = record.offset;
    let key = record.key.as_ref().and_then(|key| String::from_utf8(key.clone()).ok());
    let poison =
        |tenant: Option<String>, reason: String| Ok(Err(Poison { position, tenant, reason, value: record.value.clone() }));
    let event = match wire::decode_with(&record.value, |_| record.schema(&settings.registry)) {
        Ok(event) => event,
        Err(DecodeError::UnknownSchema(id)) if record.from_registry => {
            return Err(Error::Unregistered { partition, offset: position, id, advice: settings.registry.advice() });
        }
        Err(source @ DecodeError::UnknownSchema(_)) => return Err(Error::Upgrade { partition, offset: position, source }),
        Err(error) => return poison(key, error.to_string()),
    };
    if let Some(reason) = impossible(&event) {
        return poison(key, reason.to_owned());
    }
    let Some(tenant) = key else {
        return poison(None, "the record has no key, which says whose event it is".to_owned());
    };
    let Some(tenant) = settings.tenant(&tenant) else {
        return Err(Error::UnknownTenant { partition, offset: position, tenant });
    };
    Ok(Ok(Decoded { position, known_at: record.appended_at, tenant: tenant.name.clone(), event }))
}

/// 1970-01-01 … 2149-12-31 in milliseconds: what dates and instants may be, everywhere.
const INSTANTS_MS: std::ops::Range<i64> = 0..5_680_281_600_000;

/// What ingest would have refused, so that it came from somewhere else.
fn impossible(event: &Event) -> Option<&'static str> {
    let envelope = &event.envelope;
    let instants = [Some(envelope.occurred_at), envelope.recorded_at, Some(envelope.received_at)];
    if instants.into_iter().flatten().any(|instant| !INSTANTS_MS.contains(&instant)) {
        return Some("an instant lies outside 1970 … 2149");
    }
    if envelope.source.is_empty() || envelope.event_id.is_empty() {
        return Some("the event has no identity");
    }
    if decimals(&event.data)
        .into_iter()
        .flatten()
        .any(|decimal| decimal.0.unsigned_abs() >= Decimal6::EVENT_LIMIT.0.unsigned_abs())
    {
        return Some("an amount is not below 10^15");
    }
    None
}

/// The decimals of an event. That they are bounded keeps sums of them within 38 digits.
fn decimals(data: &Data) -> [Option<Decimal6>; 3] {
    match data {
        Data::DealOpened(data) => [data.amount, None, None],
        Data::DealAmended(data) => [data.amount, None, None],
        Data::DealWon(data) => [data.amount, None, None],
        Data::PaymentDue(data) => [Some(data.amount), None, None],
        Data::PaymentReceived(data) | Data::PaymentRefunded(data) => [Some(data.amount), None, None],
        Data::SurveyAnswered(data) => [Some(data.score), data.max_score, None],
        Data::AccountCreated(data) | Data::AccountAmended(data) => {
            [data.acquisition_cost, data.gross_margin, data.expected_years]
        }
        Data::ActivityCompleted(data) => [data.score, data.max_score, None],
        Data::RatingGiven(data) => [Some(data.score), Some(data.max_score), None],
        Data::TargetSet(data) => [Some(data.value), None, None],
        Data::RateSet(data) => [Some(data.rate), None, None],
        _ => [None; 3],
    }
}
