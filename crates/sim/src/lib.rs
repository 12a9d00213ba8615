//! A whole market in one thread, from a seed: the code of the market itself, on a deterministic runtime.

pub mod network;
