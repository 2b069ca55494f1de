//! TLS beyond files: what is in memory, revocation, pinning, a key log.
