//! a whole market in one thread, from a seed.
