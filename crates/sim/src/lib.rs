//! A whole market in one thread, from a seed: the code of the market itself, on a deterministic runtime.
//!
//! Reading order: [`network`], [`market`].

pub mod market;
pub mod network;

pub use market::Market;
