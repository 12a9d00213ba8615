//! every number we publish.
