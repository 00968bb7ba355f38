//! The usage processor.
