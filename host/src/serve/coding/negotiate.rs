//! `Accept-Encoding` (RFC 9110, 12.5.3).

use http::{HeaderMap, header::ACCEPT_ENCODING};

use super::Coding;

/// The coding a caller likes most; `None` is identity. Without the header nobody asked for anything else, and a caller
/// that refuses everything gets identity too, which the RFC permits and which helps more than an error.
pub(crate) fn choose(headers: &HeaderMap) -> Option<Coding> {
    let mut wishes = Wishes::default();
    for value in headers.get_all(ACCEPT_ENCODING) {
        value
            .to_str()
            .unwrap_or_default()
            .split(',')
            .for_each(|item| wishes.add(item));
    }
    let weight = |coding: Coding| wishes.of(coding);
    let best = Coding::ALL.into_iter().map(weight).max().unwrap_or(0);
    if best == 0 || wishes.identity.is_some_and(|identity| identity > best) {
        return None;
    }
    Coding::ALL
        .into_iter()
        .find(|coding| weight(*coding) == best)
}

/// Weights in thousandths.
#[derive(Default)]
struct Wishes {
    brotli: Option<u16>,
    zstd: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Wishes {
    fn add(&mut self, item: &str) {
        let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
        let name = name.trim();
        let slot = if name.eq_ignore_ascii_case("br") {
            &mut self.brotli
        } else if name.eq_ignore_ascii_case("zstd") {
            &mut self.zstd
        } else if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            &mut self.gzip
        } else if name.eq_ignore_ascii_case("identity") {
            &mut self.identity
        } else if name == "*" {
            &mut self.any
        } else {
            return;
        };
        *slot = Some(weight(parameter));
    }

    fn of(&self, coding: Coding) -> u16 {
        let own = match coding {
            Coding::Brotli => self.brotli,
            Coding::Zstd => self.zstd,
            Coding::Gzip => self.gzip,
        };
        own.or(self.any).unwrap_or(0)
    }
}

/// `q=0.5` as 500; what is not a weight counts as 1, as if it were not there.
fn weight(parameter: &str) -> u16 {
    let given = parameter
        .trim()
        .strip_prefix(['q', 'Q'])
        .map(str::trim_start);
    let Some(value) = given.and_then(|value| value.strip_prefix('=')) else {
        return 1000;
    };
    match value.trim().parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => (value * 1000.0).round() as u16,
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_best_liked_coding_wins() {
        use Coding::{Brotli, Gzip, Zstd};
        for (accept, coding) in [
            ("", None),
            ("gzip", Some(Gzip)),
            ("GZIP", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("gzip, zstd", Some(Zstd)),
            ("br;q=0.5, gzip;q=0.8", Some(Gzip)),
            ("br;q=0.001, gzip;q=0", Some(Brotli)),
            ("br; q=0 , gzip ;q=1", Some(Gzip)),
            ("gzip;q=0", None),
            ("deflate", None),
            ("*", Some(Brotli)),
            ("br;q=0, *;q=0.1", Some(Zstd)),
            ("identity", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some(Gzip)),
            ("identity;q=0", None),
            ("gzip;q=nonsense", Some(Gzip)),
            (",,;;q=", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
            assert_eq!(choose(&headers), coding, "{accept:?}");
        }
        assert_eq!(choose(&HeaderMap::new()), None, "no header");
    }
}
