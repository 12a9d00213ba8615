//! Who asks: a user of the gateway, by its bearer token.

use axum::{extract::FromRequestParts, http::header, http::request::Parts};
use listen::Problem;

use super::{Answer, Door, problem};
use crate::config::{Right, User};

/// One who may read.
pub struct Reader(#[expect(dead_code, reason = "that there is one is what matters")] pub User);

/// One who may ask for instructions.
pub struct Instructor(pub User);

/// One who may bring what members have signed for a venue.
pub struct Bringer(pub User);

/// Any user, for what is its own.
pub struct Asking(pub User);

impl FromRequestParts<Door> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Answer<Self> {
        user(parts, door, None).map(Self)
    }
}

impl FromRequestParts<Door> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Answer<Self> {
        user(parts, door, Some(Right::Read)).map(Self)
    }
}

impl FromRequestParts<Door> for Instructor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Answer<Self> {
        user(parts, door, Some(Right::Instruct)).map(Self)
    }
}

impl FromRequestParts<Door> for Bringer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Answer<Self> {
        user(parts, door, Some(Right::Forward)).map(Self)
    }
}

fn user(parts: &Parts, door: &Door, right: Option<Right>) -> Answer<User> {
    let token = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = token.and_then(|it| it.strip_prefix("Bearer "));
    // Digests are compared, so how long that takes says nothing about a token.
    let digest = token.map(|it| hex::encode(crypto::sha256(it.as_bytes()).0));
    let user = door.app.users.iter().find(|it| Some(&it.token_sha256) == digest.as_ref());
    let user = user.ok_or_else(|| Problem::new(problem::TOKEN))?;
    match right {
        Some(right) if !user.rights.contains(&right) => {
            let what = format_args!("{} has not the right {right:?}", user.name);
            Err(Problem::saying(problem::RIGHT, what))
        }
        _ => Ok(user.clone()),
    }
}
