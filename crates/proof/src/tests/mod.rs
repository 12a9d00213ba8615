//! Claims of every kind, true ones and false ones, alone and among others.

mod changed;
mod claims;
mod forged;
mod frozen;
mod many;
mod sample;
