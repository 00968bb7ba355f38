//! The host: discovers processors, scans sessions, runs the one over the other and keeps the state.
