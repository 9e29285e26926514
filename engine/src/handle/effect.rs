//! What a command does to the world: the one place that says which commands change something.
//!
//! A program that was started to look and not to touch sends the commands that read and those
//! that end what harms, and refuses the rest.

use super::command::Command;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads, computes or waits.
    Reads,
    /// It ends a fault, a drill or a computation, and may always be sent.
    Ends,
    /// It changes data, offsets, settings or the course of the flow: this, in words.
    Changes(&'static str),
}

impl Command {
    /// What this command does.
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Drain(_)
            | Self::Verify(_)
            | Self::Report(..)
            | Self::Table(..)
            | Self::Lines { .. }
            | Self::Rejects(..)
            | Self::PlanReplay(..)
            | Self::PlanUndo(_)
            | Self::SamplePlan(..)
            | Self::Preview(..)
            | Self::Check(..)
            | Self::Routing(_)
            | Self::RejectPage(..)
            | Self::Fixes(_)
            | Self::Reingested(_)
            | Self::FixEffect(..)
            | Self::PlanReingest(..)
            | Self::BrowseCost(..)
            | Self::Browse(..)
            | Self::Passport(..)
            | Self::Predict(..)
            | Self::DrillRecords(_)
            | Self::Customers(..)
            | Self::OrderGrid(..)
            | Self::Products(..)
            | Self::Together(..)
            | Self::CustomerPage(..)
            | Self::ProductPage(..)
            | Self::Ledger(..)
            | Self::Lens(..) => Effect::Reads,
            Self::EndFault(..)
            | Self::EndAllFaults(_)
            | Self::CancelCheck
            | Self::CancelDrill(_) => Effect::Ends,
            Self::Load(..) => Effect::Changes("loading a file"),
            Self::PauseLoad | Self::ResumeLoad | Self::CancelLoad => {
                Effect::Changes("steering a load")
            }
            Self::SetRate(_) => Effect::Changes("limiting the rate"),
            Self::PauseConsumers | Self::ResumeConsumers => {
                Effect::Changes("holding the consumers")
            }
            Self::Rebuild(_) => Effect::Changes("rebuilding the summaries"),
            Self::Repair(_) => Effect::Changes("repairing the data centres"),
            Self::SetWeights(..) => Effect::Changes("weighing the value score"),
            Self::Materialise(_) => Effect::Changes("writing the derived tables"),
            Self::StartFault { .. } => Effect::Changes("starting a fault"),
            Self::Move { .. } => Effect::Changes("moving a region"),
            Self::AcknowledgeAlert(..) | Self::MuteAlert(..) => {
                Effect::Changes("answering an alert")
            }
            Self::Drill(..) => Effect::Changes("running a drill"),
            Self::ApplyReplay(..) | Self::UndoReplay(_) => Effect::Changes("moving a group"),
            Self::AssignCountry { .. } | Self::UndoRouting(_) | Self::SetRouting(..) => {
                Effect::Changes("changing the routing map")
            }
            Self::AddFix(..) | Self::UndoFix(..) => Effect::Changes("mending a row"),
            Self::Reingest(..) => Effect::Changes("producing mended rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::question;
    use super::*;

    #[test]
    fn what_looks_may_be_sent_and_what_touches_may_not() {
        let (verify, _answer) = question();
        assert_eq!(Command::Verify(verify).effect(), Effect::Reads);
        let (end, _answer) = question();
        assert_eq!(Command::EndAllFaults(end).effect(), Effect::Ends);
        let (repair, _answer) = question();
        let changes = Effect::Changes("repairing the data centres");
        assert_eq!(Command::Repair(repair).effect(), changes);
    }
}
