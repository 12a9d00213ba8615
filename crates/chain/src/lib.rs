//! agrees: mempool, blocks, consensus, execution, recovery.
