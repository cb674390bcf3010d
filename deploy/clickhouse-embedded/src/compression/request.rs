//! Bodies as they arrive: HTTP's `Content-Encoding`, then ClickHouse's frames.

use std::io::{self, BufReader, Read};

use crate::compression::frames;
use crate::exception::{Exception, code};
use crate::spool::Spool;

/// HTTP's encoding of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEncoding {
    Identity,
    Lz4,
    Gzip,
    Deflate,
    Zstd,
}

impl BodyEncoding {
    /// Reads `Content-Encoding`.
    pub(crate) fn parse(header: &str) -> Result<Self, Exception> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "lz4" => Ok(Self::Lz4),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            other => {
                let message = format!("Unknown compression method '{other}' in Content-Encoding: use lz4, zstd, gzip or deflate");
                Err(Exception::new(code::UNKNOWN_COMPRESSION_METHOD, message))
            }
        }
    }
}

/// The plain body. Its bound is that of the body as it came.
pub(crate) fn decode(body: Spool, encoding: BodyEncoding, native_frames: bool) -> Result<Spool, Exception> {
    let mut body = match encoding {
        BodyEncoding::Identity => body,
        encoding => unpack(body, encoding)?,
    };
    if !native_frames {
        return Ok(body);
    }
    let mut plain = Spool::new(body.bytes_max()).map_err(unreadable)?;
    let bytes_max = body.bytes_max();
    frames::decode(BufReader::with_capacity(1 << 18, body.reader(0).map_err(unreadable)?), &mut plain, bytes_max)?;
    Ok(plain)
}

fn unpack(mut body: Spool, encoding: BodyEncoding) -> Result<Spool, Exception> {
    let mut plain = Spool::new(body.bytes_max()).map_err(unreadable)?;
    let file = BufReader::with_capacity(1 << 18, body.reader(0).map_err(unreadable)?);
    let mut reader: Box<dyn Read> = match encoding {
        BodyEncoding::Identity => Box::new(file),
        BodyEncoding::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(file)),
        BodyEncoding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        BodyEncoding::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(file)),
        BodyEncoding::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file).map_err(unreadable)?),
    };
    io::copy(&mut reader, &mut plain).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => Exception::new(code::QUERY_IS_TOO_LARGE, error),
        _ => Exception::new(code::CANNOT_DECOMPRESS, error),
    })?;
    drop(reader);
    Ok(plain)
}

fn unreadable(error: io::Error) -> Exception {
    Exception::new(code::CANNOT_READ_BODY, error)
}
