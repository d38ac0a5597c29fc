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
//! | step, check | [`plan::step`], [`plan::check`] | changes to one write, read once more by rules that know nothing of its making |
//! | guard | [`plan::guard`] | whether the write may go without a person looking on |
//! | examine | [`mod@apply::memory`] | before anything is written: a write that was cut off is compared with what is there now |
//! | drift | [`mod@plan::drift`] | in place of the writing: manifest, live and a base, to who changed what |
//! | execute | [`mod@apply::execute`] | send, judge, look at what came of it |
//! | render | [`render`] | the plan document in eight formats, from one view of it |
//!
//! With a cache (the user's own, or `--cache`), the contents of a file that an earlier run has read come from [`reconcile::DiskCache`] in place of parsing,
//! lowering and auditing its bytes; the daemon has those of unchanged files in its [`reconcile::IncrementalLoader`]. Whatever
//! depends on other files is checked anew.
//!
//! # The way back
//!
//! An import runs the pass the other way: a vendor's [`provider::listing`] (or its reading, for ids) shows
//! live objects, [`provider::statement`] says what a manifest says of one, [`manifest::write`] spells it, and
//! [`reconcile::import`] reads it again and plans it against the object it came from. `manifest/edit.rs` and
//! [`manifest::fmt`] change files in place, and prove by reading again that nothing else changed.
//!
//! # Who knows what
//!
//! * [`model`] holds the nouns; it knows no YAML, no HTTP client and no vendor.
//! * [`manifest`] and [`provider`] are the two edges over it and never see each other: the first knows the
//!   file format, the second the vendors.
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
//! * [`mod@apply::memory`] is the one account of what happened: undo, healing, drift, history and the daemon ask it, and
//!   none of them reads a line of the journal.
//! * [`daemon`] wakes the pass and has no logic of its own about vendors; it is driven by time and
//!   triggers, and shows itself as one [`daemon::status::Status`].
//! * Errors are enums, one per boundary, whose `source()` is the cause and whose text does not repeat it.
//!   [`model::with_causes`] is the one printer of chains, and `cli/exit.rs` the one `match` from an error to an exit code.
//!   What holds a write back is one [`plan::Refusal`].
//! * [`files`] is the one way to read and write a file that a user names; it knows none of the others.
//! * What happens in a run is told as [`apply::event`]s; progress bars, `--events` and the daemon listen.
//! * [`sandbox`] is the other side of the wire: simulators written from the vendors' pages, sharing no
//!   code with the rest, so that they can prove it wrong.
//!
//! Imports run toward lower rank only (`model` and `files` 0, `manifest` and `provider` 1, `plan` 2, `apply` 3,
//! `reconcile` 4, `render` 5, `daemon` 6, `cli` 7); `tests/it/architecture.rs` holds that, and the doors
//! to external crates.
//!
//! # Words
//!
//! One word for one thing; `tests/it/architecture.rs` holds the words that are no names here.
//!
//! | word | means | not |
//! | --- | --- | --- |
//! | manifest | the files and their format | config |
//! | desired | an object as its manifest asks for it, checked, with its origin | wanted, wish |
//! | live | an object as its vendor showed it at one moment | actual, remote, seen, held |
//! | vendor, kind | a company with an API, and a type of object there, with its field table | |
//! | connection, account | how a manifest reaches a vendor, and what it reaches: an account is what is locked, limited and shared out | place |
//! | address, identity | `Kind/name` among manifests, and the ids by which the vendor knows the object | |
//! | origin | the file and line of something in a manifest | place |
//! | draft | a document of a manifest before its fields were checked | |
//! | pass | one run of the stages above, by a command or by the daemon | cycle |
//! | change | a field on which live has to move, with its risk | diff, delta |
//! | plan, step | all objects of a pass with their changes, and the one write of an object | action |
//! | fingerprint | a hash of the live fields that a step was planned from: if it moved, the step is stale | |
//! | fault, problem | what is wrong with a whole connection, and the one entry that tells it for all of its objects | |
//! | refusal | why a guard, the brake, a window or a fight holds a step back | |
//! | call, reply, verdict | HTTP as data, and what a reply means | |
//! | outcome | how a step ended: converged, already, rejected, stale, failed, … | result |
//! | journal, intent | what runs wrote down; the line of a write before it is sent | log |
//! | baseline | the fields on which manifest and live last agreed; undo, heal and drift compare with it | |
//! | drift | a difference, and who made it since the baseline | |
//! | store | where runs remember and lock: files, PostgreSQL, a bucket | |
//! | lease, epoch | the right to write to an account for a term, and the number that fences older holders off | lock |
//! | summary | what the lines of a journal come to, so that nobody reads them again | snapshot |
//! | claim | a replica's word that it looks after an account | |
//! | suspension | an object is left alone for a while, by a word in its manifest | hold |
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
