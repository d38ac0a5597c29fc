//! Hostile vendors: replies in, a plan out, and the same bytes as the reply to a write.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use entitle::manifest;
use entitle::model::diagnostic::Source;
use entitle::model::{
    Call, Desired, Diagnostics, Live, Observed, PackedFields, Reply, Shape, Value,
};
use entitle::plan::document::{PlanDocument, SourceFacts};
use entitle::plan::{self, saved};
use entitle::provider::reading::Answer;
use entitle::provider::{self, Provider};
use entitle::reconcile::{self, CheckOptions};
use jiff::Timestamp;

use super::{show, take_back};

/// Calls that a reading may make for each object, and for lists whose length is not the manifest's.
const CALLS_PER_OBJECT: usize = 40;
const CALLS_FOR_LISTS: usize = 2_200;

/// Replies of a vendor. The first byte is the vendor and whether one object is read or three, the second
/// the status; the rest is what every call is answered with, in turns where a NUL separates several.
/// `@@` in a body is the number of the call, so that no two replies need be alike.
pub fn decode(data: &[u8]) {
    let [choice, status, rest @ ..] = data else {
        return;
    };
    let provider = provider::ALL[usize::from(*choice) % provider::ALL.len()];
    let count = if *choice < 128 { 1 } else { 3 };
    let bodies: Vec<String> = rest
        .split(|byte| *byte == 0)
        .map(|body| String::from_utf8_lossy(body).into_owned())
        .collect();
    const STATUSES: [u16; 8] = [200, 200, 200, 201, 400, 403, 404, 500];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let answer = |call: usize| Reply {
        status,
        body: bodies[(call - 1) % bodies.len()].replace("@@", &call.to_string()),
        content_type: "application/json".into(),
    };
    against(provider, &wanted(provider)[..count], |call, _| {
        Answer::Reply(answer(call))
    });
    for call in 1..=bodies.len().min(4) {
        judge(provider, &wanted(provider)[0], &answer(call));
    }
}

/// Reads objects from a vendor that answers the numbered calls as it likes, and plans them. Gives back
/// the calls that were made and the plan.
pub fn against(
    provider: &'static dyn Provider,
    objects: &[Arc<Desired>],
    mut vendor: impl FnMut(usize, &Call) -> Answer,
) -> (usize, PlanDocument) {
    let wanted: Vec<&Desired> = objects.iter().map(|object| &**object).collect();
    let mut reading = provider.reading(&wanted);
    let mut calls = 0;
    loop {
        let ready = reading.ready();
        if ready.is_empty() {
            break;
        }
        for (ticket, call) in ready {
            calls += 1;
            let most = CALLS_PER_OBJECT * objects.len() + CALLS_FOR_LISTS;
            assert!(calls <= most, "no end of calls: {}", call.name());
            let answer = vendor(calls, &call);
            reading.take(ticket, answer);
        }
    }
    let found = reading.finish().into_iter();
    let observed: Vec<Observed> = found.map(|(_, found)| found).collect();
    assert_eq!(observed.len(), objects.len(), "one entry per object");
    (calls, planned(provider, objects, &observed))
}

fn planned(
    provider: &'static dyn Provider,
    objects: &[Arc<Desired>],
    observed: &[Observed],
) -> PlanDocument {
    let planned: Vec<_> = objects
        .iter()
        .zip(observed)
        .map(|(object, seen)| plan::plan(provider, object, seen, now()))
        .collect();
    for planned in &planned {
        let broken = planned.message.as_deref().unwrap_or_default();
        assert!(!broken.contains("internal check failed"), "{broken}");
    }
    let document = PlanDocument::new(
        &planned,
        SourceFacts::default(),
        &BTreeMap::new(),
        &Diagnostics::default(),
        now(),
    );
    show(&document);
    let sealed = super::sealed_text(&document);
    assert!(saved::open(&sealed).is_ok(), "what is sealed opens");
    for (object, seen) in document.objects.iter().zip(observed) {
        if let Observed::Live(live) = seen {
            take_back(provider.table().desired, &object.changes, live);
        }
    }
    document
}

/// The same bytes as the reply to a write.
pub fn judge(provider: &'static dyn Provider, object: &Arc<Desired>, reply: &Reply) {
    let _ = provider.judge(reply);
    if let Ok(live) = provider.echo(object, &Live::default(), reply) {
        planned(
            provider,
            std::slice::from_ref(object),
            &[Observed::Live(live)],
        );
    }
    if let Ok(json) = serde_json::from_str(&reply.body) {
        let _ = (provider.auth().session)(&json);
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_262_400).expect("a valid time")
}

/// Three objects of a provider's kind that want much: what `examples` wants of one, under three ids.
pub fn wanted(provider: &'static dyn Provider) -> &'static [Arc<Desired>] {
    static WANTED: OnceLock<BTreeMap<&'static str, Vec<Arc<Desired>>>> = OnceLock::new();
    let all = WANTED.get_or_init(|| {
        let each = provider::ALL.iter().copied();
        each.map(|provider| (provider.vendor().0, three(provider)))
            .collect()
    });
    &all[provider.vendor().0]
}

fn three(provider: &'static dyn Provider) -> Vec<Arc<Desired>> {
    let mut input = match provider.vendor().0 {
        "alinea" => include_str!("../../../examples/alinea/full.yaml"),
        "cryptlex" => include_str!("../../../examples/cryptlex/full.yaml"),
        "informatica" => include_str!("../../../examples/informatica/full.yaml"),
        "lac" => include_str!("../../../examples/lac/full.yaml"),
        _ => include_str!("../../../examples/licensespring/full.yaml"),
    }
    .as_bytes();
    let mut loaded = manifest::load(
        &[PathBuf::from("-")],
        &mut input,
        &manifest::Limits::default(),
    );
    let example = loaded.sources.remove(0);
    let text = example.text.replace("  connection: ", "  # connection: ");
    loaded
        .sources
        .push(Arc::new(Source::new("full.yaml".into(), text)));
    let checked = reconcile::check(loaded, &CheckOptions::default());
    let first = checked.desired.first().expect("an example has an object");
    (0..3)
        .map(|number| Arc::new(numbered(provider, first, number)))
        .collect()
}

/// The same object under another id; the second has another customer, the third names its groups.
fn numbered(provider: &'static dyn Provider, first: &Desired, number: i64) -> Desired {
    let mut object = first.clone();
    if number == 0 {
        return object;
    }
    let shape = provider.table().identity.last().map(|last| &last.shape);
    if let Some((_, id)) = object.identity.last_mut() {
        *id = match shape {
            Some(Shape::Integer { .. }) => {
                format!("{}", id.parse::<u64>().expect("a number") + number as u64).into()
            }
            _ => format!("{}{number}", &id[..id.len() - 1]).into(),
        };
    }
    let mut fields = object.fields.unpack();
    if let Some(customer) = fields.get_mut("customer_id") {
        *customer = Value::Integer(number);
    }
    if number == 2 && fields.remove("userGroupIds").is_some() {
        let names = ["Support", "Field sales"].map(String::from);
        fields.insert("userGroups", Value::set(names));
    }
    object.fields = PackedFields::new(provider.table().desired, &fields);
    object.address.name = format!("{}-{number}", object.address.name);
    object
}
