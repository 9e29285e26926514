//! Judging measurements: what the numbers mean, in values and words. Pure.
//!
//! * [`lag`] and [`verdict`]: how far consumers are behind, and whether that is a problem.
//! * [`rates`]: the five hops over one window, and whether they conserve lines.
//! * [`health`]: data centres as their witnesses see them.
//! * [`findings`]: what needs somebody, worst first.
//! * [`alerts`]: rules with a duration, and [`alert_state`]: which of them are on.
//! * [`overall`]: the health of the whole; [`history`]: what the charts show.
//!
//! Nothing here measures: samples come in, judgements go out.

pub mod alert_state;
pub mod alerts;
pub mod findings;
pub mod health;
pub mod history;
pub mod lag;
pub mod overall;
pub mod rates;
pub mod verdict;
