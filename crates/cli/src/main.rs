//! The one binary, `furikae`.

fn main() {}
