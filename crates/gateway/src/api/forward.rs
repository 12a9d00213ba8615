//! A venue's part: its members' signed orders come in, and are forwarded in the order in which they came.
//!
//! ```text
//!   a member's gateway --orders signed for this venue--> checked --> outbox: Forward { .. } --> a block
//! ```
//!
//! Each signature is checked here: a false one would keep out all that is forwarded with it. One list is checked and
//! kept after the other, as their bodies were whole.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use crypto::keys;
use ledger::{
    Key, Signed,
    forward::Forwarded,
    governance::{PartyKey, Roles},
    row::Row as _,
};
use listen::Problem;
use types::{ChainId, Digest, PartyId, PublicKey, Sender, Wire as _};

use super::{
    Answer, Door,
    ask::{take, under_key},
    problem::{self, database},
    shapes::{ProblemShape, Submission},
    user::Bringer,
};
use crate::sending::Asked;

/// Forwards orders that members have signed for the owner, a venue, in their order: each in an envelope that names the
/// venue in `via`, in the market's one encoding, one list of them. The answer names the instructions that forward
/// them; an order's own id is its envelope's. One that may not stand when its turn comes is told as `not-forwarded`.
#[utoipa::path(post, path = "/v1/forwarded",
    params(("Idempotency-Key" = String, Header, description = "1 to 64 letters, digits, - and _")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "A list of signed envelopes, in the market's encoding"),
    responses(
        (status = 202, body = Submission), (status = 200, body = Submission, description = "It was asked before"),
        (status = "4XX", body = ProblemShape), (status = "5XX", body = ProblemShape)
    )
)]
pub async fn forward(
    Bringer(user): Bringer,
    State(door): State<Door>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Submission>)> {
    let (key, body) = under_key(&door, &headers, body, "application/octet-stream").await?;
    let facts = door.facts()?;
    if !facts.roles.any_of(Roles::EXCHANGE) {
        return Err(Problem::new(problem::VENUE));
    }
    let malformed = |why| Problem::saying(problem::INSTRUCTION, format_args!("the list: {why}"));
    let orders = Vec::<Signed>::from_bytes(&body).map_err(malformed)?;
    if orders.is_empty() {
        return Err(Problem::saying(problem::INSTRUCTION, "the list is empty"));
    }
    let _turn = door.app.forwards.lock().await;
    // What was kept once is not asked anew whether it may be: a key may be revoked meanwhile.
    let known = door.app.sending.find(&user.name, &key).await.map_err(database)?;
    let orders = if known.is_some() { orders } else { checked(&door, facts.party, orders).await? };
    take(&door, &user, (key, &body), (Asked::Orders(orders), None)).await
}

/// The orders, if each of them may be forwarded by `venue`.
async fn checked(door: &Door, venue: PartyId, orders: Vec<Signed>) -> Answer<Vec<Signed>> {
    let mut owned = BTreeSet::new();
    for (place, order) in orders.iter().enumerate() {
        let key = key_of(order, door.app.chain, venue);
        owned.insert(key.map_err(|why| refused(place, why))?);
    }
    let rows = door.app.history.rows(&owned).await.map_err(database)?;
    let usable = |it: &Signed| {
        let key = key_of(it, door.app.chain, venue).ok()?;
        let row = PartyKey::from_bytes(rows.get(&key)?).ok().filter(|it| !it.revoked)?;
        let signature: [u8; 64] = it.witnesses.first()?.bytes.0.as_slice().try_into().ok()?;
        Some((row.public, it.envelope.digest(), signature))
    };
    let mut signed = Vec::with_capacity(orders.len());
    for (place, order) in orders.iter().enumerate() {
        let usable = usable(order);
        signed.push(usable.ok_or_else(|| refused(place, "its sender has no such key"))?);
    }
    // It takes a while, and others ask meanwhile.
    let wrong = tokio::task::spawn_blocking(move || first_false(&signed)).await;
    match wrong.map_err(|why| Problem::saying(problem::DATABASE, why))? {
        None => Ok(orders),
        Some(place) => Err(refused(place, "its signature is not that of its key")),
    }
}

/// A key, what it is said to have signed, and the signature.
type Signature = (PublicKey, Digest, [u8; 64]);

/// The place of the first signature that is false; `None` if all are true.
fn first_false(signed: &[Signature]) -> Option<usize> {
    let all = signed.iter().map(|(public, digest, it)| (public, &digest.0[..], it));
    if keys::verify_all(all) {
        return None;
    }
    signed.iter().position(|(public, digest, it)| !keys::verify(public, &digest.0, it))
}

/// The row of the key that an order is signed with, if it is one that `venue` may forward, but for its signature.
fn key_of(order: &Signed, chain: ChainId, venue: PartyId) -> Result<Key, &'static str> {
    let envelope = &order.envelope;
    let Sender::Party(party) = envelope.sender else { return Err("no party has signed it") };
    let signature = |it: &types::Witness| it.class == Signed::SIGNATURE && it.bytes.0.len() == 64;
    if envelope.chain != chain {
        Err("it is for another market")
    } else if envelope.via != Some(venue) {
        Err("it does not name this venue")
    } else if envelope.instructions.is_empty() || Forwarded::of(envelope).is_none() {
        Err("it carries something else than orders, or nothing")
    } else if !matches!(order.witnesses.as_slice(), [one] if signature(one)) {
        Err("it has not one signature")
    } else {
        Ok(PartyKey::key(&(party, envelope.key)))
    }
}

fn refused(place: usize, why: &str) -> Problem {
    Problem::saying(problem::ORDER, format_args!("[{place}]: {why}"))
}
