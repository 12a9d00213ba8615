//! Checks proofs a second time, with libraries of another house; it is tests alone.
//!
//! What a proof of ours shows is shown again by `solana-zk-sdk`, which was audited and is in use: that what remains
//! is sealed to as many units as is said, that each handle is that of its key, that both amounts are in range. What
//! one of both refuses, the other has to refuse. `bulletproofs` looks at the ranges a third time.
