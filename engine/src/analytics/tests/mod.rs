//! Figures of the whole file against numbers counted outside the product, and against slow and
//! plain programs that share no code with it.

mod fixture;
mod full_file;
mod merging;
mod naive_customers;
mod net;
mod pages;
mod tables;
mod together;
