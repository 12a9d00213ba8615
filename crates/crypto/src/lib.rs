//! amounts that add, digests, keys, and the check of block certificates.
