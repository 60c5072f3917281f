//! Reads: from the cache when it has an answer that the caller takes, else from the component, which may then fill it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts,
    response,
};

use super::{
    account::Account,
    answer::Answer,
    body::Body,
    cache::{Flight, Found, Kept, Key, Outcome, Turn, Wish, may_keep, wish},
    coding::Effort,
    problem::unanswered,
    public::{Public, WHOLE, begun, caller},
    request_id::{self, RequestId},
    upload::{absolute, nothing, plain_read},
};
use crate::guest::{Content, Failure, Reply};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// A read and what the cache needs to know of it.
struct Question<'a> {
    key: Key<'a>,
    hash: u64,
    wish: Wish,
}

/// What the cache had.
enum Recalled {
    Kept(Kept),
    /// Nothing, at this generation; whoever holds the flight asks for all.
    Nothing(u64, Option<Flight>),
}

impl Public {
    /// The answer to a repeated read, if it is there in just the form that is asked for.
    pub(super) fn recollect<B: hyper::body::Body>(
        &self,
        request: &Request<B>,
        account: &mut Account,
    ) -> Option<Response<Body>> {
        let (method, headers) = (request.method(), request.headers());
        if !self.caching || wish(method, headers) != Wish::Kept || !request.body().is_end_stream() {
            return None;
        }
        let key = Key::of(request.uri(), headers);
        let found = self
            .cache
            .find(&key, self.cache.hash(&key), self.db.generation());
        let Found::Kept(kept) = found else {
            return None;
        };
        let response = kept.answer.ready(headers, method == Method::HEAD)?;
        Some(self.hit(response, &kept, account))
    }

    pub(super) async fn read(
        &self,
        parts: Parts,
        id: &RequestId,
        account: &mut Account,
    ) -> Response<Body> {
        let begun_at = Instant::now();
        let question = self.question(&parts);
        let (generation, flight) = match self.recall(&question).await {
            Recalled::Kept(kept) => {
                return self.hit(self.render(&kept.answer, &parts).await, &kept, account);
            }
            Recalled::Nothing(generation, flight) => (generation, flight),
        };
        let outcome = match question.wish {
            Wish::Kept => Outcome::Miss,
            Wish::New | Wish::Nothing => Outcome::Bypass,
        };
        account.cached(outcome);
        // Who has waited for another's answer in vain has less time left for its own.
        let left = self
            .limits
            .request_timeout
            .saturating_sub(begun_at.elapsed());
        let reply = self.ask(&parts, id, account, left).await;
        if has_failed(&reply)
            && let Some(kept) = self.fall_back(&question, generation)
        {
            drop(flight);
            return self.hit(self.render(&kept.answer, &parts).await, &kept, account);
        }
        let response = match reply {
            Ok(Reply {
                head,
                body: Content::Whole(body),
            }) => {
                let answer = self.keep(&question, generation, head, body);
                drop(flight);
                self.render(&answer, &parts).await
            }
            Ok(Reply {
                head,
                body: Content::Begun(first, rest),
            }) => without_body_for(&parts.method, begun(head, first, rest)),
            Err(failure) => unanswered(failure, id),
        };
        labelled(response, outcome)
    }

    fn question<'a>(&self, parts: &'a Parts) -> Question<'a> {
        let key = Key::of(&parts.uri, &parts.headers);
        Question {
            hash: self.cache.hash(&key),
            key,
            wish: match self.caching {
                true => wish(&parts.method, &parts.headers),
                false => Wish::Nothing,
            },
        }
    }

    async fn recall(&self, question: &Question<'_>) -> Recalled {
        let Question {
            key, hash, wish, ..
        } = question;
        let generation = self.db.generation();
        if *wish != Wish::Kept {
            return Recalled::Nothing(generation, None);
        }
        match self.cache.find(key, *hash, generation) {
            Found::Kept(kept) => return Recalled::Kept(kept),
            Found::NotKept => return Recalled::Nothing(generation, None),
            Found::Nothing => {}
        }
        let mut asked = match self.flights.join(*hash) {
            Turn::Ask(flight) => return Recalled::Nothing(generation, Some(flight)),
            Turn::Wait(asked) => asked,
        };
        let _ = tokio::time::timeout(self.limits.request_timeout, asked.changed()).await;
        let generation = self.db.generation();
        match self.cache.find(key, *hash, generation) {
            Found::Kept(kept) => Recalled::Kept(kept),
            Found::NotKept | Found::Nothing => Recalled::Nothing(generation, None),
        }
    }

    fn fall_back(&self, question: &Question<'_>, generation: u64) -> Option<Kept> {
        let Question { key, hash, wish } = question;
        let kept = || self.cache.fall_back(key, *hash, generation);
        (*wish == Wish::Kept).then(kept).flatten()
    }

    async fn ask(
        &self,
        parts: &Parts,
        id: &RequestId,
        account: &Account,
        within: Duration,
    ) -> Result<Reply, Failure> {
        let mut asked = parts.clone();
        absolute(&mut asked);
        plain_read(&mut asked);
        account.client().tell_origin(&mut asked.headers);
        asked.headers.insert(request_id::HEADER, id.value());
        let whole = if self.caching {
            self.cache.largest().max(WHOLE)
        } else {
            WHOLE
        };
        let request = Request::from_parts(asked, nothing());
        self.guests
            .handle(caller(id, account), request, whole, within)
            .await
    }

    fn keep(
        &self,
        question: &Question<'_>,
        generation: u64,
        head: response::Parts,
        body: Bytes,
    ) -> Arc<Answer> {
        let shared = question.wish != Wish::Nothing;
        let fresh = (shared && body.len() <= self.cache.largest())
            .then(|| may_keep(head.status, &head.headers))
            .flatten();
        let effort = if fresh.is_some() {
            Effort::Thorough
        } else {
            Effort::Quick
        };
        let answer = Arc::new(Answer::new(head, body, effort));
        if shared {
            let kept = fresh.is_some().then(|| Arc::clone(&answer));
            self.cache.keep(
                &question.key,
                question.hash,
                generation,
                kept,
                fresh.flatten(),
            );
        }
        answer
    }

    fn hit(&self, response: Response<Body>, kept: &Kept, account: &mut Account) -> Response<Body> {
        let Kept { age, stale, .. } = kept;
        let outcome = if *stale { Outcome::Stale } else { Outcome::Hit };
        account.cached(outcome);
        self.metrics.cache_age.observe(age.as_secs_f64());
        let mut response = labelled(response, outcome);
        response
            .headers_mut()
            .insert(header::AGE, HeaderValue::from(age.as_secs()));
        response
    }

    async fn render(&self, answer: &Arc<Answer>, parts: &Parts) -> Response<Body> {
        let before = answer.size();
        let head = parts.method == Method::HEAD;
        let response = answer.respond(&parts.headers, head).await;
        if answer.size() != before {
            self.cache.trim();
        }
        response
    }
}

/// An answer to `HEAD` has the head alone.
fn without_body_for(method: &Method, mut response: Response<Body>) -> Response<Body> {
    if *method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The failures for which an earlier answer may stand in (RFC 5861 section 4).
fn has_failed(reply: &Result<Reply, Failure>) -> bool {
    const FAILED: [StatusCode; 4] = [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    match reply {
        Ok(reply) => FAILED.contains(&reply.head.status),
        Err(_) => true,
    }
}

fn labelled(mut response: Response<Body>, outcome: Outcome) -> Response<Body> {
    if let Some(name) = outcome.name() {
        response
            .headers_mut()
            .insert(X_CACHE, HeaderValue::from_static(name));
    }
    response
}
