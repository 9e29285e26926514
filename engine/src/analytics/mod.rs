//! Figures made from summaries. One file per formula; no clock, no I/O.
