//! Keys of the state: a space, then parts that sort as their values do.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use tidemark_schemas::events::Entity;

use super::Error;

/// What most keys fit in.
const KEY_BYTES: usize = 96;

/// What a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Space {
    /// The partition: position and log identity.
    Partition = b'P',
    /// (tenant, source, event id) → what is known of that identity.
    Identity = b'I',
    /// (tenant, entity) → what the entity was folded into, and its events that count.
    Entity = b'E',
    /// (tenant, parent entity, child entity): the child's fold read the parent.
    Child = b'C',
    /// (tenant, parent entity) → how many children it has.
    ChildCount = b'H',
    /// (tenant, account) → how many events that count name it.
    Mention = b'N',
    /// (tenant, account) → the account it was merged into.
    Merge = b'M',
    /// (tenant, account, account merged into it).
    Merged = b'R',
    /// (tenant, surviving account, order of the touch) → touch.
    Touch = b'T',
    /// (tenant, surviving account) → its last touch.
    LastTouch = b'L',
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
    /// (KPI) → how far its cells are measured, where it was added later.
    Kpi = b'Q',
}

impl Space {
    /// Whether entries are also found as neighbours of others, and not only by their whole key.
    pub(super) fn is_ordered(space: u8) -> bool {
        const ORDERED: [Space; 5] = [Space::Child, Space::Merged, Space::Touch, Space::WonDeal, Space::WonDay];
        ORDERED.iter().any(|ordered| *ordered as u8 == space)
    }
}

/// A key under construction.
#[derive(Debug, Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// The beginning of every key of that space and tenant.
    #[must_use]
    pub fn new(space: Space, tenant: &str) -> Self {
        let mut bytes = Vec::with_capacity(KEY_BYTES);
        bytes.push(space as u8);
        Self(bytes).text(tenant)
    }

    /// Adds a text; sorts as the text, and no text is a prefix of another.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        let mut stretches = text.as_bytes().split(|byte| *byte == 0);
        self.0.extend_from_slice(stretches.next().unwrap_or_default());
        for stretch in stretches {
            self.0.extend_from_slice(&[0, 0xff]);
            self.0.extend_from_slice(stretch);
        }
        self.0.extend_from_slice(&[0, 0]);
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

    /// From the first key that begins with this one to before the first that does not.
    #[must_use]
    pub fn range(self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if last < 0xff {
                end.push(last + 1);
                return (Included(self.0), Excluded(end));
            }
        }
        (Included(self.0), Unbounded)
    }

    /// The tenant of a key; empty where it has none.
    #[must_use]
    pub fn tenant_of(key: &[u8]) -> &str {
        let text = key.get(1..).unwrap_or_default().split(|byte| *byte == 0).next();
        text.and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// The key's bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Takes a key apart again, in the order in which it was put together.
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// What comes after the space and the tenant.
    ///
    /// # Errors
    /// No key of ours.
    pub fn after_tenant(key: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Self(key.get(1..).unwrap_or_default());
        reader.text()?;
        Ok(reader)
    }

    /// The next part, a text.
    ///
    /// # Errors
    /// There is none.
    pub fn text(&mut self) -> Result<String, Error> {
        let mut text = Vec::new();
        loop {
            match self.take()? {
                [0] if self.take()? == [0] => break,
                // The escape of a zero, whose second byte was just taken.
                [byte] => text.push(byte),
            }
        }
        String::from_utf8(text).map_err(|_| foreign())
    }

    /// The next part, a number.
    ///
    /// # Errors
    /// There is none.
    pub fn int(&mut self) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.take()?) ^ i64::MIN)
    }

    /// The next part, a big number.
    ///
    /// # Errors
    /// There is none.
    pub fn big_int(&mut self) -> Result<i128, Error> {
        Ok(i128::from_be_bytes(self.take()?) ^ i128::MIN)
    }

    /// The next part, a small number.
    ///
    /// # Errors
    /// There is none.
    pub fn byte(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.take()?))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(foreign)?;
        self.0 = rest;
        Ok(*taken)
    }
}

fn foreign() -> Error {
    Error::State("a stored key cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_apart_as_it_was_put_together() {
        for text in ["", "a", "a\0b", "\0", "\0\0", "漢\u{ff}"] {
            let key = Key::new(Space::Cell, "acme").text(text).int(-5).byte(7).big_int(-1).text("end").bytes();
            assert_eq!(Key::tenant_of(&key), "acme");
            let mut reader = KeyReader::after_tenant(&key).unwrap();
            assert_eq!((reader.text().unwrap().as_str(), reader.int().unwrap()), (text, -5));
            assert_eq!((reader.byte().unwrap(), reader.big_int().unwrap()), (7, -1));
            assert_eq!(reader.text().unwrap(), "end");
            assert!(reader.byte().is_err());
        }
    }
}
