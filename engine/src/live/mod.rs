//! Live mode: the two ports over real servers, the log on Apache Kafka and the store on Apache
//! Cassandra.
//!
//! Everything above the ports is the code that embedded mode runs. The two adapters know nothing
//! of each other; both hand the faults of a drill to [`faults::FaultControl`], because a real
//! server is broken from outside and not by its client.

pub mod cassandra;
pub mod faults;
pub mod kafka;
