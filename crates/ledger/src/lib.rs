//! the rules: (snapshot, time, instruction) -> outcome.
