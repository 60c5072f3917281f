//! `cairn healthcheck URL`: one request, for containers that have neither a shell nor curl. It reads no configuration, so
//! that it answers even where the server does not start.

use std::{borrow::Cow, process::ExitCode, time::Duration};

use anyhow::{Context, Result, ensure};
use reqwest::Client;

use super::settings;

/// Ask a URL and exit with 0 when the answer is a success (2xx).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Such as http://127.0.0.1:8081/livez
    url: String,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    settings::runtime()?.block_on(ask(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(args: &Args) -> Result<()> {
    let client = Client::builder()
        .timeout(Duration::from_secs(args.timeout))
        // A probe asks this process, whatever proxy its sources need.
        .no_proxy()
        .build()?;
    let url = address(&args.url);
    let answer = client.get(&*url).send().await;
    let status = answer
        .map_err(reqwest::Error::without_url)
        .with_context(|| url.clone().into_owned())?
        .status();
    ensure!(status.is_success(), "{url}: {status}");
    Ok(())
}

/// A URL without a scheme is one of HTTP.
fn address(url: &str) -> Cow<'_, str> {
    if url.contains("://") {
        Cow::Borrowed(url)
    } else {
        Cow::Owned(format!("http://{url}"))
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_scheme_is_added_where_there_is_none() {
        for (given, expected) in [
            ("127.0.0.1:8081/livez", "http://127.0.0.1:8081/livez"),
            ("localhost:8081", "http://localhost:8081"),
            ("[::1]:8081/livez", "http://[::1]:8081/livez"),
            ("https://h/livez", "https://h/livez"),
        ] {
            assert_eq!(address(given), expected);
        }
    }
}
