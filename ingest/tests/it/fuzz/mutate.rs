//! Valid bytes made wrong: bits flipped, cut off, pieces of themselves and of what parsers dislike put in anywhere.

use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use super::harness::Bytes;

/// One change.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, Index),
    /// A piece of the bytes themselves, put in elsewhere so many times.
    Repeat(Index, Index, Index, u8),
    Insert(Index, Vec<u8>),
}

/// The bytes of a seed after up to five changes; often none at all.
pub fn mutated<S: Strategy<Value = Vec<u8>>>(seed: S) -> impl Strategy<Value = Bytes> {
    (seed, vec(change(), 0..5)).prop_map(|(seed, changes)| Bytes(changes.iter().fold(seed, apply)))
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(place, bits)| Change::Flip(place, bits)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        2 => (at(), at(), at(), 1..20_u8).prop_map(|(from, to, place, times)| Change::Repeat(from, to, place, times)),
        3 => (at(), select(nasty())).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        1 => (at(), vec(any::<u8>(), 1..40)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
    ]
}

/// What parsers have stumbled over.
fn nasty() -> Vec<Vec<u8>> {
    let texts = [
        "\"",
        "\\",
        "\n",
        "\r\n",
        "\0",
        ",",
        ";",
        "{",
        "}",
        "[",
        "]",
        ":",
        "null",
        "true",
        "NaN",
        "-",
        "-0",
        "1e999999999",
        "1E-400",
        "0.1e1",
        "9223372036854775808",
        "\"\\ud800\"",
        "\\u0000",
        "\u{feff}",
        "\u{202e}",
        "{}",
        "[]",
        "{\"a\":1,\"a\":2}",
        "\"type\":\"visit.completed\",",
        "\"data\":{},",
        "\"event_id\":\"\",",
        "\"revision\":-1,",
        "\"retracted\":true,",
        "\"specversion\":\"1.0\",",
        "\"data_base64\":\"eyJhIjo=\",",
        "0000-00-00",
        "2026-02-30",
        "99999-12-31T25:61:61Z",
    ];
    let bytes: [&[u8]; 5] = [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\x1f\x8b\x08", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"];
    let long = ["[", "{\"a\":", "9", "\"", "é", "[{}],", "\\u0041"].map(|text| text.repeat(20_000).into_bytes());
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(bytes.map(<[u8]>::to_vec)).chain(long).collect()
}

fn apply(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    let place = |index: &Index| index.index(bytes.len() + 1);
    match change {
        Change::Flip(..) if bytes.is_empty() => {}
        Change::Flip(index, bits) => {
            let place = index.index(bytes.len());
            bytes[place] ^= bits;
        }
        Change::Cut(index) => bytes.truncate(place(index)),
        Change::Remove(from, to) => {
            let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
            bytes.drain(from..to);
        }
        Change::Repeat(from, to, at, times) => {
            let (from, to, at) = (place(from).min(place(to)), place(from).max(place(to)), place(at));
            let piece = bytes[from..to.min(from + 10_000)].repeat(usize::from(*times));
            bytes.splice(at..at, piece);
        }
        Change::Insert(at, piece) => {
            let at = place(at);
            bytes.splice(at..at, piece.iter().copied());
        }
    }
    bytes
}
