//! Touches: visits and calls of an account in their order. An ordered index per surviving account makes that an event
//! costs its neighbours only, however many touches the account has.

use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    events::Envelope,
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{DAY_MS, HOUR_MS, duration},
    survivors,
};
use crate::{
    Error,
    change::EventChanges,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// A visit or call of an account, with what orders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    kind: String,
    id: String,
    /// As sent; the index is that of the survivor.
    pub account_id: String,
    rep_id: Option<String>,
    occurred_at: i64,
    recorded_at: i64,
    source: String,
    event_id: String,
}

/// The columns that visits and calls share: whose, when it took place, and when it was entered.
pub fn columns(envelope: &Envelope, context: &FoldContext<'_, '_>) -> [(&'static str, Scalar); 8] {
    let recorded_at = envelope.recorded_at();
    let delay = recorded_at - envelope.occurred_at;
    [
        ("account_id", Scalar::text(envelope.account_id.as_deref())),
        ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
        ("occurred_at", Scalar::Instant(envelope.occurred_at)),
        ("occurred_on", context.on(envelope.occurred_at)),
        ("recorded_at", Scalar::Instant(recorded_at)),
        ("recorded_on", context.on(recorded_at)),
        ("entry_delay_ms", Scalar::Int(delay)),
        ("entry_delay_hours", duration(delay, HOUR_MS)),
    ]
}

/// A touch in its account's order, with its fact.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Placed {
    /// The touch.
    pub touch: Touch,
    /// What it is; none in the moment of its making.
    pub fact: Option<Fact>,
}

impl Touch {
    /// The touch that a visit or call is; none without an account.
    #[must_use]
    pub fn new(kind: &str, id: &str, envelope: &Envelope) -> Option<Self> {
        Some(Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
            account_id: envelope.account_id.clone()?,
            rep_id: envelope.rep_id.clone(),
            occurred_at: envelope.occurred_at,
            recorded_at: envelope.recorded_at(),
            source: envelope.source.clone(),
            event_id: envelope.event_id.clone(),
        })
    }

    fn key(&self, settings: &TenantSettings, survivor: &str) -> Key {
        let order = prefix(settings, survivor).int(self.occurred_at).int(self.recorded_at);
        order.text(&self.source).text(&self.event_id).text(&self.kind).text(&self.id)
    }

    /// The fact, given the touch before it.
    fn fact(&self, settings: &TenantSettings, survivor: &str, before: Option<&Self>) -> Fact {
        let gap_ms = before.map(|before| self.occurred_at - before.occurred_at);
        Fact::new(
            FactTable::Touches,
            [
                ("kind", self.kind.as_str().into()),
                ("touch_id", self.id.as_str().into()),
                ("account_id", Scalar::from(survivor)),
                ("rep_id", Scalar::text(self.rep_id.as_deref())),
                ("occurred_at", Scalar::Instant(self.occurred_at)),
                ("occurred_on", Scalar::Date(settings.business_date(self.occurred_at))),
                ("first_of_account", Scalar::Bool(before.is_none())),
                ("gap_ms", Scalar::maybe(gap_ms, Scalar::Int)),
                ("gap_days", Scalar::maybe(gap_ms, |ms| duration(ms, DAY_MS))),
            ],
        )
    }
}

fn prefix(settings: &TenantSettings, survivor: &str) -> Key {
    Key::new(Space::Touch, &settings.name).text(survivor)
}

/// Takes a visit or call out of its account's order and puts it where it belongs now.
///
/// # Errors
/// The state cannot be read.
pub fn update(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    old: &Folded,
    new: &Folded,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    if old.touch == new.touch {
        return Ok(());
    }
    if let Some(touch) = &old.touch {
        let survivor = survivors::survivor(working, settings, &touch.account_id)?;
        if let Some(placed) = take(working, settings, &survivor, touch)? {
            changes.facts(placed.fact.as_slice(), &[]);
        }
        refresh_after(working, settings, &survivor, touch, changes)?;
    }
    if let Some(touch) = &new.touch {
        let survivor = survivors::survivor(working, settings, &touch.account_id)?;
        refresh(working, settings, &survivor, Placed { touch: touch.clone(), fact: None }, changes)?;
        refresh_after(working, settings, &survivor, touch, changes)?;
    }
    Ok(())
}

/// Removes a touch from an account's order.
fn take(working: &mut Working<'_>, settings: &TenantSettings, survivor: &str, touch: &Touch) -> Result<Option<Placed>, Error> {
    let placed = working.read(touch.key(settings, survivor))?;
    working.remove(touch.key(settings, survivor));
    Ok(placed)
}

/// Makes a touch's fact anew from the touch before it.
fn refresh(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    survivor: &str,
    placed: Placed,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    let Placed { touch, fact: old } = placed;
    let before: Option<Placed> = working.before(prefix(settings, survivor), touch.key(settings, survivor))?;
    let fact = touch.fact(settings, survivor, before.as_ref().map(|placed| &placed.touch));
    changes.facts(old.as_slice(), std::slice::from_ref(&fact));
    working.write(touch.key(settings, survivor), &Placed { touch, fact: Some(fact) })
}

fn refresh_after(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    survivor: &str,
    touch: &Touch,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    match working.after(prefix(settings, survivor), touch.key(settings, survivor))? {
        Some(after) => refresh(working, settings, survivor, after, changes),
        None => Ok(()),
    }
}

/// After a merge or its withdrawal: moves the touches of some accounts from one survivor to another.
/// Costs all touches of both, which is bearable because merges are rare.
///
/// # Errors
/// The state cannot be read.
pub fn move_between(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    account: &str,
    from: &str,
    to: &str,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    let placed: Vec<Placed> = working.scan(prefix(settings, from))?;
    for placed in placed.into_iter().filter(|placed| placed.touch.account_id == account) {
        working.remove(placed.touch.key(settings, from));
        changes.facts(placed.fact.as_slice(), &[]);
        working.write(placed.touch.key(settings, to), &placed)?;
    }
    Ok(())
}

/// Makes every touch fact of an account anew.
///
/// # Errors
/// The state cannot be read.
pub fn refresh_all(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    survivor: &str,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    let all: Vec<Placed> = working.scan(prefix(settings, survivor))?;
    for placed in all {
        refresh(working, settings, survivor, placed, changes)?;
    }
    Ok(())
}
