//! What to do when a data centre fails: pure decisions, no clock, no I/O.
