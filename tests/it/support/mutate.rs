//! Damage to inputs, the same at every run: bytes cut, flipped, doubled and spliced, and JSON whose values
//! are replaced one by one.

use serde_json::{Map, Value as Json, json};

/// A small generator of numbers; the same seed gives the same damage.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }

    pub fn one_of<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        &these[self.below(these.len())]
    }
}

/// Texts that parsers stumble over.
fn odd(dice: &mut Dice) -> Vec<u8> {
    const ODD: &[&str] = &[
        ": ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "#",
        "&a ",
        "*a",
        "!!int ",
        "!x ",
        "|",
        ">",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "<<: ",
        "@",
        "`",
        "\\",
        "\\x00",
        "\0",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "e\u{301}",
        "𝒳",
        "\u{1b}[31m",
        "-9223372036854775808",
        "9223372036854775808",
        "99999999999999999999999999",
        "1e999",
        "0x1F",
        ".nan",
        "-0",
        "012",
        "~",
        "null",
        "true",
        "no",
    ];
    match dice.below(ODD.len() + 4) {
        0 => b"[".repeat(200),
        1 => b"{a: ".repeat(100),
        2 => b"- ".repeat(100),
        3 => vec![0xff, 0xc3],
        at => ODD[at - 4].as_bytes().to_vec(),
    }
}

/// One damaged copy of `seed`; `other` is what pieces are spliced from.
pub fn bytes(seed: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut found = seed.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(found.len() + 1);
        let end = (at + dice.below(40)).min(found.len());
        match dice.below(7) {
            0 => found.truncate(at),
            1 => drop(found.drain(at..end)),
            2 => {
                if let Some(byte) = found.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            3 => {
                let piece = found[at..end].to_vec();
                found.splice(end..end, piece);
            }
            4 => {
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(200)).min(other.len());
                found.splice(at..end, other[from..to].iter().copied());
            }
            _ => drop(found.splice(at..at, odd(dice))),
        }
    }
    found
}

/// A copy of `seed` with one odd text put in.
pub fn insert(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut found = seed.to_vec();
    let at = dice.below(found.len() + 1);
    found.splice(at..at, odd(dice));
    found
}

/// How many ways there are to damage one value.
const WAYS: usize = 23;

/// A value that no decoder expects where it meets it.
fn odd_value(way: usize) -> Json {
    match way {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(""),
        3 => json!("x"),
        4 => json!("-9223372036854775808"),
        5 => json!("9999-12-31T23:59:59.9999999Z"),
        6 => json!("-009999-01-01"),
        7 => json!("\u{1b}[31m\n\u{202e}[\"]"),
        8 => json!("ü".repeat(500)),
        9 => json!(-1),
        10 => json!(i64::MIN),
        11 => json!(i64::MAX),
        12 => json!(u64::MAX),
        13 => json!(1e308),
        14 => json!(0.5),
        15 => json!([]),
        16 => json!({}),
        17 => json!([null, 1, {}]),
        18 => json!({"id": null, "error": {"message": [[]]}}),
        _ => (0..100).fold(json!(1), |inner, _| json!([inner])),
    }
}

/// Pointers to every value inside, the whole included.
fn places(json: &Json) -> Vec<String> {
    fn walk(json: &Json, at: &str, found: &mut Vec<String>) {
        found.push(at.to_string());
        match json {
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    walk(item, &format!("{at}/{i}"), found);
                }
            }
            Json::Object(members) => {
                for (name, member) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    walk(member, &format!("{at}/{name}"), found);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(json, "", &mut found);
    found
}

/// A copy of `json` that differs at `place`: another value, twice the list, an empty object, no value.
pub fn at(json: &Json, location: &str, way: usize) -> Json {
    let mut copy = json.clone();
    match (way, location.rsplit_once('/')) {
        (22, Some((parent, name))) => {
            if let Some(Json::Object(members)) = copy.pointer_mut(parent) {
                members.shift_remove(&name.replace("~1", "/").replace("~0", "~"));
            }
        }
        _ => {
            if let Some(value) = copy.pointer_mut(location) {
                match value {
                    Json::Array(items) if way == 20 => items.extend(items.clone()),
                    Json::Object(members) if way == 21 => *members = Map::new(),
                    value => *value = odd_value(way),
                }
            }
        }
    }
    copy
}

/// Every `share`th copy that differs in one value.
pub fn some_of(json: &Json, share: usize) -> impl Iterator<Item = Json> {
    let ways = |location: String| (0..WAYS).map(move |way| (location.clone(), way));
    // A share that has no divisor in common with the ways meets all of them.
    let all = places(json).into_iter().flat_map(ways).step_by(share);
    all.map(|(location, way)| at(json, &location, way))
}
