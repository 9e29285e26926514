//! Judging measurements: lag verdicts, health, findings. Pure.
