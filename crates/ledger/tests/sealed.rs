//! What is sealed settles by what was shown of it: nobody here reads an amount but the tests.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "sealed/credits.rs"]
mod credits;
#[path = "sealed/issuance.rs"]
mod issuance;
#[path = "sealed/pairs.rs"]
mod pairs;
#[path = "sealed/random.rs"]
mod random;
#[path = "sealed/sets.rs"]
mod sets;
#[path = "sealed/shown.rs"]
mod shown;
#[path = "sealed/stage.rs"]
mod stage;
mod withheld;
