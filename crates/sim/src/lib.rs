//! A whole market in one thread, from a seed: the code of the market itself, on a deterministic runtime.
//!
//! Reading order: [`network`], [`market`], [`script`].

pub mod market;
pub mod network;
pub mod script;

pub use market::Market;
pub use script::{Ran, run_script};
