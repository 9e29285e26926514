//! Log and Store inside the process.

pub mod disk;
pub mod log;
pub mod store;
