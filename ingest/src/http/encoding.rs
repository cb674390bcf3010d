//! `Content-Encoding`: gzip and zstd bodies, decoded as they arrive, never to more than a body may have.

use std::io::{self, Write};

use axum::http::{HeaderMap, header::CONTENT_ENCODING};
use flate2::write::MultiGzDecoder;
use zstd::{
    stream::{raw, write as zstd_write},
    zstd_safe::DParameter,
};

use crate::accept::Rejection;

/// Largest window that a zstd frame may ask for, 8 MiB: what RFC 8878 says that every decoder should have, and enough
/// for every level but `--ultra` and `--long`.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// # Errors
    /// 415 for any other encoding, and for several at once.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let Some(sent) = headers.get(CONTENT_ENCODING) else { return Ok(Self::Identity) };
        match sent.to_str().unwrap_or("").trim().to_ascii_lowercase().as_str() {
            "identity" | "" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => {
                let message = format!("Content-Encoding {sent:?} is not accepted: send gzip, zstd or none; nothing was kept");
                Err(Rejection::unsupported("content_encoding", message))
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The decoded bytes so far, `most` at the most.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    is_over: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.is_over = true;
            return Err(io::Error::other("more than a body may have"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a body could not be decoded.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// Decoded it is over the limit.
    TooLarge,
    /// Not in the encoding that it claims, or cut off.
    Malformed(io::Error),
}

/// Takes a body chunk by chunk.
pub(super) enum Decoder {
    Identity(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    Zstd(zstd_write::Decoder<'static, Bounded>),
}

impl Decoder {
    /// For a body of about `expected` bytes that must not have more than `most`.
    pub(super) fn new(encoding: Encoding, expected: usize, most: usize) -> Result<Self, DecodeError> {
        let decoded = Bounded { bytes: Vec::with_capacity(expected), most, is_over: false };
        Ok(match encoding {
            Encoding::Identity => Self::Identity(decoded),
            Encoding::Gzip => Self::Gzip(MultiGzDecoder::new(decoded).into()),
            Encoding::Zstd => {
                let mut zstd = raw::Decoder::new().map_err(DecodeError::Malformed)?;
                zstd.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).map_err(DecodeError::Malformed)?;
                Self::Zstd(zstd_write::Decoder::with_decoder(decoded, zstd))
            }
        })
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        let written = match self {
            Self::Identity(decoded) => decoded.write_all(chunk),
            Self::Gzip(gzip) => gzip.write_all(chunk),
            Self::Zstd(zstd) => zstd.write_all(chunk),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Everything, when the encoding says that it is all.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, DecodeError> {
        let finished = match &mut self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(gzip) => gzip.try_finish(),
            Self::Zstd(zstd) => zstd.do_finish(),
        };
        finished.map_err(|error| self.failed(error))?;
        Ok(std::mem::take(&mut self.decoded().bytes))
    }

    fn failed(&mut self, error: io::Error) -> DecodeError {
        if self.decoded().is_over { DecodeError::TooLarge } else { DecodeError::Malformed(error) }
    }

    fn decoded(&mut self) -> &mut Bounded {
        match self {
            Self::Identity(decoded) => decoded,
            Self::Gzip(gzip) => gzip.get_mut(),
            Self::Zstd(zstd) => zstd.get_mut(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(encoding: Encoding, body: &[u8], chunk: usize, most: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(encoding, 0, most)?;
        body.chunks(chunk).try_for_each(|chunk| decoder.push(chunk))?;
        decoder.finish()
    }

    #[test]
    fn any_cut_into_chunks_gives_the_same() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        let two = [gzip(&text[..30_000]), gzip(&text[30_000..])].concat();
        let zstd = zstd::encode_all(text.as_slice(), 3).unwrap();
        let two_frames = [zstd::encode_all(&text[..9], 3).unwrap(), zstd::encode_all(&text[9..], 19).unwrap()].concat();
        for (encoding, body) in [
            (Encoding::Identity, text.clone()),
            (Encoding::Gzip, gzip(&text)),
            (Encoding::Gzip, two),
            (Encoding::Zstd, zstd),
            (Encoding::Zstd, two_frames),
        ] {
            for chunk in [1, 7, 4_096, usize::MAX] {
                assert_eq!(decode(encoding, &body, chunk, text.len()).unwrap(), text, "{encoding:?} by {chunk}");
            }
            assert!(matches!(decode(encoding, &body, 4_096, text.len() - 1), Err(DecodeError::TooLarge)), "{encoding:?}");
        }
    }

    /// Lines of NDJSON that end well would otherwise look whole.
    #[test]
    fn what_was_cut_off_is_an_error() {
        let text = b"{\"a\":1}\n".repeat(1_000);
        for (encoding, body) in [(Encoding::Gzip, gzip(&text)), (Encoding::Zstd, zstd::encode_all(text.as_slice(), 3).unwrap())] {
            for length in [1, body.len() / 2, body.len() - 1] {
                let decoded = decode(encoding, &body[..length], 100, 1 << 20);
                assert!(matches!(decoded, Err(DecodeError::Malformed(_))), "{encoding:?} cut at {length}: {decoded:?}");
            }
            assert!(matches!(decode(encoding, &text, 100, 1 << 20), Err(DecodeError::Malformed(_))), "not {encoding:?} at all");
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_a_body() {
        let zeros = vec![0; 64 << 20];
        let mut long = zstd::Encoder::new(Vec::new(), 1).unwrap();
        long.long_distance_matching(true).unwrap();
        long.window_log(27).unwrap();
        long.write_all(&zeros).unwrap();
        for (encoding, body) in [(Encoding::Gzip, gzip(&zeros)), (Encoding::Zstd, zstd::encode_all(zeros.as_slice(), 3).unwrap())]
        {
            assert!(matches!(decode(encoding, &body, usize::MAX, 1 << 20), Err(DecodeError::TooLarge)), "{encoding:?}");
        }
        let greedy = long.finish().unwrap();
        assert!(matches!(decode(Encoding::Zstd, &greedy, usize::MAX, 1 << 20), Err(DecodeError::Malformed(_))), "its window");
    }
}
