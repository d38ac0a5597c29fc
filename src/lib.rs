//! GitOps for software licences: this page is the architecture.
//!
//! Users keep the licence, edition, limit, feature and order state they want in YAML files; `entitle`
//! diffs it against the live state at five licensing vendors, shows a plan, and makes it so with the
//! fewest calls.
//!
//! # One pass
//!
//! Every command drives the same pass, in [`reconcile`]:
//!
//! | stage | where | what goes in and out |
//! | --- | --- | --- |
//! | load | [`reconcile::LoadedManifests`] | the loop of the next four stages, over pieces of files, on all cores |
//! | read | [`mod@manifest::load`] | paths to source texts |
//! | parse | [`manifest::yaml`] | text to trees whose nodes know their place |
//! | lower | [`mod@manifest::lower`] | trees to drafts: the envelope is checked |
//! | audit | [`mod@provider::audit`] | drafts to [`model::Desired`], checked against the field table |
//! | observe | [`mod@apply::observe`] | a provider's reading, driven: calls out, replies in, [`model::Live`] out |
//! | carry, diff | [`plan::carry`], [`plan::diff`] | desired and live to the object as it should be, and the changes to it |
//! | step, check | [`plan::step`], [`plan::check`] | changes to one write, verified by rules independent of `step` |
//! | guard | [`plan::guard`] | decides if the write may be sent without a person's approval |
//! | examine | [`mod@apply::memory`] | before any write: an earlier write that was cut off is compared with live |
//! | drift | [`mod@plan::drift`] | instead of writing: manifest, live and a base to the author of each difference |
//! | execute | [`mod@apply::execute`] | sends the write, judges the reply, and verifies the result |
//! | render | [`render`] | the plan document in eight formats, from one view of it |
//!
//! With a cache (the user's own, or `--cache`), a file that an earlier run has read is not parsed, lowered and audited
//! again: its contents come from [`reconcile::DiskCache`]. The daemon keeps the contents of unchanged files in its
//! [`reconcile::IncrementalLoader`]. Everything that depends on other files is checked again each time.
//!
//! # The way back
//!
//! An import runs the pass the other way: a vendor's [`provider::listing`] (or its reading, for ids) shows
//! live objects, [`provider::statement`] converts one to the members of a manifest, [`manifest::write`] writes them as
//! YAML, and [`reconcile::import`] reads the text again and plans it against the object it came from.
//! `manifest/edit.rs` and [`manifest::fmt`] change files in place, and prove by reading again that nothing else
//! changed.
//!
//! # Who knows what
//!
//! * [`model`] holds the nouns; it knows no YAML, no HTTP client and no vendor.
//! * [`manifest`] and [`provider`] both build on it and do not import each other: the first knows the file format, the
//!   second the vendors.
//! * A vendor ([`provider::Provider`]) owns everything about it: how its accounts are opened and asked, its webhooks, and
//!   its kinds of objects. A kind ([`provider::ResourceKind`]) is a table and a codec. The field table
//!   ([`model::KindTable`]) is the single source of validation, diff, risk, JSON Schema and `explain`; so is
//!   [`manifest::table`] for the envelope and our own kinds. A provider is synchronous and has no IO: **plan
//!   decides which fields go out, the codec how they are spelled, the shell when they are sent.**
//! * [`plan`] is pure; the time is an argument.
//! * [`apply`] is the only part that talks to vendors, and `apply/http.rs` the only file that sends to them. An account
//!   there can read; the right to write is a type that only `execute` makes.
//! * [`mod@apply::store`] is where runs remember and lock: files of one machine, PostgreSQL, a bucket. No write goes to a
//!   vendor without a lease from it and before its intent is durable there.
//! * [`mod@apply::memory`] is the only reader of the journal's lines: undo, healing, drift, history and the daemon ask
//!   it what happened.
//! * [`daemon`] wakes the pass and has no logic of its own about vendors; it is driven by time and
//!   triggers, and shows itself as one [`daemon::status::Status`].
//! * Errors are enums, one per boundary, whose `source()` is the cause and whose text does not repeat it.
//!   [`model::with_causes`] is the one printer of chains, and `cli/exit.rs` the one `match` from an error to an exit code.
//!   Every reason to hold a write back is a [`plan::Refusal`].
//! * [`files`] is the one way to read and write a file that a user names; it knows none of the others.
//! * A run reports its progress as [`apply::event`]s, to which progress bars, `--events` and the daemon listen.
//! * [`sandbox`] is the other side of the wire: simulators written from the vendors' pages, sharing no
//!   code with the rest, so that they can prove it wrong.
//!
//! Imports run toward lower rank only (`model` and `files` 0, `manifest` and `provider` 1, `plan` 2, `apply` 3,
//! `reconcile` 4, `render` 5, `daemon` 6, `cli` 7); `tests/it/architecture.rs` checks that, and
//! which module may use which external crate.
//!
//! # Words
//!
//! Each thing has one word; `tests/it/architecture.rs` lists the words that must not be used as names.
//!
//! | word | means | not |
//! | --- | --- | --- |
//! | manifest | the files and their format | config |
//! | desired | an object as its manifest asks for it, checked, with its origin | wanted, wish |
//! | live | an object as its vendor showed it at one moment | actual, remote, seen, held |
//! | vendor, kind | a company with an API, and a type of object there, with its field table | |
//! | connection, account | how a manifest reaches a vendor, and what it reaches: an account is what is locked, limited and shared out | place |
//! | address, identity | `Kind/name` among manifests, and the ids by which the vendor knows the object | |
//! | reference, referent | an id given as `{ref: Kind/name}`, and the object whose id it is; [`model::reference`] has its course | link |
//! | origin | the file and line of something in a manifest | place |
//! | draft | a document of a manifest before its fields were checked | |
//! | pass | one run of the stages above, by a command or by the daemon | cycle |
//! | change | a field on which live has to move, with its risk | diff, delta |
//! | plan, step | all objects of a pass with their changes, and the one write of an object | action |
//! | fingerprint | a hash of the live fields that a step was planned from: if it moved, the step is stale | |
//! | fault, problem | an error of a whole connection, and the one entry that reports it for all of its objects | |
//! | refusal | why a guard, the brake, a window or a fight holds a step back | |
//! | call, reply, verdict | HTTP as data, and what a reply means | |
//! | outcome | how a step ended: converged, already, rejected, stale, failed, … | result |
//! | journal, intent | what runs wrote down; the line of a write before it is sent | log |
//! | baseline | the fields on which manifest and live last agreed; undo, heal and drift compare with it | |
//! | drift | a difference, and who made it since the baseline | |
//! | store | where runs remember and lock: files, PostgreSQL, a bucket | |
//! | lease, epoch | the right to write to an account for a term, and the number that fences older holders off | lock |
//! | summary | the state that the lines of a journal add up to, so that they need not be read again | snapshot |
//! | dated change, coming state | fields that begin at a moment, and what an object is from a moment on that lies ahead | |
//! | scheduled update | what a vendor is to change by itself at a moment, made of a dated change | |
//! | claim | a replica's entry in the store that it is responsible for an account | |
//! | suspension | a setting in a manifest by which its object is left alone for a while | hold |
//!
//! # How it is tested
//!
//! Pure cases as folders with golden files (`tests/vendors/<vendor>/<kind>/cases`, re-blessed by
//! `ENTITLE_BLESS=1`), laws over all field tables, then one conformance list per vendor over real HTTP
//! against the sandbox, and few runs of the binary.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod apply;
pub mod cli;
pub mod daemon;
pub mod files;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod provider;
pub mod reconcile;
pub mod render;
pub mod sandbox;
