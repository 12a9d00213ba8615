//! the words of the market, and their one byte encoding.
