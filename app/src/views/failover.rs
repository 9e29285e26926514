//! The page Failover, as words.
