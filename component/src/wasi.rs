//! The only export: `wasi:http/handler`. It moves requests and responses between the interface and the router, and
//! knows nothing of what is in them.

use std::sync::OnceLock;

use ::http::{Method, Request, Response, Uri};
use bytes::Bytes;
use cairn_registry::model::Namespace;
use spin_sdk::wasip3::{
    clocks::monotonic_clock,
    exports::http::handler::Guest,
    http::types::{self, ErrorCode},
    wit_bindgen, wit_future, wit_stream,
};

use crate::{
    Router,
    db::{
        Store,
        variables::{self, Unread},
    },
    needs_database, router,
};

/// One per instance, and with it one reading connection.
static SERVICE: OnceLock<Service> = OnceLock::new();

/// The router, and the seconds that an answer may take.
struct Service {
    router: Router<Store>,
    limit: Option<u64>,
}

struct Component;

spin_sdk::wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, ErrorCode> {
        let asked = lift(&request)?;
        let kept = SERVICE.get();
        if kept.is_none() && !needs_database(asked.uri()) {
            return lower(without(Unread::NOT_ASKED).answer(&asked).await);
        }
        let begun = match kept {
            Some(service) => Ok(service),
            None => begin().await,
        };
        match begun {
            Ok(service) => lower(service.answer(&asked).await),
            // The next request asks again.
            Err(unread) => lower(without(unread).answer(&asked).await),
        }
    }
}

impl Service {
    async fn answer(&self, asked: &Request<()>) -> Response<Bytes> {
        let Some(seconds) = self.limit else {
            return self.router.answer(asked).await;
        };
        let late = monotonic_clock::wait_for(seconds.saturating_mul(1_000_000_000));
        self.router.answer_before(asked, seconds, late).await
    }
}

/// A router that answers what needs no database, and says why there is none.
fn without(unread: Unread) -> Router<Store> {
    router(Store::Unread(unread), Namespace::default())
}

/// The first request asks which engine there is. Another one may have come to the same answer in between.
async fn begin() -> Result<&'static Service, Unread> {
    let (store, standby) = Store::choose().await?;
    let limit = variables::limit().await?;
    Ok(SERVICE.get_or_init(|| Service {
        router: router(store, Namespace::default()).reading(standby),
        limit,
    }))
}

/// What is asked, without the body: nothing here reads one, and to open one that nobody reads costs as much as the rest.
fn lift(request: &types::Request) -> Result<Request<()>, ErrorCode> {
    let mut asked = Request::new(());
    *asked.method_mut() =
        Method::try_from(request.get_method()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
    *asked.uri_mut() = lift_target(request)?;
    *asked.headers_mut() = request.get_headers().try_into()?;
    Ok(asked)
}

/// The authority stands here and not in `Host`, which guests do not see.
fn lift_target(request: &types::Request) -> Result<Uri, ErrorCode> {
    let given = request.get_path_with_query();
    let path = given.filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| "/".to_owned());
    let uri = Uri::builder().path_and_query(path);
    let uri = match request.get_authority() {
        Some(authority) => uri.scheme("http").authority(authority),
        None => uri,
    };
    uri.build().map_err(|_| ErrorCode::HttpRequestUriInvalid)
}

/// Hands out the head at once and the body behind it, in one piece. An answer without a body has no stream at all, so
/// that the length a `HEAD` tells is not held against it.
fn lower(response: Response<Bytes>) -> Result<types::Response, ErrorCode> {
    let (head, body) = response.into_parts();
    let headers: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let headers = types::Fields::from_list(&headers)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let contents = (!body.is_empty()).then(|| {
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            // What is left over nobody reads: the client is gone.
            let _unread = writer.write_all(body.into()).await;
            drop(writer);
            let _ = trailers.write(Ok(None)).await;
        });
        contents
    });
    let (response, _sent) = types::Response::new(headers, contents, no_trailers);
    response
        .set_status_code(head.status.as_u16())
        .map_err(|()| ErrorCode::InternalError(None))?;
    Ok(response)
}
