//! Hostile vendors, plan files and journals: replies with every value replaced, lists without end, damaged
//! files. Reading ends, planning never breaks its own rules, and nothing that is not managed is shown.

use std::sync::Arc;

use entitle::model::Reply;
use entitle::plan::document::PlanDocument;
use entitle::provider;
use entitle::provider::reading::Answer;
use entitle::reconcile::Checked;
use entitle::render;
use entitle::render::view::{RunView, Stage};
use serde_json::{Value as Json, json};

use super::fuzz_bodies::{self, PLANTED, against};
use super::support::mutate::{self, Dice};
use super::support::seeds::{self, Case};
use super::support::{golden, pure};

fn reply(status: u16, body: &Json) -> Reply {
    let body = match body {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    Reply {
        remark: None,
        status,
        body,
        content_type: "application/json".into(),
    }
}

/// Plans a case whose vendor answers `odd` in place of one reply, and `[]` to calls nobody foresaw.
fn plan_with(case: &Case, checked: &Checked, name: &str, odd: &Json) -> PlanDocument {
    let none = json!([]);
    let (_, document) = against(case.kind, &checked.desired, |_, call| {
        let asked = call.name();
        let given = if asked == name {
            odd
        } else {
            case.replies.get(&asked).unwrap_or(&none)
        };
        let status = given.get("$status").and_then(Json::as_u64).unwrap_or(200);
        let body = given.get("$body").unwrap_or(given);
        Answer::Reply(reply(status as u16, body))
    });
    document
}

/// Every case whose manifest wants something, checked.
fn cases() -> Vec<(Case, Checked)> {
    let check = |case: Case| {
        let checked = pure::check(&[("manifest.yaml", &case.manifest)]);
        (case, checked)
    };
    let all = seeds::replies().into_iter().map(check);
    all.filter(|(_, checked)| !checked.desired.is_empty())
        .collect()
}

#[test]
fn every_value_of_a_reply_may_be_anything() {
    for (case, checked) in cases() {
        for (name, body) in &case.replies {
            for odd in mutate::some_of(body, 191) {
                plan_with(&case, &checked, name, &odd);
            }
        }
    }
}

#[test]
fn every_value_of_the_reply_to_a_write_may_be_anything() {
    for (kind, body) in seeds::written() {
        let object = &fuzz_bodies::wanted(kind)[0];
        let json: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
        for (turn, odd) in mutate::some_of(&json, 17).enumerate() {
            let status = [200, 200, 400, 500][turn % 4];
            fuzz_bodies::judge(kind, object, &reply(status, &odd));
        }
    }
}

/// Many objects of a vendor that never comes to an end: every row is one more than the last.
fn endless(
    vendor: &str,
    row: impl Fn(usize) -> Json,
    page: usize,
    wrap: fn(Json) -> Json,
) -> usize {
    let kind = provider::all_kinds()
        .find(|kind| kind.vendor().0 == vendor)
        .expect("a vendor");
    let few = fuzz_bodies::wanted(kind);
    let many = few.iter().cycle().take(60).enumerate();
    let many: Vec<_> = many
        .map(|(number, object)| numbered(object, number))
        .collect();
    let mut rows = 0;
    let (calls, _) = against(kind, &many, |_, _| {
        let page: Json = (0..page)
            .map(|_| {
                rows += 1;
                row(rows)
            })
            .collect();
        Answer::Reply(reply(200, &wrap(page)))
    });
    calls
}

fn numbered(object: &Arc<entitle::model::Desired>, number: usize) -> Arc<entitle::model::Desired> {
    let mut object = (**object).clone();
    if let Some((_, id)) = object.identity.last_mut() {
        *id = format!("{number}").into();
    }
    if object.fields.contains_key("customer_id") {
        let customer = entitle::model::Value::Integer(number as i64);
        object.fields.extend([("customer_id", customer)]);
    }
    Arc::new(object)
}

#[test]
fn lists_without_end_are_left() {
    // A page of Cryptlex that is not full is the last one.
    for page in [1, 100] {
        let row =
            |n: usize| json!({"id": format!("r{n}"), "name": format!("n{n}"), "userGroups": []});
        endless("cryptlex", row, page, |rows| rows);
    }
    for page in [1, 7] {
        let row =
            |n: usize| json!({"id": n, "name": format!("n{n}"), "activation_key": format!("k{n}")});
        endless("lac", row, page, |rows| rows);
        let row = |n: usize| json!({"id": n + 1_000, "product_features": []});
        let wrap =
            |rows| json!({"count": u64::MAX, "next": "https://elsewhere.example", "results": rows});
        endless("licensespring", row, page, wrap);
    }
}

#[test]
fn customers_of_one_name_do_not_cost_a_call_each() {
    // Every row is an order that is wanted and a customer of the name that all orders have.
    let row = |n: usize| {
        json!({"id": n % 1_000, "name": "Rivers", "activation_key": format!("{}", n % 60),
               "customer": {"name": "Rivers"}})
    };
    let calls = endless("lac", row, 1_000, |rows| rows);
    assert!(calls < 200, "{calls} calls");
}

#[test]
fn what_is_not_managed_is_never_shown() {
    // Members that vendors send along and nobody manages, in every object of every reply.
    fn plant(json: &mut Json) {
        match json {
            Json::Array(items) => items.iter_mut().for_each(plant),
            Json::Object(members) => {
                members.values_mut().for_each(plant);
                for name in ["initial_password", "license_key", "key", "token"] {
                    members.insert(name.into(), json!(format!("{PLANTED}-{name}")));
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    for (case, checked) in cases() {
        for (name, body) in &case.replies {
            if body.get("$status").is_some() {
                continue;
            }
            let mut planted = body.clone();
            plant(&mut planted);
            // A free-form object is managed as a whole.
            let text = planted.to_string();
            let mut bodies = vec![Json::from(text.clone())];
            // Broken off and broken in the middle, where a parser would quote what it was reading.
            for cut in [text.len() / 3, text.len() / 2, text.len() - 1] {
                let head = &text[..text.floor_char_boundary(cut)];
                bodies.push(Json::from(head));
                bodies.push(Json::from(format!("{head}\u{1}]")));
            }
            bodies.push(Json::from(text.replacen(
                '{',
                &format!("{{\"a\": \"{PLANTED}\", nan: "),
                1,
            )));
            for body in &bodies {
                let document = plan_with(&case, &checked, name, body);
                let shown = pure::plain(|out| {
                    let view = RunView::new(Stage::Planned, &document);
                    render::text::write_plan(out, &view)
                });
                let metadata = shown.contains("metadata");
                assert!(
                    metadata || !shown.contains(PLANTED),
                    "{}: {shown}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn damaged_plans_and_journals_are_refused_or_shown() {
    let plans = seeds::plans();
    let journal = seeds::journal();
    let mut dice = Dice::new(3);
    for plan in &plans {
        let other = dice.one_of(&plans).clone();
        for _ in 0..6 {
            fuzz_bodies::plan_file(&mutate::bytes(plan.as_bytes(), other.as_bytes(), &mut dice));
        }
    }
    let lines: Vec<&str> = journal.lines().collect();
    fuzz_bodies::journal(journal.as_bytes());
    for _ in 0..300 {
        let from = dice.below(lines.len());
        let some = lines[from..(from + 6).min(lines.len())].join("\n");
        fuzz_bodies::journal(&mutate::bytes(
            some.as_bytes(),
            journal.as_bytes(),
            &mut dice,
        ));
    }
}

#[test]
fn every_value_of_a_plan_and_of_a_journal_may_be_anything() {
    for plan in seeds::plans() {
        let json: Json = serde_json::from_str(&plan).expect("JSON");
        for odd in mutate::some_of(&json, 307) {
            let text = serde_json::to_string_pretty(&odd).expect("JSON");
            fuzz_bodies::plan_file(text.as_bytes());
        }
    }
    for line in seeds::journal().lines() {
        let json: Json = serde_json::from_str(line).expect("JSON");
        for odd in mutate::some_of(&json, 97) {
            fuzz_bodies::journal(odd.to_string().as_bytes());
        }
    }
}

#[test]
fn damaged_replies_are_read_to_an_end() {
    let mut dice = Dice::new(4);
    let seeds = replies_as_bytes();
    for seed in &seeds {
        let other = dice.one_of(&seeds).clone();
        fuzz_bodies::decode(&mutate::bytes(seed, &other, &mut dice));
    }
}

/// What the fuzz target `decode` takes: kind and count, status, bodies.
fn replies_as_bytes() -> Vec<Vec<u8>> {
    let read = seeds::replies().into_iter().map(|case| {
        let bodies: Vec<String> = case.replies.values().map(Json::to_string).collect();
        (case.kind, bodies.join("\0").into_bytes())
    });
    let all = read.chain(seeds::written());
    all.enumerate()
        .map(|(number, (kind, body))| {
            let mut kinds = provider::all_kinds();
            let choice = kinds.position(|other| other.table().kind == kind.table().kind);
            // Above 127 stands for three objects.
            let choice = choice.expect("a kind") + if number % 2 == 0 { 0 } else { 130 };
            [&[choice as u8, 0], body.as_slice()].concat()
        })
        .collect()
}

/// Writes the seeds of the fuzz targets: `cargo test --test it seed_the_fuzz -- --ignored`.
#[test]
#[ignore = "writes fuzz/corpus"]
fn seed_the_fuzz_corpora() {
    let write = |target: &str, number: usize, bytes: &[u8]| {
        let dir = golden::tests_dir().join("../fuzz/corpus").join(target);
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join(format!("seed-{number:04}")), bytes).expect("a file");
    };
    for (number, text) in seeds::manifests().iter().enumerate() {
        write("manifest", number, text);
    }
    for (number, plan) in seeds::plans().iter().enumerate() {
        write("plan_file", number, plan.as_bytes());
    }
    let journal = seeds::journal();
    for (number, lines) in journal.lines().collect::<Vec<_>>().chunks(5).enumerate() {
        write("journal", number, lines.join("\n").as_bytes());
    }
    for (number, bytes) in replies_as_bytes().iter().enumerate() {
        write("decode", number, bytes);
    }
}
