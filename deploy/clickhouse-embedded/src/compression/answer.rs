//! Answers as they leave: each piece is compressed and flushed, so that a client can read what has been sent.

use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use crate::compression::frames;

/// How an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// ClickHouse's own frames (`compress=1`): the client asked by parameter, so no header tells it.
    NativeFrames,
    Lz4,
    Zstd,
    Gzip,
}

impl Encoding {
    /// Picks from `Accept-Encoding`, the cheapest first.
    pub(crate) fn accepted(header: &str) -> Self {
        let offers = |name: &str| {
            header.split(',').any(|offer| {
                let (coding, quality) = offer.split_once(';').unwrap_or((offer, ""));
                let refused = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
                coding.trim().eq_ignore_ascii_case(name) && !refused
            })
        };
        match () {
            () if offers("lz4") => Self::Lz4,
            () if offers("zstd") => Self::Zstd,
            () if offers("gzip") => Self::Gzip,
            () => Self::Plain,
        }
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::NativeFrames => None,
            Self::Lz4 => Some("lz4"),
            Self::Zstd => Some("zstd"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// Compresses one answer.
pub(crate) enum Encoder {
    Plain,
    NativeFrames,
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
}

impl Encoder {
    pub(crate) fn new(encoding: Encoding) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Plain => Self::Plain,
            Encoding::NativeFrames => Self::NativeFrames,
            Encoding::Lz4 => {
                let info = FrameInfo::new().block_size(BlockSize::Max256KB).block_mode(BlockMode::Independent);
                Self::Lz4(Box::new(FrameEncoder::with_frame_info(info, Vec::new())))
            }
            Encoding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
            Encoding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast())),
        })
    }

    /// The bytes to send for this piece of the answer, complete so far.
    pub(crate) fn push(&mut self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(plain),
            Self::NativeFrames => Ok(frames::encode(&plain)),
            Self::Lz4(encoder) => {
                encoder.write_all(&plain)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(&plain)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Gzip(encoder) => {
                encoder.write_all(&plain)?;
                encoder.flush()?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// The bytes that end a whole answer.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain | Self::NativeFrames => Ok(Vec::new()),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_offer_is_taken() {
        assert_eq!(Encoding::accepted("gzip, deflate, br, zstd, LZ4"), Encoding::Lz4);
        assert_eq!(Encoding::accepted("gzip;q=1.0, lz4;q=0"), Encoding::Gzip);
        assert_eq!(Encoding::accepted("br"), Encoding::Plain);
    }
}
