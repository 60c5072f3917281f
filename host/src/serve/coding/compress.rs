//! Bytes in a coding.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, header};

use super::Coding;

/// Smaller bodies fit a packet or two as they are.
const SMALLEST: usize = 1024;

/// Brotli's window: 256 KiB, so that one compression does not need megabytes.
const WINDOW: u32 = 18;

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Sent once.
    Quick,
    /// Kept and sent often.
    Thorough,
}

/// Whether a response of these headers and size is sent in a coding at all.
pub(crate) fn worth_it(headers: &HeaderMap, size: usize) -> bool {
    let says = |name, word: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    size >= SMALLEST
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && !says(header::CACHE_CONTROL, "no-transform")
        && headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_text)
}

fn is_text(content_type: &str) -> bool {
    const TEXTS: [&str; 7] = [
        "json",
        "xml",
        "yaml",
        "javascript",
        "x-yaml",
        "x-ndjson",
        "wasm",
    ];
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("text", subtype)) => subtype != "event-stream",
        Some((_, subtype)) => {
            let suffix = subtype.rsplit('+').next().unwrap_or(subtype);
            TEXTS.contains(&suffix)
        }
        None => false,
    }
}

/// The bytes in a coding, unless that makes them no smaller.
pub(crate) fn compress(coding: Coding, effort: Effort, bytes: &[u8]) -> io::Result<Option<Bytes>> {
    let coded = match coding {
        Coding::Gzip => gzip(effort, bytes)?,
        Coding::Brotli => brotli(effort, bytes)?,
        Coding::Zstd => zstd::bulk::compress(bytes, if effort == Effort::Quick { 1 } else { 7 })?,
    };
    Ok((coded.len() < bytes.len()).then(|| coded.into()))
}

fn gzip(effort: Effort, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let level = if effort == Effort::Quick { 1 } else { 6 };
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(effort: Effort, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let level = if effort == Effort::Quick { 1 } else { 5 };
    let mut coded = Vec::with_capacity(bytes.len() / 4);
    let mut encoder = brotli::CompressorWriter::new(&mut coded, 4096, level, WINDOW);
    encoder.write_all(bytes)?;
    encoder.flush()?;
    drop(encoder);
    Ok(coded)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_was_coded_comes_back() {
        let text = "a registry of registries ".repeat(400);
        for effort in [Effort::Quick, Effort::Thorough] {
            for coding in Coding::ALL {
                let coded = compress(coding, effort, text.as_bytes()).unwrap().unwrap();
                let mut plain = Vec::new();
                match coding {
                    Coding::Gzip => drop(
                        io::copy(&mut flate2::read::GzDecoder::new(&*coded), &mut plain).unwrap(),
                    ),
                    Coding::Brotli => drop(
                        io::copy(&mut brotli::Decompressor::new(&*coded, 4096), &mut plain)
                            .unwrap(),
                    ),
                    Coding::Zstd => plain = zstd::bulk::decompress(&coded, 1 << 20).unwrap(),
                }
                assert_eq!(plain, text.as_bytes(), "{coding:?}");
                assert!(coded.len() < text.len() / 10, "{coding:?}: {}", coded.len());
            }
        }
        let noise: Vec<u8> = (0..2000).map(|_| fastrand::u8(..)).collect();
        assert!(
            Coding::ALL
                .into_iter()
                .all(|coding| compress(coding, Effort::Quick, &noise).unwrap().is_none())
        );
    }

    #[test]
    fn only_texts_of_some_size_are_coded() {
        for (content_type, size, extra, coded) in [
            ("application/json", 4096, None, true),
            ("application/json; charset=utf-8", 4096, None, true),
            ("application/problem+json", 4096, None, true),
            ("application/yaml", 4096, None, true),
            ("text/html", 4096, None, true),
            ("image/svg+xml", 4096, None, true),
            ("application/json", 1023, None, false),
            ("image/png", 4096, None, false),
            ("application/gzip", 4096, None, false),
            ("text/event-stream", 4096, None, false),
            ("", 4096, None, false),
            ("text/html", 4096, Some(("content-encoding", "br")), false),
            (
                "text/html",
                4096,
                Some(("cache-control", "public, No-Transform")),
                false,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            if let Some((name, value)) = extra {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(
                worth_it(&headers, size),
                coded,
                "{content_type} {size} {extra:?}"
            );
        }
    }
}
