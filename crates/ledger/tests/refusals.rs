//! Every instruction is refused by a ladder: it begins with every fault that it can have, and each rung mends
//! the one that is told. Where several reasons hold, the first in the list of refusals is told.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "refusals/administrators.rs"]
mod administrators;
#[path = "refusals/envelopes.rs"]
mod envelopes;
#[path = "refusals/members.rs"]
mod members;
#[path = "refusals/orders.rs"]
mod orders;
#[path = "refusals/rungs.rs"]
mod rungs;
#[path = "refusals/sealed.rs"]
mod sealed;
#[path = "sealed/stage.rs"]
mod stage;
mod withheld;
