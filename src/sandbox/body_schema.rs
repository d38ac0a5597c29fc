//! Schemas of JSON request bodies: static tables of members, and a check of a body against one.
//!
//! In: a body and the [`MemberRule`]s of its members. Out: every [`BodyProblem`], with its location and a text that
//! names the member; each vendor turns these problems into its own error format. Used by Alinea, Cryptlex and
//! LicenseSpring, whose errors list all problems of a body. The other two vendors stop at the first problem and use
//! `strict_json`.
//!
//! What a value means (a known group, an end date after a start date) must not be decided here.
//!
//! # Worked example
//!
//! With the members `items`, a required list of records with a required `code` and an optional `count` from 0 to
//! 10, the body `{"items": [{"code": "a"}, {"count": 11, "x": 1}]}` has three problems, in this order:
//!
//! ```text
//! items[1].count must be an integer from 0 to 10
//! items[1].x is not a known member
//! items[1].code is required
//! ```

use std::fmt;

use jiff::Timestamp;
use jiff::civil;
use serde_json::Value;
use uuid::Uuid;

/// What one member of an object must be.
#[derive(Debug)]
pub struct MemberRule {
    /// The member's name, compared with case.
    pub name: &'static str,
    /// What its value must be.
    pub kind: ValueType,
    /// True if the member must be present; an optional member is checked only if it is present.
    pub required: bool,
    /// True if `null` is accepted.
    pub nullable: bool,
}

impl MemberRule {
    /// Returns the rule of a member that must be there and must not be `null`.
    pub const fn required(name: &'static str, kind: ValueType) -> Self {
        Self {
            name,
            kind,
            required: true,
            nullable: false,
        }
    }

    /// Returns the rule of a member that may be absent and must not be `null`.
    pub const fn optional(name: &'static str, kind: ValueType) -> Self {
        Self {
            name,
            kind,
            required: false,
            nullable: false,
        }
    }

    /// Returns the same rule with `null` accepted.
    pub const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// What a value must be. Vendors' coercions are not imitated: `"5"` is never an integer.
#[derive(Debug)]
pub enum ValueType {
    /// A string with a number of characters in this range, both ends included.
    Text(usize, usize),
    /// An integer in this range, both ends included.
    Integer(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A hyphenated GUID of 36 characters.
    Guid,
    /// A calendar date, `yyyy-mm-dd`.
    Day,
    /// A date-time as .NET reads it, see [`parse_instant`].
    Instant,
    /// One of these strings, compared with case.
    OneOf(&'static [&'static str]),
    /// Any JSON object.
    Object,
    /// An object with exactly these members.
    Record(&'static [MemberRule]),
    /// An array of values of this type, `null` never among them.
    List(&'static ValueType),
}

/// A string of any length.
pub const TEXT: ValueType = ValueType::Text(0, usize::MAX);

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueType::Text(0, usize::MAX) => write!(f, "a string"),
            ValueType::Text(min, max) => write!(f, "a string of {min} to {max} characters"),
            ValueType::Integer(min, max) => write!(f, "an integer from {min} to {max}"),
            ValueType::Flag => write!(f, "true or false"),
            ValueType::Guid => write!(f, "a GUID"),
            ValueType::Day => write!(f, "a date, yyyy-mm-dd"),
            ValueType::Instant => write!(f, "an ISO 8601 date-time"),
            ValueType::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            ValueType::Object | ValueType::Record(_) => write!(f, "a JSON object"),
            ValueType::List(_) => write!(f, "a list"),
        }
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaStep {
    /// To a member of an object, by name.
    Member(String),
    /// To an element of an array, from 0.
    Index(usize),
}

/// How a value violates its rule.
#[derive(Debug)]
pub enum Violation {
    /// The schema has no such member.
    Unknown,
    /// A required member is absent.
    Missing,
    /// The value is `null` where that is not accepted.
    Null,
    /// The value is not of this type.
    Not(&'static ValueType),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Unknown => write!(f, "is not a known member"),
            Violation::Missing => write!(f, "is required"),
            Violation::Null => write!(f, "must not be null"),
            Violation::Not(kind) => write!(f, "must be {kind}"),
        }
    }
}

/// One violation and its path from the body; an empty path is the body itself.
#[derive(Debug)]
pub struct BodyProblem {
    pub path: Vec<SchemaStep>,
    pub violation: Violation,
}

impl BodyProblem {
    /// Returns the path as text: `product_features[1].max_consumption`, or `body` for the body itself.
    pub fn location(&self) -> String {
        let mut location = String::new();
        for part in &self.path {
            match part {
                SchemaStep::Member(name) if location.is_empty() => location.push_str(name),
                SchemaStep::Member(name) => {
                    location.push('.');
                    location.push_str(name);
                }
                SchemaStep::Index(index) => location.push_str(&format!("[{index}]")),
            }
        }
        if location.is_empty() {
            location.push_str("body");
        }
        location
    }
}

impl fmt::Display for BodyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.location(), self.violation)
    }
}

/// Returns all problems of a body, in the order of the body, missing members last within their object.
///
/// With `unknown_allowed`, members that the schema lacks are accepted at every depth.
pub fn check_body(
    body: &Value,
    members: &'static [MemberRule],
    unknown_allowed: bool,
) -> Vec<BodyProblem> {
    let mut checker = BodyChecker {
        unknown_allowed,
        path: Vec::new(),
        problems: Vec::new(),
    };
    checker.check_record(body, members, &ValueType::Object);
    checker.problems
}

/// A check under way: the path to the value being checked, and the problems so far.
struct BodyChecker {
    unknown_allowed: bool,
    path: Vec<SchemaStep>,
    problems: Vec<BodyProblem>,
}

impl BodyChecker {
    /// Notes a violation at the current path.
    fn report(&mut self, violation: Violation) {
        self.problems.push(BodyProblem {
            path: self.path.clone(),
            violation,
        });
    }

    /// Runs a check with the path one step longer.
    fn descend(&mut self, part: SchemaStep, check: impl FnOnce(&mut Self)) {
        self.path.push(part);
        check(self);
        self.path.pop();
    }

    /// Checks an object member by member; `kind` is the type to report if the value is no object.
    fn check_record(
        &mut self,
        value: &Value,
        members: &'static [MemberRule],
        kind: &'static ValueType,
    ) {
        let Value::Object(object) = value else {
            return self.report(Violation::Not(kind));
        };
        for (name, value) in object {
            let known = members.iter().find(|member| member.name == name);
            self.descend(SchemaStep::Member(name.clone()), |here| match known {
                Some(member) if value.is_null() && member.nullable => {}
                Some(_) if value.is_null() => here.report(Violation::Null),
                Some(member) => here.check_value(value, &member.kind),
                None if here.unknown_allowed => {}
                None => here.report(Violation::Unknown),
            });
        }
        for member in members {
            if member.required && !object.contains_key(member.name) {
                let name = SchemaStep::Member(member.name.to_owned());
                self.descend(name, |here| here.report(Violation::Missing));
            }
        }
    }

    /// Checks one value, which is not `null`, and what is inside it.
    fn check_value(&mut self, value: &Value, kind: &'static ValueType) {
        let text = value.as_str();
        let fits = match kind {
            ValueType::Text(min, max) => {
                text.is_some_and(|text| (*min..=*max).contains(&text.chars().count()))
            }
            ValueType::Integer(min, max) => value
                .as_i64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            ValueType::Flag => value.is_boolean(),
            ValueType::Guid => text.is_some_and(|text| parse_guid(text).is_some()),
            ValueType::Day => text.is_some_and(is_calendar_date),
            ValueType::Instant => text.is_some_and(|text| parse_instant(text).is_some()),
            ValueType::OneOf(words) => text.is_some_and(|text| words.contains(&text)),
            ValueType::Object => value.is_object(),
            ValueType::Record(members) => return self.check_record(value, members, kind),
            ValueType::List(of) => {
                let Value::Array(items) = value else {
                    return self.report(Violation::Not(kind));
                };
                for (index, item) in items.iter().enumerate() {
                    self.descend(SchemaStep::Index(index), |here| match item {
                        Value::Null => here.report(Violation::Null),
                        item => here.check_value(item, of),
                    });
                }
                return;
            }
        };
        if !fits {
            self.report(Violation::Not(kind));
        }
    }
}

/// Parses a GUID in its hyphenated form, the only one that the vendors print; `None` for any other.
pub fn parse_guid(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// Returns whether the text is a real calendar date written `yyyy-mm-dd`.
pub fn is_calendar_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<civil::Date>().is_ok()
}

/// Parses a date-time with `Z`, with an offset, or without one (then UTC), or a date alone (then midnight UTC).
///
/// `None` for anything else. That includes a blank in place of the `T` and the bracketed zone names of RFC 9557, which
/// the parser of the `jiff` crate accepts and no vendor does.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let utc = |at: civil::DateTime| at.to_zoned(jiff::tz::TimeZone::UTC).ok();
    if is_calendar_date(text) {
        let day: civil::Date = text.parse().ok()?;
        return Some(utc(day.at(0, 0, 0, 0))?.timestamp());
    }
    // Refused here because jiff accepts both.
    if text.as_bytes().get(10) != Some(&b'T') || text.contains('[') {
        return None;
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Some(at),
        Err(_) => Some(utc(text.parse().ok()?)?.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static ITEM: [MemberRule; 3] = [
        MemberRule::required("code", ValueType::Text(1, 8)),
        MemberRule::optional("count", ValueType::Integer(0, 10)),
        MemberRule::optional("until", ValueType::Day).or_null(),
    ];
    static ITEM_KIND: ValueType = ValueType::Record(&ITEM);
    static BODY: [MemberRule; 2] = [
        MemberRule::required("items", ValueType::List(&ITEM_KIND)),
        MemberRule::optional("on", ValueType::Flag),
    ];

    fn problems(body: Value) -> Vec<String> {
        check_body(&body, &BODY, false)
            .iter()
            .map(BodyProblem::to_string)
            .collect()
    }

    #[test]
    fn a_body_that_fits_has_no_problems() {
        let body = json!({"items": [{"code": "a", "count": 3, "until": null}], "on": true});
        assert_eq!(problems(body), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_reported_with_its_place() {
        let body = json!({"items": [{"code": "a"}, {"count": 11, "until": "2025-02-30", "x": 1}], "on": null});
        assert_eq!(
            problems(body),
            [
                "items[1].count must be an integer from 0 to 10",
                "items[1].until must be a date, yyyy-mm-dd",
                "items[1].x is not a known member",
                "items[1].code is required",
                "on must not be null",
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_object_or_lacks_its_list_is_named() {
        assert_eq!(problems(json!([])), ["body must be a JSON object"]);
        assert_eq!(problems(json!({})), ["items is required"]);
        assert_eq!(problems(json!({"items": {}})), ["items must be a list"]);
        assert_eq!(
            problems(json!({"items": [null]})),
            ["items[0] must not be null"]
        );
    }

    #[test]
    fn unknown_members_pass_where_they_are_allowed() {
        let body = json!({"items": [], "other": 1});
        assert!(check_body(&body, &BODY, true).is_empty());
    }

    #[test]
    fn instants_are_read_in_every_documented_spelling() {
        let at = parse_instant("2025-12-25T15:49:43.2908281Z");
        assert!(at.is_some());
        for same in [
            "2025-12-25T15:49:43.2908281",
            "2025-12-25T15:49:43.2908281+00:00",
            "2025-12-25T17:49:43.2908281+02:00",
        ] {
            assert_eq!(parse_instant(same), at, "{same}");
        }
        assert_eq!(
            parse_instant("2025-12-25"),
            parse_instant("2025-12-25T00:00:00")
        );
        for bad in [
            "",
            "25-12-2025",
            "2025-13-01T00:00:00Z",
            "2025-12-25 15:49:43Z",
            "soon",
        ] {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }
}
