//! Time that a request may take where no host limits it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// The outcome of `work`, or `None` when `late` is over before; `work` is then dropped.
pub(crate) async fn first<T>(
    work: impl Future<Output = T>,
    late: impl Future<Output = ()>,
) -> Option<T> {
    let (mut work, mut late) = (pin!(work), pin!(late));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => late.as_mut().poll(cx).map(|()| None),
    })
    .await
}
