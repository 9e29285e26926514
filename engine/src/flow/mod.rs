//! All orchestration: load, consume, replay, repair, drill.
