//! One integration binary. `architecture.rs` fails if a file of this folder is not listed here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Counts live bytes, for tests that run alone in a process.
#[global_allocator]
static LIVE: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

mod adopt;
mod agreed;
mod approval;
mod architecture;
mod authoring;
mod broken_off;
mod cached;
mod cases;
mod chaos;
mod ci;
mod circles;
mod cli;
mod closed_pipe;
mod codes;
mod commands;
mod compatibility;
mod conformance;
mod connection_problems;
mod daemon;
mod dates;
mod deploy;
mod doctor;
mod drift;
mod drift_reports;
mod editions;
mod examples;
mod found_ids;
mod fuzz_bodies;
mod hostile;
mod hostile_replies;
mod hostile_reports;
mod hostile_sizes;
mod init;
mod invalid;
mod judge;
mod kill;
mod laws;
mod lifecycle;
mod long_journals;
mod manifests;
mod manual;
mod max_requests;
mod memory;
mod output_files;
mod outputs;
mod plain;
mod populated;
mod project;
mod readme;
mod release;
mod remembered;
mod reports;
mod running_sandbox;
mod saved_plans;
mod schemas;
mod secrets;
mod sets;
mod several_kinds;
mod shared;
mod shown;
mod streams;
mod support;
mod suspend;
mod transcripts;
mod trust;
mod unseen;
mod updates;
mod vendor_words;
mod wire;
mod workflows;
mod yaml;
