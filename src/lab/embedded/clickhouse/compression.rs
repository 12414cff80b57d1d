//! Compressed bodies: content encodings (lz4 frames, gzip, zstd) and ClickHouse's own checked blocks.
//!
//! Everything fails closed: a body that ends early, carries a wrong checksum or grows past the limit gives an error and
//! no bytes. Several frames or members one after the other are one body; the official client sends such.

use std::io::Read;

use cityhash_rs::cityhash_102_128;

use super::failure::Failure;

const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
const METHOD_ZSTD: u8 = 0x90;
/// Checksum before a block.
const CHECKSUM_BYTES: usize = 16;
/// Method and two sizes; part of what the checksum covers and of the compressed size.
const HEADER_BYTES: usize = 9;
/// How much goes into one block of an answer; a server's own size.
const BLOCK_BYTES: usize = 1 << 20;

/// Undoes a content encoding. `None` for an encoding that is not known.
pub(super) fn decode(encoding: &str, body: &[u8], limit: usize) -> Option<Result<Vec<u8>, Failure>> {
    let decoded = match encoding {
        "lz4" => lz4_frames(body, limit),
        "gzip" | "x-gzip" => read_all(flate2::read::MultiGzDecoder::new(body), limit),
        "deflate" => read_all(flate2::read::ZlibDecoder::new(body), limit),
        "zstd" => zstd::Decoder::with_buffer(body).map_err(damaged).and_then(|decoder| read_all(decoder, limit)),
        _ => return None,
    };
    Some(decoded)
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(271, "CANNOT_DECOMPRESS", format_args!("Cannot decompress the body: {error}"))
}

/// The body is larger than what the front holds in memory.
pub(super) fn too_large(limit: usize) -> Failure {
    Failure::new(307, "TOO_MANY_BYTES", format_args!("The body is larger than {limit} bytes; send it in several requests"))
}

fn read_all(decoder: impl Read, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut plain = Vec::new();
    append(decoder, &mut plain, limit)?;
    Ok(plain)
}

fn append(decoder: impl Read, plain: &mut Vec<u8>, limit: usize) -> Result<(), Failure> {
    let room = limit.saturating_sub(plain.len());
    // One byte more than fits tells a full body from one that is too large.
    let room = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(room).read_to_end(plain).map_err(damaged)?;
    if plain.len() > limit { Err(too_large(limit)) } else { Ok(()) }
}

/// The decoder takes the end of its input for the end of a frame, so every frame's length is found here first.
fn lz4_frames(mut body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut plain = Vec::new();
    while !body.is_empty() {
        let length = lz4_frame_length(body).ok_or_else(|| damaged("not a whole lz4 frame"))?;
        let (frame, rest) = body.split_at(length);
        append(lz4_flex::frame::FrameDecoder::new(frame), &mut plain, limit)?;
        body = rest;
    }
    Ok(plain)
}

/// How long the frame at the start of `body` is. `None` when it does not end within `body`, or is no frame.
fn lz4_frame_length(body: &[u8]) -> Option<usize> {
    const MAGIC: u32 = 0x184D_2204;
    if little_endian(body, 0)? != MAGIC {
        return None;
    }
    let flags = *body.get(4)?;
    let bytes_if = |flag: u8, bytes: usize| if flags & flag == 0 { 0 } else { bytes };
    let (block_checksum, content_size, content_checksum, dictionary) =
        (bytes_if(0x10, 4), bytes_if(0x08, 8), bytes_if(0x04, 4), bytes_if(0x01, 4));
    let mut at = 7 + content_size + dictionary;
    loop {
        // The highest bit says that the block is stored as it is.
        let block = little_endian(body, at)? & 0x7FFF_FFFF;
        at += 4;
        if block == 0 {
            at += content_checksum;
            return (at <= body.len()).then_some(at);
        }
        at = at.checked_add(usize::try_from(block).ok()?)?.checked_add(block_checksum)?;
    }
}

fn little_endian(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    // The high half goes first.
    cityhash_102_128(bytes).rotate_right(64).to_le_bytes()
}

/// Undoes `decompress=1`: blocks, each with its checksum.
pub(super) fn decode_blocks(mut body: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut plain = Vec::new();
    while !body.is_empty() {
        body = decode_block(body, &mut plain, limit)?;
    }
    Ok(plain)
}

fn decode_block<'body>(body: &'body [u8], plain: &mut Vec<u8>, limit: usize) -> Result<&'body [u8], Failure> {
    let cut_off = || Failure::truncated("Cannot read all data: a compressed block is cut off");
    let (expected, rest) = body.split_at_checked(CHECKSUM_BYTES).ok_or_else(cut_off)?;
    let compressed = size(rest, 1).ok_or_else(cut_off)?;
    let uncompressed = size(rest, 5).ok_or_else(cut_off)?;
    if compressed < HEADER_BYTES {
        return Err(damaged("a compressed block is smaller than its own header"));
    }
    if uncompressed > limit.saturating_sub(plain.len()) {
        return Err(too_large(limit));
    }
    let (block, rest) = rest.split_at_checked(compressed).ok_or_else(cut_off)?;
    if checksum(block) != expected {
        return Err(Failure::new(40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data in a compressed block"));
    }
    let (header, data) = block.split_at(HEADER_BYTES);
    let before = plain.len();
    match header.first() {
        Some(&METHOD_NONE) => plain.extend_from_slice(data),
        Some(&METHOD_LZ4) => plain.extend(lz4_flex::block::decompress(data, uncompressed).map_err(damaged)?),
        Some(&METHOD_ZSTD) => plain.extend(zstd::bulk::decompress(data, uncompressed).map_err(damaged)?),
        Some(_) | None => {
            return Err(Failure::new(89, "UNKNOWN_COMPRESSION_METHOD", "Unknown compression method in a compressed block"));
        }
    }
    if plain.len() - before != uncompressed {
        return Err(damaged("a compressed block is not as long as its header says"));
    }
    Ok(rest)
}

fn size(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(little_endian(bytes, at)?).ok()
}

/// Makes what `compress=1` asks for: lz4 blocks with checksums.
pub(super) fn encode_blocks(plain: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    for piece in plain.chunks(BLOCK_BYTES) {
        let data = lz4_flex::block::compress(piece);
        // Both sizes are far below 4 GiB: a piece is one MiB.
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
        let mut block = vec![METHOD_LZ4];
        block.extend_from_slice(&length(data.len() + HEADER_BYTES));
        block.extend_from_slice(&length(piece.len()));
        block.extend_from_slice(&data);
        blocks.extend_from_slice(&checksum(&block));
        blocks.extend_from_slice(&block);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMIT: usize = 1 << 24;

    fn sample() -> Vec<u8> {
        (0u32..100_000).flat_map(|number| (number % 1000).to_le_bytes()).collect()
    }

    fn lz4(plain: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    type Encode = fn(&[u8]) -> Vec<u8>;

    fn encodings() -> [(&'static str, Encode); 3] {
        [("lz4", lz4), ("gzip", gzip), ("zstd", |plain| zstd::encode_all(plain, 1).unwrap())]
    }

    #[test]
    fn concatenated_frames_are_one_body() {
        for (name, encode) in encodings() {
            let body = [encode(b"one,"), encode(&sample()), encode(b"two")].concat();
            let plain = decode(name, &body, LIMIT).unwrap().unwrap();
            assert_eq!(plain, [&b"one,"[..], &sample(), b"two"].concat(), "{name}");
        }
    }

    #[test]
    fn no_prefix_of_a_body_decodes() {
        for (name, encode) in encodings() {
            let body = encode(&sample()[..5000]);
            for length in 1..body.len() {
                assert!(decode(name, &body[..length], LIMIT).unwrap().is_err(), "{name} cut at {length} of {}", body.len());
            }
        }
        let body = encode_blocks(&sample()[..5000]);
        for length in 1..body.len() {
            assert!(decode_blocks(&body[..length], LIMIT).is_err(), "blocks cut at {length}");
        }
    }

    #[test]
    fn a_flipped_bit_in_a_checked_block_is_found() {
        let good = encode_blocks(&sample());
        assert_eq!(decode_blocks(&good, LIMIT).unwrap(), sample());
        for at in [0, 15, 16, 17, 30, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(decode_blocks(&bad, LIMIT).is_err(), "bit flipped at {at}");
        }
    }

    #[test]
    fn a_body_that_grows_past_the_limit_is_refused() {
        for (name, encode) in encodings() {
            let body = encode(&vec![0; 10_000]);
            assert_eq!(decode(name, &body, 10_000).unwrap().unwrap().len(), 10_000, "{name}");
            assert_eq!(decode(name, &body, 9_999).unwrap().unwrap_err().code, 307, "{name}");
        }
        assert_eq!(decode_blocks(&encode_blocks(&[0; 10_000]), 9_999).unwrap_err().code, 307);
    }
}
