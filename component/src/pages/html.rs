//! The frame of every page.

use std::fmt;

use ::http::{HeaderValue, header};

use crate::http::Reply;

pub(super) const MEDIA: &str = "text/html; charset=utf-8";

/// Nothing is loaded and nothing runs; the style stands in the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const STYLE: &str = "\
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 20%,transparent)}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1,h2{line-height:1.2}h2{margin-top:2rem}\
code,pre{font:.9em/1.5 ui-monospace,monospace}\
pre{overflow-x:auto;padding:.75rem;border:1px solid var(--line);border-radius:.4rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}";

/// A text between tags or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => fmt::Write::write_char(f, other),
        })
    }
}

/// A page; `body` is markup.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = Escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n\
         </body>\n</html>\n"
    )
}

/// A table; the cells of its rows are markup.
pub(super) fn table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("<table aria-label=\"{}\">\n<thead><tr>", Escaped(caption));
    for cell in head {
        out.push_str(&format!("<th scope=\"col\">{}</th>", Escaped(cell)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            out.push_str(&format!("<td>{cell}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

/// Adds what protects a page.
pub(super) fn guarded(reply: Reply) -> Reply {
    reply
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        )
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn markup_in_texts_stays_text() {
        let check = |text, expected: &str| assert_eq!(Escaped(text).to_string(), expected);
        check("a & b", "a &amp; b");
        check(
            "<script>alert('x')</script>",
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;",
        );
        check("\" onload=\"", "&quot; onload=&quot;");
        check("ä", "ä");
    }
}
