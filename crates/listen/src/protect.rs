//! What stands before every route: the rate of the address, the time for an answer, the count of both.

use std::{
    net::IpAddr,
    sync::{PoisonError, atomic::Ordering::Relaxed},
    time::Instant,
};

use axum::{
    Extension, Router,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::{
    Shared, ms,
    problem::{self, Problem},
};

/// From where a request comes.
#[derive(Clone, Copy)]
pub struct Asker(pub IpAddr);

/// `router` behind the limits of its listener; what it does not know is refused.
pub fn protect(router: Router, shared: &Shared) -> Router {
    router
        .fallback(async || Problem::new(problem::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(problem::METHOD))
        .layer(middleware::from_fn_with_state(shared.clone(), limit))
}

async fn limit(
    State(shared): State<Shared>,
    Extension(Asker(from)): Extension<Asker>,
    request: Request,
    next: Next,
) -> Response {
    let may = {
        let mut buckets = shared.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(from, Instant::now())
    };
    let response = if may {
        let answer = tokio::time::timeout(ms(shared.limits.answer_ms), next.run(request)).await;
        answer.unwrap_or_else(|_| Problem::new(problem::TOO_SLOW).into_response())
    } else {
        shared.counts.too_often.fetch_add(1, Relaxed);
        Problem::new(problem::RATE).into_response()
    };
    shared.counts.answered(response.status().as_u16());
    response
}

/// All of a body, within the limits of size and time.
///
/// # Errors
/// `body-too-slow`, `body-too-large`, `body-cut`.
pub async fn whole(body: Body, shared: &Shared) -> Result<Vec<u8>, Problem> {
    let max = crate::size(shared.limits.body_bytes);
    let reading = tokio::time::timeout(ms(shared.limits.body_ms), read(body, max));
    reading.await.map_err(|_| Problem::new(problem::BODY_TOO_SLOW))?
}

async fn read(mut body: Body, max: usize) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::saying(problem::BODY_TOO_LARGE, format_args!("at most {max} bytes"));
    let said = usize::try_from(body.size_hint().lower()).ok();
    if said.is_some_and(|it| it > max) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) =
        std::future::poll_fn(|it| std::pin::Pin::new(&mut body).poll_frame(it)).await
    {
        let frame = frame.map_err(|why| Problem::saying(problem::BODY_CUT, why))?;
        let Ok(part) = frame.into_data() else { continue };
        if bytes.len() + part.len() > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}
