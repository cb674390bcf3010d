//! Bodies and answers under HTTP's encodings and ClickHouse's own frames.

use std::io::{Read, Write};

use crate::server::{Answer, Server, answer};

const SQL: &str = "SELECT number, repeat('abc', number % 10) FROM numbers(200000)";

async fn encoded(server: &Server, accept: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = server.request(parameters, SQL).header("Accept-Encoding", accept);
    answer(request.send().await.unwrap()).await
}

fn lz4_frame(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn answers_come_as_the_client_accepts_them() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let plain = encoded(&server, "identity", &[]).await;
    assert_eq!(plain.header("content-encoding"), "");

    let lz4 = encoded(&server, "lz4", &[("enable_http_compression", "1")]).await;
    assert_eq!(lz4.header("content-encoding"), "lz4");
    let mut bytes = Vec::new();
    lz4_flex::frame::FrameDecoder::new(lz4.body.as_slice()).read_to_end(&mut bytes).unwrap();
    assert!(bytes == plain.body && lz4.body.len() < bytes.len() / 2);

    let zipped = encoded(&server, "deflate, gzip;q=0.5", &[]).await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    bytes.clear();
    flate2::read::MultiGzDecoder::new(zipped.body.as_slice()).read_to_end(&mut bytes).unwrap();
    assert!(bytes == plain.body);

    let zstd = encoded(&server, "zstd, gzip", &[]).await;
    assert_eq!(zstd.header("content-encoding"), "zstd");
    assert!(zstd::decode_all(zstd.body.as_slice()).unwrap() == plain.body);

    let off = encoded(&server, "lz4", &[("enable_http_compression", "0")]).await;
    assert!(off.header("content-encoding").is_empty() && off.body == plain.body);
}

#[tokio::test]
async fn frames_written_here_are_read_here() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n").await;
    let frames = server.post(&[("compress", "1"), ("default_format", "RowBinary")], SQL).await;
    let insert = [("query", "INSERT INTO t FORMAT RowBinary"), ("decompress", "1")];
    server.post(&insert, frames.body.clone()).await.good();
    assert_eq!(server.sql("SELECT count(), sum(n) FROM t").await, "200000\t19999900000\n");

    let mut damaged = frames.body.clone();
    damaged[100] ^= 1;
    assert_eq!(server.post(&insert, damaged).await.error(), (500, 40));
    let cut = frames.body[..frames.body.len() - 3].to_vec();
    assert_eq!(server.post(&insert, cut).await.error(), (500, 32));
    assert_eq!(server.post(&insert, "this is no frame, whatever it may be").await.error().0, 500);
    assert_eq!(server.sql("SELECT count() FROM t").await, "200000\n");
}

#[tokio::test]
async fn encoded_bodies_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s").await;
    let data = b"a\nb\n\nc\n".repeat(10_000);
    for (encoding, body) in [
        ("lz4", lz4_frame(&data)),
        ("gzip", gzip(&data)),
        ("zstd", zstd::encode_all(data.as_slice(), 1).unwrap()),
        ("identity", data.clone()),
    ] {
        let request = server.request(&[("query", "INSERT INTO t FORMAT LineAsString")], body);
        answer(request.header("Content-Encoding", encoding).send().await.unwrap()).await.good();
    }
    assert_eq!(server.sql("SELECT count() FROM t WHERE s = 'c'").await, "40000\n");
    let query = server.request(&[], gzip(b"SELECT 1")).header("Content-Encoding", "gzip");
    assert_eq!(answer(query.send().await.unwrap()).await.good(), "1\n");
    let unknown = server.request(&[], "SELECT 1").header("Content-Encoding", "br").send().await.unwrap();
    assert_eq!(answer(unknown).await.error(), (500, 89));
    let broken = server.request(&[], "SELECT 1").header("Content-Encoding", "gzip").send().await.unwrap();
    assert_eq!(answer(broken).await.error(), (500, 271));
}
