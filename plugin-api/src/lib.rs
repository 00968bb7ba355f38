//! What a session processor is made of: the Rust face for plugin authors and the ABI under it.
