//! Touches: visits and calls of an account in their order. An ordered index per surviving account makes that an event
//! costs its neighbours only, however many touches the account has.

use std::sync::Arc;

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
    state::{Key, KeyReader, Space, Working},
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

/// A touch in its account's order. Its fact follows from it and the time since the touch before.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Placed {
    touch: Touch,
    /// None for the first touch of the account.
    gap_ms: Option<i64>,
}

/// The order of the touches of one account, which live on in `survivor`.
struct Order<'a> {
    settings: &'a TenantSettings,
    survivor: &'a str,
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

    /// Where it stands among the touches of its account; keys of [`Order`] sort alike.
    fn order(&self) -> (i64, i64, &str, &str, &str, &str) {
        (self.occurred_at, self.recorded_at, &self.source, &self.event_id, &self.kind, &self.id)
    }
}

impl Placed {
    fn after(touch: Touch, before: Option<&Touch>) -> Self {
        let gap_ms = before.map(|before| touch.occurred_at - before.occurred_at);
        Self { touch, gap_ms }
    }

    fn fact(&self, settings: &TenantSettings, survivor: &str) -> Arc<Fact> {
        let Self { touch, gap_ms } = self;
        Arc::new(Fact::new(
            FactTable::Touches,
            [
                ("kind", touch.kind.as_str().into()),
                ("touch_id", touch.id.as_str().into()),
                ("account_id", Scalar::from(survivor)),
                ("rep_id", Scalar::text(touch.rep_id.as_deref())),
                ("occurred_at", Scalar::Instant(touch.occurred_at)),
                ("occurred_on", Scalar::Date(settings.business_date(touch.occurred_at))),
                ("first_of_account", Scalar::Bool(gap_ms.is_none())),
                ("gap_ms", Scalar::maybe(*gap_ms, Scalar::Int)),
                ("gap_days", Scalar::maybe(*gap_ms, |ms| duration(ms, DAY_MS))),
            ],
        ))
    }
}

impl<'a> Order<'a> {
    fn prefix(&self) -> Key {
        Key::new(Space::Touch, &self.settings.name).text(self.survivor)
    }

    fn key(&self, touch: &Touch) -> Key {
        let order = self.prefix().int(touch.occurred_at).int(touch.recorded_at);
        order.text(&touch.source).text(&touch.event_id).text(&touch.kind).text(&touch.id)
    }

    fn last_key(&self) -> Key {
        Key::new(Space::LastTouch, &self.settings.name).text(self.survivor)
    }

    /// Notes which touch is the last, since most touches come in order and need no other neighbour.
    fn set_last(&self, working: &mut Working<'_>, last: Option<&Touch>) -> Result<(), Error> {
        match last {
            Some(last) => working.write(self.last_key(), last),
            None => {
                working.remove(self.last_key());
                Ok(())
            }
        }
    }

    fn before(&self, working: &Working<'_>, touch: &Touch) -> Result<Option<Touch>, Error> {
        Ok(working.before::<Placed>(self.prefix(), self.key(touch))?.map(|placed| placed.touch))
    }

    fn after(&self, working: &Working<'_>, touch: &Touch) -> Result<Option<Placed>, Error> {
        working.after(self.prefix(), self.key(touch))
    }

    /// Puts a touch, whose fact was `old`, behind the touch before it.
    fn place(
        &self,
        working: &mut Working<'_>,
        (touch, before): (Touch, Option<&Touch>),
        old: Option<Arc<Fact>>,
        changes: &mut EventChanges,
    ) -> Result<(), Error> {
        let (key, placed) = (self.key(&touch), Placed::after(touch, before));
        changes.facts(old.as_slice(), &[placed.fact(self.settings, self.survivor)]);
        working.write(key, &placed)
    }

    /// Makes a touch's fact anew because another comes before it.
    fn replace(
        &self,
        working: &mut Working<'_>,
        placed: Placed,
        before: Option<&Touch>,
        changes: &mut EventChanges,
    ) -> Result<(), Error> {
        let old = placed.fact(self.settings, self.survivor);
        self.place(working, (placed.touch, before), Some(old), changes)
    }

    fn insert(&self, working: &mut Working<'_>, touch: &Touch, changes: &mut EventChanges) -> Result<(), Error> {
        let last: Option<Touch> = working.read(self.last_key())?;
        match last {
            Some(last) if last.order() > touch.order() => {
                let before = self.before(working, touch)?;
                if let Some(after) = self.after(working, touch)? {
                    self.replace(working, after, Some(touch), changes)?;
                }
                self.place(working, (touch.clone(), before.as_ref()), None, changes)
            }
            last => {
                self.set_last(working, Some(touch))?;
                self.place(working, (touch.clone(), last.as_ref()), None, changes)
            }
        }
    }

    fn take(&self, working: &mut Working<'_>, touch: &Touch, changes: &mut EventChanges) -> Result<(), Error> {
        let Some(placed) = working.read::<Placed>(self.key(touch))? else { return Ok(()) };
        working.remove(self.key(touch));
        changes.facts(&[placed.fact(self.settings, self.survivor)], &[]);
        let before = self.before(working, touch)?;
        match self.after(working, touch)? {
            Some(after) => self.replace(working, after, before.as_ref(), changes),
            None => self.set_last(working, before.as_ref()),
        }
    }
}

/// The fact of a touch in the state.
///
/// # Errors
/// No entry of ours.
pub fn stored(settings: &TenantSettings, key: &[u8], value: &[u8]) -> Result<Arc<Fact>, Error> {
    let survivor = KeyReader::after_tenant(key)?.text()?;
    Ok(postcard::from_bytes::<Placed>(value)?.fact(settings, &survivor))
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
        let survivor = &survivors::survivor(working, settings, &touch.account_id)?;
        Order { settings, survivor }.take(working, touch, changes)?;
    }
    if let Some(touch) = &new.touch {
        let survivor = &survivors::survivor(working, settings, &touch.account_id)?;
        Order { settings, survivor }.insert(working, touch, changes)?;
    }
    Ok(())
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
    let (from, to) = (Order { settings, survivor: from }, Order { settings, survivor: to });
    let placed: Vec<Placed> = working.scan(from.prefix())?;
    for placed in placed.into_iter().filter(|placed| placed.touch.account_id == account) {
        working.remove(from.key(&placed.touch));
        changes.facts(&[placed.fact(settings, from.survivor)], &[]);
        working.write(to.key(&placed.touch), &placed)?;
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
    let order = Order { settings, survivor };
    let all: Vec<Placed> = working.scan(order.prefix())?;
    let mut before: Option<Touch> = None;
    for placed in all {
        let touch = placed.touch.clone();
        order.replace(working, placed, before.as_ref(), changes)?;
        before = Some(touch);
    }
    order.set_last(working, before.as_ref())
}
