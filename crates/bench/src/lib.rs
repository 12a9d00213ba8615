//! Every number we publish; each measurement also runs small, as a test.

pub mod queue;
pub mod sealed;
