//! Cursors in the spellings of public registries, and upstreams that never end.

use super::{
    api::{api, page, parameter},
    server::{Answer, Seen, Server, answer},
    *,
};

/// Members with the cursor of the next page.
type Lead = fn(usize) -> String;

/// The records `from` to `to`, then more members.
fn records(from: usize, to: usize, members: &str) -> Answer {
    let records: Vec<_> = (from..to)
        .map(|number| format!(r#"{{"server":{{"name":"a/{number}"}}}}"#))
        .collect();
    let body = format!(r#"{{"servers":[{}]{members}}}"#, records.join(","));
    answer(200, body)
}

/// 250 records in three pages; `lead` writes the members with the cursor of the next page.
async fn paged(lead: Lead) -> Server {
    Server::start(move |seen: Seen| async move {
        let from = parameter(&seen.target, "cursor").map_or(0, |cursor| {
            cursor.parse().expect("a cursor of this upstream")
        });
        match from {
            200 => records(200, 250, r#","metadata":{"count":50}"#),
            _ => records(from, from + 100, &lead(from + 100)),
        }
    })
    .await
}

fn names(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| line.contains("\"name\""))
        .count()
}

#[tokio::test]
async fn every_spelling_of_a_cursor_leads_to_all_records() {
    let spellings: [Lead; 6] = [
        |next| format!(r#","metadata":{{"nextCursor":"{next}"}}"#),
        |next| format!(r#","metadata":{{"next_cursor":"{next}"}}"#),
        |next| format!(r#","metadata":{{"nextCursor":{next}}}"#),
        |next| format!(r#","nextCursor":"{next}","metadata":{{"count":100}}"#),
        |next| format!(r#","next_cursor":{next}"#),
        |next| format!(r#","metadata":{{"nextCursor":null}},"nextCursor":"{next}""#),
    ];
    for lead in spellings {
        let bench = Bench::new();
        let server = paged(lead).await;
        let (lines, _) = bench.complete(&api(server.url("")), None).await;
        assert_eq!(names(&lines), 250, "{}", lead(100));
    }
}

#[tokio::test]
async fn cursors_that_are_not_understood_fail_the_pass() {
    let spellings: [(Lead, &str); 4] = [
        (
            |next| format!(r#","metadata":{{"nextCursor":{{"offset":{next}}}}}"#),
            "`metadata.nextCursor`",
        ),
        (
            |next| format!(r#","pagination":{{"next":"?cursor={next}"}}"#),
            "`pagination.next`",
        ),
        (|next| format!(r#","cursor":"{next}""#), "`cursor`"),
        (
            |_| r#","metadata":{"hasNextPage":true}"#.to_owned(),
            "`metadata.hasNextPage`",
        ),
    ];
    for (lead, member) in spellings {
        let bench = Bench::new();
        let server = paged(lead).await;
        let error = bench.failure(&api(server.url(""))).await;
        check(&error, Kind::Format, &["page 1", member]);
    }
}

#[tokio::test]
async fn upstreams_that_repeat_themselves_end_the_pass() {
    let endless: [fn(&str) -> Answer; 3] = [
        |next| page("a/1", Some(next)),
        |next| records(0, 0, &format!(r#","nextCursor":"{next}""#)),
        |next| answer(200, format!(r#"{{"servers":[7,8],"nextCursor":"{next}"}}"#)),
    ];
    for pages in endless {
        let bench = Bench::new();
        let server = Server::start(move |seen: Seen| async move {
            let cursor = parameter(&seen.target, "cursor").unwrap_or("0");
            let number: u64 = cursor.parse().expect("a number");
            pages(&(number + 1).to_string())
        })
        .await;
        let error = bench.failure(&api(server.url(""))).await;
        check(&error, Kind::Inconsistent, &["the upstream repeats itself"]);
        let asked = server.seen().len();
        assert!((10..=12).contains(&asked), "{asked} pages");
    }
}
