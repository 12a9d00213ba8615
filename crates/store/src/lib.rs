//! remembers: authenticated state, changes of each block, proofs of any past moment.
