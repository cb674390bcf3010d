//! ClickHouse's native block frames: a CityHash128 of what follows, a method, two sizes, one compressed block.

use std::io::{self, Read, Write};

use crate::exception::{Exception, code};

const CHECKSUM_BYTES: usize = 16;
/// Method, compressed size (with this header) and size after decompression.
const HEADER_BYTES: usize = 9;
const NONE: u8 = 0x02;
const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
/// ClickHouse's own bound for one block (`DBMS_MAX_COMPRESSED_SIZE`).
const BLOCK_BYTES_MAX: usize = 1 << 30;

/// Decompresses every frame of `from` into `to`.
pub(crate) fn decode(mut from: impl Read, to: &mut impl Write, bytes_max: u64) -> Result<(), Exception> {
    let mut checksum = [0; CHECKSUM_BYTES];
    while read_or_end(&mut from, &mut checksum)? {
        let mut frame = vec![0; HEADER_BYTES];
        from.read_exact(&mut frame).map_err(truncated)?;
        let (compressed, plain) = (size_at(&frame, 1), size_at(&frame, 5));
        if !(HEADER_BYTES..=BLOCK_BYTES_MAX).contains(&compressed) || plain > BLOCK_BYTES_MAX || plain as u64 > bytes_max {
            let sizes = format!("A frame of {compressed} bytes for {plain} bytes is out of bounds");
            return Err(Exception::new(code::CANNOT_DECOMPRESS, sizes));
        }
        // The size is the client's word: read what is there instead of trusting it with memory.
        let body = (compressed - HEADER_BYTES) as u64;
        if from.by_ref().take(body).read_to_end(&mut frame).map_err(truncated)? as u64 != body {
            return Err(truncated("the last frame is cut off"));
        }
        if checksum_of(&frame) != checksum {
            let message = "Checksum doesn't match: corrupted data in a compressed body";
            return Err(Exception::new(code::CHECKSUM_DOESNT_MATCH, message));
        }
        let block = decompress(frame[0], &frame[HEADER_BYTES..], plain)?;
        to.write_all(&block).map_err(|error| Exception::new(code::QUERY_IS_TOO_LARGE, error))?;
    }
    Ok(())
}

/// One LZ4 frame.
pub(crate) fn encode(plain: &[u8]) -> Vec<u8> {
    let bound = lz4_flex::block::get_maximum_output_size(plain.len());
    let mut frame = vec![0; CHECKSUM_BYTES + HEADER_BYTES + bound];
    let start = CHECKSUM_BYTES + HEADER_BYTES;
    let length = lz4_flex::block::compress_into(plain, &mut frame[start..]).expect("the buffer has the bound's size");
    frame.truncate(start + length);
    let size = |bytes: usize| u32::try_from(bytes).expect("blocks are far below 4 GiB").to_le_bytes();
    let (checksum, rest) = frame.split_at_mut(CHECKSUM_BYTES);
    rest[0] = LZ4;
    rest[1..5].copy_from_slice(&size(HEADER_BYTES + length));
    rest[5..9].copy_from_slice(&size(plain.len()));
    checksum.copy_from_slice(&checksum_of(rest));
    frame
}

fn decompress(method: u8, block: &[u8], plain: usize) -> Result<Vec<u8>, Exception> {
    let broken = |error: &dyn std::fmt::Display| Exception::new(code::CANNOT_DECOMPRESS, error);
    let bytes = match method {
        NONE => block.to_vec(),
        LZ4 => lz4_flex::block::decompress(block, plain).map_err(|error| broken(&error))?,
        ZSTD => zstd::bulk::decompress(block, plain).map_err(|error| broken(&error))?,
        other => {
            let message = format!("Unknown codec family code {other:#04x}: this face reads LZ4, ZSTD and uncompressed frames");
            return Err(Exception::new(code::UNKNOWN_COMPRESSION_METHOD, message));
        }
    };
    if bytes.len() != plain {
        return Err(broken(&format!("a frame gave {} bytes instead of {plain}", bytes.len())));
    }
    Ok(bytes)
}

fn size_at(frame: &[u8], at: usize) -> usize {
    u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]) as usize
}

fn checksum_of(frame: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(frame).rotate_right(64).to_le_bytes()
}

/// Fills the buffer, or says that the input ended before it.
fn read_or_end(from: &mut impl Read, buffer: &mut [u8]) -> Result<bool, Exception> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(truncated("the last frame is cut off")),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(truncated(error)),
        }
    }
    Ok(true)
}

fn truncated(error: impl std::fmt::Display) -> Exception {
    Exception::new(code::ATTEMPT_TO_READ_AFTER_EOF, format!("Attempt to read after eof in a compressed body: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_whole_and_damage_is_seen() {
        let plain: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut body = encode(&plain[..1000]);
        body.extend(encode(&plain[1000..]));
        let mut back = Vec::new();
        decode(body.as_slice(), &mut back, 1 << 30).unwrap();
        assert!(back == plain);
        for (at, number) in [(0, 40), (30, 40), (16, 40)] {
            let mut damaged = body.clone();
            damaged[at] ^= 1;
            assert_eq!(decode(damaged.as_slice(), &mut Vec::new(), 1 << 30).unwrap_err().code(), number);
        }
        let cut = &body[..body.len() - 1];
        assert_eq!(decode(cut, &mut Vec::new(), 1 << 30).unwrap_err().code(), 32);
        assert_eq!(decode(body.as_slice(), &mut Vec::new(), 10).unwrap_err().code(), 271);
    }
}
