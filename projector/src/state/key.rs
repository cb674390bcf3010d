//! Keys of the state: a space, then parts that sort as their values do.

use tidemark_schemas::events::Entity;

/// What a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Space {
    /// The partition: position and log identity; (tenant) → the settings that its facts depend on.
    Partition = b'P',
    /// (tenant, source, event id) → what is known of that identity.
    Identity = b'I',
    /// (tenant, entity, source, event id) → an event that counts.
    Event = b'E',
    /// (tenant, entity) → what the entity was folded into.
    Folded = b'F',
    /// (tenant, parent entity, child entity): the child's fold read the parent.
    Child = b'C',
    /// (tenant, account) → how many events that count name it.
    Mention = b'N',
    /// (tenant, account) → the account it was merged into.
    Merge = b'M',
    /// (tenant, account, account merged into it).
    Merged = b'R',
    /// (tenant, surviving account, order of the touch) → touch.
    Touch = b'T',
    /// (tenant, account, closing, deal) → a won deal.
    WonDeal = b'W',
    /// (tenant, account) → how many won deals it has.
    WonCount = b'O',
    /// (tenant, account, currency, day) → what was won on that day.
    WonDay = b'D',
    /// (tenant, surviving account) → its fact.
    Account = b'A',
    /// (tenant, KPI, rep, day, dims, currency) → cell.
    Cell = b'K',
    /// (the cell, slot, value) → how many facts have it.
    Value = b'V',
}

/// A key under construction.
#[derive(Debug, Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// The beginning of every key of that space and tenant.
    #[must_use]
    pub fn new(space: Space, tenant: &str) -> Self {
        Self(vec![space as u8]).text(tenant)
    }

    /// Adds a text; sorts as the text, and no text is a prefix of another.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend([0, 0]);
        self
    }

    /// Adds a number; sorts as the number.
    #[must_use]
    pub fn int(mut self, value: i64) -> Self {
        self.0.extend((value ^ i64::MIN).to_be_bytes());
        self
    }

    /// Adds a big number; sorts as the number.
    #[must_use]
    pub fn big_int(mut self, value: i128) -> Self {
        self.0.extend((value ^ i128::MIN).to_be_bytes());
        self
    }

    /// Adds a small number.
    #[must_use]
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Adds an entity.
    #[must_use]
    pub fn entity(self, entity: &Entity) -> Self {
        self.byte(entity.kind as u8).text(&entity.id)
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}
