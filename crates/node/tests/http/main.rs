//! The node's HTTP interface over real sockets: what it answers, and every limit.

#![recursion_limit = "512"]

mod answers;
mod client;
mod fake;
mod limits;
mod page;
