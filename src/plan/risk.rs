//! Rates each change by what it takes from the licensee, following the `RiskRule` of its field.
//!
//! In: a field of the table, the value before and after, the live counts of use, the time. Out: a `Risk` and a note
//! with the numbers that led to it. Policy does not belong here: whether a risk is accepted is decided in `guard`.
//!
//! Worked example for a field `seats` with `Amount { used }`, while live counts 7 in use. −1 means unlimited:
//!
//! ```text
//! before    after   risk     why
//! 10        12      safe     more is allowed
//! 10        8       reduce   less is allowed, and enough for the 7
//! 10        5       strand   "5 allowed, 7 in use"
//! 10        -1      safe     unlimited is the highest
//! -1        10      reduce   any number is lower than unlimited
//! unknown   7       reduce   the value before may have been higher
//! unknown   6       strand   fewer than the 7 in use, whatever it was before
//! ```

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil;

use crate::model::{Field, FieldPath, Fields, Live, Risk, RiskRule, Value};

/// Holds what every risk is measured against: the live counts of use, and the time of the plan.
pub struct Scale<'a> {
    pub live: &'a Live,
    pub now: Timestamp,
}

/// Holds a risk and the numbers behind it. `note` is `None` where the two values explain the risk themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    pub risk: Risk,
    pub note: Option<String>,
    /// The number of users who lose the licence by a stranding change; `None` if live does not count users.
    pub users: Option<u64>,
}

impl Weighed {
    /// Makes a risk that needs no explanation.
    fn new(risk: Risk) -> Self {
        Self {
            risk,
            note: None,
            users: None,
        }
    }

    /// Makes a risk whose reason is shown beside the change.
    fn noted(risk: Risk, note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..Self::new(risk)
        }
    }
}

/// The note of a change whose value before is unknown. `plan::undo` recognises such a change by this text.
pub const UNSEEN: &str = "the read does not show what it was";

impl Scale<'_> {
    /// Weighs a change of a field; `before` is `None` where the read does not show the field.
    pub fn weigh(
        &self,
        field: &Field,
        path: &FieldPath,
        before: Option<&Value>,
        after: &Value,
    ) -> Weighed {
        match before {
            Some(_) => self.weigh_known(field, path, before, after),
            None => self.weigh_unseen(field, path, after),
        }
    }

    /// Weighs a write over a value that the read did not show. The old value may have been higher, so the risk is at
    /// least `Reduce` for every rule that can take something away, and `Strand` where the new amount is below the use.
    fn weigh_unseen(&self, field: &Field, path: &FieldPath, after: &Value) -> Weighed {
        let mut weighed = self.weigh_known(field, path, None, after);
        let used = match (field.risk, after) {
            (RiskRule::Amount { used: Some(fact) }, Value::Integer(after)) if *after != -1 => {
                self.used(field, path, fact).filter(|used| after < used)
            }
            _ => None,
        };
        let takes = match field.risk {
            RiskRule::Amount { .. } => *after != Value::Integer(-1),
            RiskRule::Quota => *after != Value::Integer(0),
            RiskRule::ReducesAt(value) => *after == Value::Bool(value),
            RiskRule::Span
            | RiskRule::Ladder(_)
            | RiskRule::Reassign
            | RiskRule::Members { .. } => true,
            RiskRule::Safe
            | RiskRule::End
            | RiskRule::Begin
            | RiskRule::StopsAt(_)
            | RiskRule::Counter => false,
        };
        if let (Some(used), Value::Integer(after)) = (used, after) {
            weighed.risk = Risk::Strand;
            weighed.users = users_over(*after, used);
        } else if takes {
            weighed.risk = weighed.risk.max(Risk::Reduce);
        }
        weighed.note = Some(match weighed.note {
            Some(note) => format!("{note}; {UNSEEN}"),
            None => UNSEEN.into(),
        });
        weighed
    }

    /// Weighs a change by the rule of its field. `Null` before counts as no value before: most rules then find nothing
    /// to lose.
    fn weigh_known(
        &self,
        field: &Field,
        path: &FieldPath,
        before: Option<&Value>,
        after: &Value,
    ) -> Weighed {
        let known = before.filter(|value| **value != Value::Null);
        match field.risk {
            RiskRule::Safe => Weighed::new(Risk::Safe),
            RiskRule::Amount { used } => {
                let used = used.and_then(|fact| self.used(field, path, fact));
                weigh_amount(known, after, used, -1)
            }
            RiskRule::Quota => weigh_amount(known, after, None, 0),
            RiskRule::Span => weigh_span(before, after),
            RiskRule::End => self.end(known, after),
            RiskRule::Begin => self.begin(known, after),
            RiskRule::Ladder(steps) => weigh_ladder(steps, known, after),
            RiskRule::StopsAt(value) if *after == Value::Bool(value) => Weighed::new(Risk::Strand),
            RiskRule::ReducesAt(value) if *after == Value::Bool(value) && known.is_some() => {
                Weighed::new(Risk::Reduce)
            }
            RiskRule::StopsAt(_) | RiskRule::ReducesAt(_) => Weighed::new(Risk::Safe),
            RiskRule::Reassign => Weighed::new(if known.is_some() {
                Risk::Reduce
            } else {
                Risk::Safe
            }),
            RiskRule::Counter => Weighed::noted(Risk::Strand, "writes a usage counter"),
            RiskRule::Members { .. } => weigh_members(before, after),
        }
    }

    /// Weighs the removal of an element of a list: `Strand` if live counts use of it, otherwise `Reduce`.
    ///
    /// A list whose elements have no counter, and a reply that lacks the count, give `Reduce` as well.
    pub fn weigh_removal(&self, field: &Field, element: &FieldPath) -> Weighed {
        let RiskRule::Members { used } = field.risk else {
            return Weighed::new(Risk::Reduce);
        };
        match used.and_then(|fact| self.live.number(&format!("{element}.{fact}"))) {
            Some(used) if used > 0 => Weighed {
                users: users_over(0, used),
                ..Weighed::noted(Risk::Strand, format!("removed, {used} in use"))
            },
            _ => Weighed::new(Risk::Reduce),
        }
    }

    /// Returns the live count of use that belongs to a field, or `None` if live has none.
    ///
    /// The count stands beside the field: for `items[a].seats` with the fact `used` it is `items[a].used`.
    fn used(&self, field: &Field, path: &FieldPath, fact: &str) -> Option<i64> {
        let path = path.to_string();
        let location = path.strip_suffix(field.name).unwrap_or_default();
        self.live.number(&format!("{location}{fact}"))
    }

    /// Weighs a new end. An end that is past strands, an earlier one reduces, a later one is safe.
    ///
    /// `None` before means that there was no end, so any end is earlier. No end after, or "never", is safe.
    fn end(&self, before: Option<&Value>, after: &Value) -> Weighed {
        let Some(until) = end_of(after) else {
            return Weighed::new(Risk::Safe);
        };
        let was = before.and_then(end_of);
        if until <= self.now {
            // An end that is past strands even if it is later than before: a user who moves an end expects to gain
            // time.
            let past = was.is_some_and(|was| was <= self.now);
            let note = if past {
                "still ends in the past"
            } else {
                "ends at once"
            };
            return Weighed::noted(Risk::Strand, note);
        }
        let earlier = was.is_none_or(|was| until < was);
        Weighed::new(if earlier { Risk::Reduce } else { Risk::Safe })
    }

    /// Weighs a new beginning. One that moves back or stays is safe; one that moves forward reduces, and strands if
    /// the licence had begun and now waits for a day that is still to come.
    fn begin(&self, before: Option<&Value>, after: &Value) -> Weighed {
        let Some(from) = moment_of(after, false) else {
            return Weighed::new(Risk::Safe);
        };
        let was = before.and_then(|value| moment_of(value, false));
        if was.is_some_and(|was| from <= was) {
            return Weighed::new(Risk::Safe);
        }
        let had_begun = was.is_none_or(|was| was <= self.now);
        if had_begun && from > self.now {
            return Weighed::noted(Risk::Strand, "had begun, would begin later");
        }
        // Days that are past count as taken away, too: use on those days becomes use without a licence.
        Weighed::new(Risk::Reduce)
    }

    /// Weighs a new element of a list. It takes nothing away, so it is safe unless it is unusable from the start.
    ///
    /// Three flaws make it `Strand`, because they are seldom intended: a usage counter that is set, a flag that stops
    /// the licence, and an end that is past. The note names all of them.
    pub fn weigh_new(&self, table: &[Field], element: &Fields) -> Weighed {
        let flaw = |field: &Field| {
            let (name, value) = (field.name, element.get(field.name)?);
            match (field.risk, value) {
                (RiskRule::Counter, Value::Integer(_)) => {
                    Some(format!("{name} writes a usage counter"))
                }
                (RiskRule::StopsAt(stop), Value::Bool(is)) if *is == stop => {
                    Some(format!("{name} is {is}"))
                }
                (RiskRule::End, Value::Text(text)) if end_of(value)? <= self.now => {
                    Some(format!("{name} {text} is past"))
                }
                _ => None,
            }
        };
        let flaws: Vec<String> = table.iter().filter_map(flaw).collect();
        match flaws.is_empty() {
            true => Weighed::new(Risk::Safe),
            false => Weighed::noted(Risk::Strand, flaws.join("; ")),
        }
    }
}

/// Returns the end that a date sets, or `None` if it is no date or means "never".
///
/// The last day of the year 9999, at any hour, is how .NET and others write "never".
fn end_of(value: &Value) -> Option<Timestamp> {
    let never = matches!(value, Value::Text(text) if text.starts_with("9999-12-31"));
    moment_of(value, true).filter(|_| !never)
}

/// Weighs a number of which `unlimited` is the highest. `used` is the live count of use, `None` if unknown.
///
/// `before` is `None` if no number limited the licensee, and then no number can be lower.
fn weigh_amount(
    before: Option<&Value>,
    after: &Value,
    used: Option<i64>,
    unlimited: i64,
) -> Weighed {
    let highest_last = |value: i64| if value == unlimited { i64::MAX } else { value };
    let Value::Integer(after) = after else {
        // A missing number after the change means no allowance of this sort, which is less than any number before.
        return Weighed::new(if before.is_some() {
            Risk::Reduce
        } else {
            Risk::Safe
        });
    };
    let allowed = highest_last(*after);
    let lowered = match before {
        Some(Value::Integer(before)) => allowed < highest_last(*before),
        // No number was set before, so no number limited the licensee.
        _ => false,
    };
    match used {
        _ if !lowered => Weighed::new(Risk::Safe),
        Some(used) if allowed < used => Weighed {
            users: users_over(*after, used),
            ..Weighed::noted(Risk::Strand, format!("{after} allowed, {used} in use"))
        },
        _ => Weighed::new(Risk::Reduce),
    }
}

/// Weighs a length of time. A shorter one reduces; so does one where there was none, which may have been for ever, and one
/// that cannot be compared.
///
/// A month counts 30 days and a year 365, so that `12m` and `1y` are compared as 360 and 365 days.
fn weigh_span(before: Option<&Value>, after: &Value) -> Weighed {
    let days = |value: &Value| {
        let Value::Text(text) = value else {
            return None;
        };
        let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let days = match unit {
            "d" => 1,
            "m" => 30,
            "y" => 365,
            _ => return None,
        };
        count.parse::<u64>().ok()?.checked_mul(days)
    };
    let longer = before.and_then(days).zip(days(after));
    Weighed::new(match longer {
        Some((was, is)) if is >= was => Risk::Safe,
        _ => Risk::Reduce,
    })
}

/// Returns how many of the users at present are more than allowed: with 5 allowed and 7 in use it is 2.
fn users_over(allowed: i64, used: i64) -> Option<u64> {
    u64::try_from(used.saturating_sub(allowed.max(0))).ok()
}

/// Weighs a choice whose values form a ladder, lowest first. A step down reduces.
///
/// With `low`, `high`: low → high is safe and high → low reduces. A change from or to a value that is not on the
/// ladder reduces, since its rank is unknown.
fn weigh_ladder(steps: &[&str], before: Option<&Value>, after: &Value) -> Weighed {
    let rank = |value: &Value| match value {
        Value::Text(text) => steps.iter().position(|step| step == text),
        _ => None,
    };
    let was = before.and_then(rank);
    let down = match (was, rank(after)) {
        (Some(was), Some(is)) => is < was,
        (Some(_), None) => true,
        // The old step is not on the ladder, so any other step may be lower.
        (None, _) => before.is_some(),
    };
    Weighed::new(if down { Risk::Reduce } else { Risk::Safe })
}

/// Weighs a set by the members that it loses: {a, b} → {b, c} reduces because `a` goes, {a} → {a, b} is safe.
fn weigh_members(before: Option<&Value>, after: &Value) -> Weighed {
    let none = BTreeSet::new();
    let set = |value: Option<&Value>| match value {
        Some(Value::Set(members)) => (**members).clone(),
        _ => none.clone(),
    };
    let (was, is) = (set(before), set(Some(after)));
    let gone = was.difference(&is).count();
    Weighed::new(if gone > 0 { Risk::Reduce } else { Risk::Safe })
}

/// Returns the moment that a date or instant stands for, or `None` if the value is neither.
///
/// A day begins with its first second and ends with its last, in UTC: 2027-01-31 as an end is 23:59:59. The last hours
/// of the year 9999 are outside the range of `Timestamp` and become `Timestamp::MAX`.
fn moment_of(value: &Value, at_end: bool) -> Option<Timestamp> {
    let Value::Text(text) = value else {
        return None;
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let day = text.get(..10)?.parse::<civil::Date>().ok()?;
    let time = if at_end {
        day.at(23, 59, 59, 0)
    } else {
        day.at(0, 0, 0, 0)
    };
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
    Some(zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Fact;
    use crate::model::{Clearing, Shape};

    const COUNT: Field =
        Field::new("seats", Shape::COUNT, "").risk(RiskRule::Amount { used: Some("used") });
    const END: Field = Field::new("end", Shape::Date, "")
        .clearing(Clearing::Null)
        .risk(RiskRule::End);
    const BEGIN: Field = Field::new("begin", Shape::Instant, "").risk(RiskRule::Begin);

    fn weigh(field: &Field, before: Option<Value>, after: Value) -> Risk {
        let mut live = Live::default();
        live.facts.insert("used".into(), Fact::Number(7));
        let now = "2026-11-21T12:00:00Z".parse().expect("a valid time");
        let scale = Scale { live: &live, now };
        let path = FieldPath::default().field(field.name);
        scale.weigh(field, &path, before.as_ref(), &after).risk
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn amounts_rank_with_minus_one_as_the_highest() {
        let seats = |before: i64, after: i64| {
            weigh(&COUNT, Some(Value::Integer(before)), Value::Integer(after))
        };
        assert_eq!(seats(10, 12), Risk::Safe);
        assert_eq!(seats(10, 8), Risk::Reduce);
        assert_eq!(seats(10, 5), Risk::Strand);
        assert_eq!(seats(10, -1), Risk::Safe);
        assert_eq!(seats(-1, 10), Risk::Reduce);
        assert_eq!(seats(5, 5), Risk::Safe);
        let none = Some(Value::Null);
        assert_eq!(weigh(&COUNT, none, Value::Integer(5)), Risk::Safe);
    }

    #[test]
    fn quotas_rank_with_zero_as_the_highest() {
        const QUOTA: Field = Field::new("transfers", Shape::COUNT, "").risk(RiskRule::Quota);
        let quota = |before: Option<i64>, after: i64| {
            weigh(&QUOTA, before.map(Value::Integer), Value::Integer(after))
        };
        assert_eq!(quota(Some(3), 5), Risk::Safe);
        assert_eq!(quota(Some(5), 0), Risk::Safe);
        assert_eq!(quota(Some(0), 5), Risk::Reduce);
        assert_eq!(quota(Some(1), -1), Risk::Reduce);
        assert_eq!(quota(Some(-1), 1), Risk::Safe);
        assert_eq!((quota(None, 0), quota(None, 9)), (Risk::Safe, Risk::Reduce));
    }

    #[test]
    fn spans_rank_by_their_days() {
        const SPAN: Field = Field::new("duration", Shape::TEXT, "").risk(RiskRule::Span);
        let span = |before: Option<&str>, after: &str| {
            weigh(&SPAN, Some(before.map_or(Value::Null, text)), text(after))
        };
        assert_eq!(span(Some("35d"), "2m"), Risk::Safe);
        assert_eq!(span(Some("1y"), "2y"), Risk::Safe);
        assert_eq!(span(Some("1y"), "12m"), Risk::Reduce, "a few days less");
        assert_eq!(span(Some("1y"), "364d"), Risk::Reduce);
        for unknown in ["", "y", "1w", "x1y", "1é", "99999999999999999999y"] {
            assert_eq!(span(Some(unknown), "1y"), Risk::Reduce, "{unknown}");
            assert_eq!(span(Some("1d"), unknown), Risk::Reduce, "{unknown}");
        }
        assert_eq!(span(None, "9y"), Risk::Reduce, "there was no end");
        assert_eq!(weigh(&SPAN, None, text("1y")), Risk::Reduce);
    }

    #[test]
    fn what_no_read_shows_may_have_been_more() {
        let unseen = |field: &Field, after: Value| weigh(field, None, after);
        assert_eq!(unseen(&COUNT, Value::Integer(-1)), Risk::Safe);
        assert_eq!(unseen(&COUNT, Value::Integer(7)), Risk::Reduce);
        assert_eq!(unseen(&COUNT, Value::Integer(6)), Risk::Strand);
        assert_eq!(unseen(&COUNT, Value::Null), Risk::Reduce);
        const OVER: Field = Field::new("over", Shape::Boolean, "").risk(RiskRule::ReducesAt(false));
        assert_eq!(unseen(&OVER, Value::Bool(false)), Risk::Reduce);
        assert_eq!(unseen(&OVER, Value::Bool(true)), Risk::Safe);
        const TYPE: Field =
            Field::new("type", Shape::TEXT, "").risk(RiskRule::Ladder(&["low", "high"]));
        assert_eq!(unseen(&TYPE, text("high")), Risk::Reduce);
        assert_eq!(unseen(&END, text("2028-01-01")), Risk::Reduce);
        assert_eq!(unseen(&END, Value::Null), Risk::Safe);
    }

    #[test]
    fn a_step_down_reduces_and_so_does_a_flag_that_was_not_so() {
        const TYPE: Field =
            Field::new("type", Shape::TEXT, "").risk(RiskRule::Ladder(&["low", "high"]));
        let step = |before: &str, after: &str| weigh(&TYPE, Some(text(before)), text(after));
        assert_eq!(step("low", "high"), Risk::Safe);
        assert_eq!(step("high", "high"), Risk::Safe);
        assert_eq!(step("high", "low"), Risk::Reduce);
        const OVER: Field = Field::new("over", Shape::Boolean, "").risk(RiskRule::ReducesAt(false));
        let over = |before: Value, after: bool| weigh(&OVER, Some(before), Value::Bool(after));
        assert_eq!(over(Value::Bool(true), false), Risk::Reduce);
        assert_eq!(over(Value::Bool(false), true), Risk::Safe);
        assert_eq!(
            over(Value::Null, false),
            Risk::Safe,
            "there was none to take"
        );
    }

    #[test]
    fn ends_rank_with_none_as_the_latest() {
        let end = |before: Option<&str>, after: Option<&str>| {
            let value = |day: Option<&str>| day.map_or(Value::Null, text);
            weigh(&END, Some(value(before)), value(after))
        };
        assert_eq!(end(Some("2027-01-01"), Some("2028-01-01")), Risk::Safe);
        assert_eq!(end(Some("2028-01-01"), Some("2027-01-01")), Risk::Reduce);
        assert_eq!(end(None, Some("2027-01-01")), Risk::Reduce);
        assert_eq!(end(Some("2027-01-01"), Some("2026-11-20")), Risk::Strand);
        assert_eq!(
            end(Some("2027-01-01"), Some("2026-11-21")),
            Risk::Reduce,
            "today is not over yet"
        );
        assert_eq!(end(Some("2027-01-01"), None), Risk::Safe);
        assert_eq!(
            end(Some("2027-01-01T23:59:59Z"), Some("2027-01-01")),
            Risk::Safe,
            "another spelling of one moment"
        );
        assert_eq!(
            end(Some("2020-01-01"), Some("2021-01-01")),
            Risk::Strand,
            "later, but still past"
        );
    }

    #[test]
    fn the_last_day_there_is_means_no_end() {
        let ends = [
            None,
            Some("9999-12-31"),
            Some("9999-12-31T00:00:00Z"),
            Some("9999-12-31T23:59:59Z"),
        ];
        let value = |end: Option<&str>| end.map_or(Value::Null, text);
        for never in ends {
            for other in ends {
                assert_eq!(weigh(&END, Some(value(never)), value(other)), Risk::Safe);
            }
            let day = text("2027-01-01");
            assert_eq!(weigh(&END, Some(value(never)), day.clone()), Risk::Reduce);
            assert_eq!(weigh(&END, Some(day), value(never)), Risk::Safe);
        }
        let before = text("9999-12-30");
        assert_eq!(weigh(&END, Some(Value::Null), before), Risk::Reduce);
    }

    #[test]
    fn a_new_element_that_nobody_can_use_strands() {
        const TABLE: [Field; 4] = [
            Field::new("used", Shape::COUNT, "").risk(RiskRule::Counter),
            END,
            Field::new("enabled", Shape::Boolean, "").risk(RiskRule::StopsAt(false)),
            Field::new("seats", Shape::COUNT, "").risk(RiskRule::Amount { used: None }),
        ];
        let live = Live::default();
        let now = "2026-11-21T12:00:00Z".parse().expect("a valid time");
        let scale = Scale { live: &live, now };
        let new = |fields: &[(&'static str, Value)]| {
            let Weighed { risk, note, .. } =
                scale.weigh_new(&TABLE, &fields.iter().cloned().collect());
            (risk, note.unwrap_or_default())
        };
        let fine = [
            ("end", text("2026-11-21")),
            ("enabled", Value::Bool(true)),
            ("seats", Value::Integer(0)),
        ];
        assert_eq!(new(&fine), (Risk::Safe, String::new()));
        assert_eq!(
            new(&[("end", Value::Null), ("used", Value::Null)]).0,
            Risk::Safe
        );
        let flawed = [
            ("used", Value::Integer(0)),
            ("end", text("2026-11-20")),
            ("enabled", Value::Bool(false)),
        ];
        let note = "used writes a usage counter; end 2026-11-20 is past; enabled is false";
        assert_eq!(new(&flawed), (Risk::Strand, note.into()));
    }

    #[test]
    fn a_later_beginning_reduces_and_one_moved_behind_now_strands() {
        let begin = |before: &str, after: &str| weigh(&BEGIN, Some(text(before)), text(after));
        assert_eq!(
            begin("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            Risk::Strand
        );
        assert_eq!(
            begin("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
            Risk::Reduce
        );
        assert_eq!(
            begin("2027-01-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            Risk::Safe
        );
        assert_eq!(
            begin("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            Risk::Reduce,
            "also where both have passed"
        );
        assert_eq!(
            weigh(&BEGIN, Some(Value::Null), text("2026-01-01T00:00:00Z")),
            Risk::Reduce
        );
        assert_eq!(
            begin("2026-01-01T00:00:00Z", "2026-11-21T12:00:00Z"),
            Risk::Reduce,
            "what begins now has begun"
        );
        assert_eq!(
            begin("2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            Risk::Strand
        );
    }
}
