//! Sealing and opening, as the market does it.

mod amount;
mod envelope;
mod published;
mod seed;
mod wrap;
