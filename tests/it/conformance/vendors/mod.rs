//! What each vendor brings to the conformance tests, for each of its kinds: an account, manifests in sync with it, and
//! how every field of its table changes. A new kind is a file here, its `mod` line and its name in `with_vendors`.

pub mod alinea;
pub mod cryptlex;
pub mod cryptlex_license;
pub mod cryptlex_organization;
pub mod cryptlex_organization_user;
pub mod cryptlex_user_group;
pub mod informatica;
pub mod lac;
pub mod lac_customer;
pub mod licensespring;
pub mod licensespring_customer_account;
pub mod licensespring_license_custom_field;
pub mod licensespring_license_policy;
pub mod licensespring_order;
pub mod licensespring_product_feature;

use entitle::model::{Field, Need, WriteMode};
use entitle::provider::{self, Provider, ResourceKind};
use serde_json::{Value as Json, json};

use crate::support::bench::Object;
use crate::support::paths::{self, Table};

/// One kind of one vendor under test. Kinds of one vendor share an account.
pub struct Vendor {
    pub name: &'static str,
    pub kind: &'static str,
    /// The simulator's account with this many objects, three or more; in the first, every field holds
    /// something.
    pub account: fn(usize) -> Json,
    /// The identity members of an object.
    pub ids: fn(usize) -> Json,
    /// Where an object stands in the account, as a JSON pointer.
    pub place: fn(usize) -> String,
    /// What the first object is, every field of it.
    pub full: fn() -> Json,
    /// As little of an object as a manifest can say, in sync.
    pub small: fn(usize) -> Json,
    /// A safe change that every object's small manifest takes.
    pub change: fn() -> (&'static str, Json),
    /// A change by somebody else, of something that the small manifest does not manage.
    pub elsewhere: fn() -> (&'static str, Json),
    /// What else somebody may set that same path to.
    pub rival: fn() -> Json,
    /// A change by somebody else, or by use, of something that no write of this vendor carries.
    pub beside: fn() -> (&'static str, Json),
    /// How each field changes. Where the kind has no list, the first takes something away.
    pub pairs: fn() -> Vec<Pair>,
    /// Fields that can be cleared: a path of the full manifest, how the account holds nothing, and switches
    /// that make the simulator take it.
    pub clears: fn() -> Vec<(&'static str, Json, Json)>,
    /// Lists with an element that could join the full manifest's.
    pub lists: fn() -> Vec<(&'static str, Json)>,
    /// Other ways to write what the full manifest says.
    pub spellings: fn() -> Vec<(&'static str, Json)>,
    /// Members of an object that the server moves with every write.
    pub clocks: &'static [&'static str],
    /// Exact numbers of read calls.
    pub reads: fn() -> Vec<Reads>,
    /// Writes that pass our checks and not the vendor's.
    pub refusals: fn() -> Vec<Refusal>,
    /// Every switch of the simulator.
    pub switches: fn() -> Vec<Switch>,
    pub budget: Budget,
    pub sessions: Option<Sessions>,
    /// Members of read replies that must not have a wrong type, and what the message says of each.
    pub members: &'static [(&'static str, &'static str)],
}

/// How one field changes, seen from the full manifest.
pub struct Pair {
    pub path: &'static str,
    pub value: Json,
    /// What else must change with it; the plan names these as well.
    pub with: Vec<(&'static str, Json)>,
    /// What leaves the manifest because it loses its meaning; the server drops it too.
    pub without: Vec<&'static str>,
    /// What the server moves along by itself.
    pub moves: Vec<&'static str>,
    /// The path in the plan and in the account, where the manifest has another name.
    pub planned: &'static str,
    /// What the account holds afterwards, where that is not the value.
    pub stored: Option<Json>,
}

impl Pair {
    pub fn new(path: &'static str, value: impl Into<Json>) -> Self {
        Self {
            path,
            value: value.into(),
            with: Vec::new(),
            without: Vec::new(),
            moves: Vec::new(),
            planned: path,
            stored: None,
        }
    }

    pub fn with(mut self, path: &'static str, value: impl Into<Json>) -> Self {
        self.with.push((path, value.into()));
        self
    }

    pub fn without(mut self, path: &'static str) -> Self {
        self.without.push(path);
        self
    }

    pub fn moves(mut self, path: &'static str) -> Self {
        self.moves.push(path);
        self
    }

    /// For a convenience that stands for another field.
    pub fn stands_for(mut self, path: &'static str, stored: impl Into<Json>) -> Self {
        self.planned = path;
        self.stored(stored)
    }

    pub fn stored(mut self, value: impl Into<Json>) -> Self {
        self.stored = Some(value.into());
        self
    }

    /// The paths that the plan must name, in order of their text.
    pub fn paths(&self) -> Vec<String> {
        let with = self.with.iter().map(|(path, _)| (*path).to_string());
        let mut paths: Vec<String> = with.chain([self.planned.to_string()]).collect();
        paths.sort();
        paths
    }

    /// Makes the change in a manifest's `desired`.
    pub fn edit(&self, table: Table, desired: &mut Json) {
        for path in &self.without {
            paths::take(table, desired, path);
        }
        paths::set(table, desired, self.path, &self.value);
        for (path, value) in &self.with {
            paths::set(table, desired, path, value);
        }
    }
}

/// Objects of an account and the number of read calls that show them all.
pub struct Reads {
    pub what: &'static str,
    pub account: Json,
    pub objects: Vec<(Json, Json)>,
    pub calls: usize,
}

/// A write that the vendor refuses.
pub struct Refusal {
    pub what: &'static str,
    /// A change of the full manifest.
    pub path: &'static str,
    pub value: Json,
    /// Switches that make the simulator strict enough.
    pub switches: Json,
    /// What the message must hold of the vendor's words.
    pub words: &'static str,
    /// Whether the vendor names the field, so that the message leads to its line.
    pub names_line: bool,
}

/// A switch of the simulator and the values that a client must live with.
pub struct Switch {
    pub name: &'static str,
    pub values: Vec<Json>,
    /// Why there are none, or what else is tested of it.
    pub unless: &'static str,
}

impl Switch {
    pub fn new(name: &'static str, values: &[Json]) -> Self {
        let (values, unless) = (values.to_vec(), "");
        Self {
            name,
            values,
            unless,
        }
    }

    /// A switch that no round can live with, or that changes nothing for a client.
    pub fn not(name: &'static str, unless: &'static str) -> Self {
        let values = Vec::new();
        Self {
            name,
            values,
            unless,
        }
    }
}

/// What a vendor's commands cost, in calls.
pub struct Budget {
    /// Those that open a session, once in a run.
    pub login: usize,
    /// Reads of a plan of 120 neighbours among a thousand; drift and the daemon's next look are no more.
    pub plan: usize,
    /// Reads right before three writes, and of what became of them.
    pub around: usize,
    /// Reads of an import of three objects by their ids.
    pub import_three: usize,
    /// Reads of everything that the account has, for `import --all` and `unmanaged`; `None` without a list.
    pub everything: Option<usize>,
}

/// How a vendor's sessions end.
pub struct Sessions {
    /// The status of a call whose session has ended.
    pub lost: u16,
    /// The form of `auth` that opens one, as `credentials` lists it.
    pub form: &'static str,
}

impl Vendor {
    pub fn provider(&self) -> &'static dyn Provider {
        provider::provider_of(self.resource().vendor()).expect("a provider")
    }

    pub fn resource(&self) -> &'static dyn ResourceKind {
        provider::find_kind(self.kind).expect("a kind")
    }

    pub fn table(&self) -> Table {
        self.resource().table().desired
    }

    /// Whether the write of the safe change has members that do not change.
    pub fn carries_along(&self) -> bool {
        let table = self.resource().table();
        let (changed, _) = (self.change)();
        let others = |field: &&Field| field.call == 0 && !changed.starts_with(field.name);
        match table.calls[0].mode {
            WriteMode::Bodiless | WriteMode::Element => false,
            WriteMode::Overwrite | WriteMode::FullPatch => true,
            WriteMode::Merge => {
                let mut others = table.desired.iter().filter(others);
                others.any(|field| field.need == Need::Required)
            }
        }
    }

    /// A manifest of an object.
    pub fn object(&self, number: usize, desired: Json) -> Object {
        // With zeros, so that the order of names is that of numbers.
        let name = format!("object-{number:04}");
        Object::new(self.kind, &name, (self.ids)(number), desired)
    }

    /// The first object, fully managed.
    pub fn whole(&self) -> Object {
        self.object(0, (self.full)())
    }

    /// An object of which little is managed, with the safe change if asked for.
    pub fn little(&self, number: usize, changed: bool) -> Object {
        let mut desired = (self.small)(number);
        if changed {
            let (path, value) = (self.change)();
            paths::set(self.table(), &mut desired, path, &value);
        }
        self.object(number, desired)
    }

    /// The identity of an object as `--id` takes it.
    pub fn id(&self, number: usize) -> String {
        let ids = (self.ids)(number);
        let text = |name: &str| match &ids[name] {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let identity = self.resource().table().identity;
        let parts: Vec<String> = identity.iter().map(|one| text(one.name)).collect();
        parts.join("/")
    }

    /// An object that the vendor does not have.
    pub fn stranger(&self, changed: bool) -> Object {
        let mut object = self.little(0, changed);
        object.name = "stranger".into();
        object.ids = (self.ids)(999_999);
        object
    }
}

/// Hands the modules of all kinds to a macro, after what else is given, in the order of `all_kinds`.
macro_rules! with_vendors {
    ($macro:ident! $($given:tt)*) => {
        $macro! { $($given)*; alinea, cryptlex_license, cryptlex_organization, cryptlex, cryptlex_organization_user, cryptlex_user_group, informatica, lac, lac_customer, licensespring_customer_account, licensespring, licensespring_license_custom_field, licensespring_license_policy, licensespring_order, licensespring_product_feature }
    };
}
pub(crate) use with_vendors;

macro_rules! references {
    (; $($vendor:ident),+) => { &[$(&$vendor::VENDOR),+] };
}

/// Every vendor that the macros below make tests for.
pub static ALL: &[&Vendor] = with_vendors!(references!);

#[test]
fn no_vendor_is_forgotten() {
    let kinds: Vec<&str> = ALL.iter().map(|vendor| vendor.kind).collect();
    let there = provider::all_kinds().map(|kind| kind.table().kind.0);
    assert_eq!(kinds, there.collect::<Vec<_>>());
}

/// An account of a vendor with this many objects of each of its kinds. Lists of several kinds are laid over each other
/// item by item; of a member that two of them bring, the last one's counts.
pub fn account_of_all_kinds(vendor: &str, objects: usize) -> Json {
    let kinds = ALL.iter().filter(|kind| kind.name == vendor);
    let mut all = serde_json::Map::new();
    for kind in kinds {
        let Json::Object(account) = (kind.account)(objects) else {
            panic!("the account of {} is no object", kind.kind);
        };
        for (name, value) in account {
            lay_over(all.entry(name).or_insert(Json::Null), value);
        }
    }
    all.into()
}

/// Lays the items of a list of objects over those of another; any other value replaces what was there.
fn lay_over(below: &mut Json, above: Json) {
    let (items, others) = match (below, above) {
        (Json::Array(items), Json::Array(others)) => (items, others),
        (below, above) => return *below = above,
    };
    for (at, other) in others.into_iter().enumerate() {
        match (items.get_mut(at), other) {
            (None, other) => items.push(other),
            (Some(Json::Object(item)), Json::Object(other)) => item.extend(other),
            (Some(item), other) => *item = other,
        }
    }
}

/// So many places in an account, each so far from the one before.
pub fn scattered(count: usize, step: usize) -> Vec<usize> {
    (0..count).map(|number| number * step).collect()
}

/// No switches to turn.
pub fn none() -> Json {
    json!({})
}

macro_rules! test_each {
    ($test:ident; $($vendor:ident),+) => {$(
        #[tokio::test]
        async fn $vendor() {
            super::$test(&vendors::$vendor::VENDOR).await;
        }
    )+};
}
pub(crate) use test_each;

/// One test per vendor of each function given, which takes a `&'static Vendor`.
macro_rules! for_every_vendor {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::conformance::vendors::{self, test_each, with_vendors};

            with_vendors! { test_each! $test }
        }
    )+};
}
pub(crate) use for_every_vendor;

/// One test of each function given, in which all vendors have their turn side by side.
macro_rules! for_all_vendors_at_once {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::conformance::vendors;

            #[tokio::test]
            async fn all_vendors() {
                let runs = vendors::ALL.iter().map(|vendor| super::$test(vendor));
                futures::future::join_all(runs).await;
            }
        }
    )+};
}
pub(crate) use for_all_vendors_at_once;
