//! The entries of a snapshot in parts: each is bounded, compressed and checked by itself, so that neither side holds more
//! than one in memory.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Error,
    state::{Entry, KeyValue},
};

/// Bytes of entries after which a part ends.
const PART_BYTES: usize = 4 << 20;
/// Bytes of entries that a part is believed to have; a single value may be as long as an event.
const PART_BYTES_MAX: usize = 64 << 20;
/// Fast rather than small.
const COMPRESSION_LEVEL: i32 = 1;

/// What a part must be, as the manifest has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Entries in it.
    pub entries: u64,
    /// Its bytes as stored.
    pub stored_bytes: u64,
    /// Its bytes before compression.
    pub bytes: usize,
    /// Hash of the stored bytes.
    pub hash: u64,
}

/// Takes the next part from the entries; none when there are no more.
///
/// # Errors
/// The state cannot be read.
pub fn next_part(entries: &mut dyn Iterator<Item = Entry>) -> Result<Option<(Part, Vec<u8>)>, Error> {
    let (mut bytes, mut count) = (Vec::new(), 0);
    while bytes.len() < PART_BYTES {
        let Some(entry) = entries.next() else { break };
        let (key, value) = entry?;
        for text in [&key, &value] {
            let length = u32::try_from(text.len()).map_err(|_| Error::Internal(format!("{} bytes in one entry", text.len())))?;
            bytes.extend(length.to_le_bytes());
            bytes.extend_from_slice(text);
        }
        count += 1;
    }
    if count == 0 {
        return Ok(None);
    }
    let stored = zstd::bulk::compress(&bytes, COMPRESSION_LEVEL).map_err(|error| Error::Internal(error.to_string()))?;
    let part = Part { entries: count, stored_bytes: stored.len() as u64, bytes: bytes.len(), hash: xxh3_64(&stored) };
    Ok(Some((part, stored)))
}

impl Part {
    /// The entries, in order.
    ///
    /// # Errors
    /// In words: these are not the bytes that were stored.
    pub fn read(&self, stored: &[u8]) -> Result<Vec<KeyValue>, String> {
        if stored.len() as u64 != self.stored_bytes || xxh3_64(stored) != self.hash {
            return Err("its bytes are not those that were written".to_owned());
        }
        if self.bytes > PART_BYTES_MAX {
            return Err(format!("a part of {} bytes was never written", self.bytes));
        }
        let bytes = zstd::bulk::decompress(stored, self.bytes).map_err(|error| error.to_string())?;
        let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            entries.push((text(&mut rest)?, text(&mut rest)?));
        }
        if entries.len() as u64 == self.entries { Ok(entries) } else { Err(format!("it has {} entries", entries.len())) }
    }
}

fn text(rest: &mut &[u8]) -> Result<Vec<u8>, String> {
    let short = || "it ends in the middle of an entry".to_owned();
    let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
    let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(short)?;
    *rest = after;
    Ok(text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_bounded_parts_and_damage_is_noticed() {
        let entry = |number: u32| (number.to_be_bytes().to_vec(), vec![number as u8; 70_000]);
        let written: Vec<KeyValue> = (0..150).map(entry).collect();
        let mut entries = written.iter().cloned().map(Ok);
        let mut parts = Vec::new();
        while let Some((part, stored)) = next_part(&mut entries).unwrap() {
            assert!(part.bytes < PART_BYTES + 80_000);
            parts.push((part, stored));
        }
        assert_eq!(parts.len(), 3);
        let read: Vec<KeyValue> = parts.iter().flat_map(|(part, stored)| part.read(stored).unwrap()).collect();
        assert_eq!(read, written);

        let (part, stored) = &parts[0];
        let mut damaged = stored.clone();
        damaged[40] ^= 1;
        assert!(part.read(&damaged).is_err());
        assert!(part.read(&stored[..stored.len() - 1]).is_err());
        assert!(part.read(&parts[1].1).is_err());
        assert!(Part { entries: part.entries + 1, ..*part }.read(stored).is_err());
    }
}
