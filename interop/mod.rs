//! One set of scenarios for every broker there is to talk to.

pub mod brokers;
pub mod deviations;
pub mod link;
pub mod report;
pub mod run;
pub mod scenarios;
pub mod tap;
