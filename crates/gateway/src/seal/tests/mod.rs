//! Sealing and opening, as the market does it.

mod envelope;
mod seed;
