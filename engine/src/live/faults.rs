//! Faults of live mode: what breaks and mends real servers.

use crate::ports::Fault;

/// Breaks and mends the servers of a profile that allows it.
#[derive(Debug, Default)]
pub struct FaultControl {}

impl FaultControl {
    /// Replaces the faults in force. Returns at once; the servers follow in their own time.
    pub fn set(&self, faults: &[Fault]) {
        tracing::warn!(?faults, "this profile does not allow faults");
    }
}
