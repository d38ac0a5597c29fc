//! Joins the readings of several kinds into one reading over one account.
//!
//! In: the wanted objects, of any of the kinds. Out: their calls side by side, and each object under its index among
//! all that are wanted. The readings themselves decide what is called; this module only renumbers tickets and objects,
//! and sends a call once that several readings ask for at the same time ([`SharedCalls`]).
//!
//! ```text
//! wanted    0 key   1 door   2 key
//! parts     keys: own 0, 1 → 0, 2        doors: own 0 → 1
//! calls     ticket 0 → keys, its ticket 0      ticket 1 → keys, its ticket 1      ticket 2 → doors, its ticket 0
//! ```

use super::ResourceKind;
use super::reading::{Answer, Reading, Ticket};
use super::shared_calls::SharedCalls;
use crate::model::{Call, Desired, Observed};

/// Reads each object by the reading of its kind. Objects of one kind are read by that kind's reading, without a
/// wrapper.
///
/// An object of none of the `kinds` is never given away: the caller must not pass one.
pub fn read_by_kind(kinds: &[&'static dyn ResourceKind], desired: &[&Desired]) -> Box<dyn Reading> {
    let is_of = |kind: &&&'static dyn ResourceKind, object: &Desired| {
        object.address.kind == kind.table().kind
    };
    let mut present = kinds
        .iter()
        .filter(|kind| desired.iter().any(|object| is_of(kind, object)));
    if let (Some(only), None) = (present.next(), present.next()) {
        return only.reading(desired);
    }
    let parts = kinds.iter().filter_map(|kind| {
        let objects = desired.iter().copied().enumerate();
        let (indices, objects): (Vec<usize>, Vec<&Desired>) =
            objects.filter(|(_, object)| is_of(&kind, object)).unzip();
        (!objects.is_empty()).then(|| ReadingPart {
            reading: kind.reading(&objects),
            indices,
        })
    });
    join_readings(parts.collect())
}

/// Makes the reading of some of the wanted objects.
type MakeReading = fn(&[&Desired]) -> Box<dyn Reading>;

/// Reads the objects of one kind that `is_keyed` accepts by one reading, and the others by another.
pub fn read_keyed_apart(
    desired: &[&Desired],
    is_keyed: impl Fn(&Desired) -> bool,
    by_key: MakeReading,
    by_id: MakeReading,
) -> Box<dyn Reading> {
    if !desired.iter().any(|one| is_keyed(one)) {
        return by_id(desired);
    }
    let all = desired.iter().copied().enumerate();
    let (keyed, others): (Vec<_>, Vec<_>) = all.partition(|(_, one)| is_keyed(one));
    let parts = [(keyed, by_key), (others, by_id)].into_iter();
    let parts = parts.filter(|(objects, _)| !objects.is_empty());
    join_readings(
        parts
            .map(|(objects, make)| {
                let (indices, objects): (Vec<usize>, Vec<&Desired>) = objects.into_iter().unzip();
                let reading = make(&objects);
                ReadingPart { reading, indices }
            })
            .collect(),
    )
}

/// Joins readings, each of some of the wanted objects, into one of them all.
fn join_readings(parts: Vec<ReadingPart>) -> Box<dyn Reading> {
    Box::new(KindReadings {
        calls: SharedCalls::of(parts.len()),
        parts,
    })
}

/// The reading of some of the wanted objects, such as those of one kind.
struct ReadingPart {
    reading: Box<dyn Reading>,
    /// The index among all wanted objects of each object of the part.
    indices: Vec<usize>,
}

/// Routes calls and replies between the caller and the parts.
struct KindReadings {
    parts: Vec<ReadingPart>,
    calls: SharedCalls,
}

impl ReadingPart {
    /// Replaces the indices within the part by those among all wanted objects.
    fn indexed(&self, objects: Vec<(usize, Observed)>) -> impl Iterator<Item = (usize, Observed)> {
        let objects = objects.into_iter();
        objects.map(|(index, observed)| (self.indices[index], observed))
    }
}

impl Reading for KindReadings {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        let ready = self.parts.iter_mut().map(|part| part.reading.ready());
        self.calls.give_out(ready.collect())
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.calls.answer(ticket, answer, |index, ticket, answer| {
            self.parts[index].reading.take(ticket, answer);
        });
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        let mut settled = Vec::new();
        for part in &mut self.parts {
            let objects = part.reading.settled();
            settled.extend(part.indexed(objects));
        }
        settled
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let mut rest = Vec::new();
        for ReadingPart { reading, indices } in self.parts {
            let objects = reading.finish().into_iter();
            rest.extend(objects.map(|(index, observed)| (indices[index], observed)));
        }
        rest.sort_by_key(|(index, _)| *index);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Desired;
    use crate::provider::testing::{DOOR, KEY, TestKind, TwoKinds, answer, desired_object, given};
    use crate::provider::{Provider, ResourceKind};

    fn object(kind: &TestKind, id: &str) -> Desired {
        desired_object(kind.table(), &[("id", id)])
    }

    #[test]
    fn objects_of_two_kinds_are_read_side_by_side_and_come_back_under_their_own_numbers() {
        let objects = [
            object(&KEY, "1"),
            object(&DOOR, "2"),
            object(&KEY, "3"),
            object(&DOOR, "1"),
        ];
        let objects: Vec<&Desired> = objects.iter().collect();
        let (rounds, early, late) = given(TwoKinds.reading(&objects), |call| answer(200, call));
        let calls = ["GET /Door/2", "GET /Door/1", "GET /Key/1", "GET /Key/3"];
        assert_eq!(rounds, [calls]);
        assert_eq!(late.len(), 0);
        let mut early = early;
        early.sort_by_key(|(index, _)| *index);
        let seen = early.iter().map(|(_, observed)| match observed {
            Observed::Unread(failure) => failure.text.as_str(),
            Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => "",
        });
        let expected = ["GET /Key/1", "GET /Door/2", "GET /Key/3", "GET /Door/1"];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_call_that_two_kinds_ask_for_at_the_same_time_goes_out_once() {
        let objects = [
            object(&KEY, "/all"),
            object(&DOOR, "1"),
            object(&DOOR, "/all"),
        ];
        let objects: Vec<&Desired> = objects.iter().collect();
        let (rounds, early, late) = given(TwoKinds.reading(&objects), |call| answer(200, call));
        assert_eq!(rounds, [["GET /Door/1", "GET /all"]]);
        assert_eq!(late.len(), 0);
        let mut shown: Vec<usize> = early.iter().map(|(index, _)| *index).collect();
        shown.sort_unstable();
        assert_eq!(shown, [0, 1, 2], "the reply is shown to both");
    }

    #[test]
    fn objects_of_one_kind_are_read_by_its_own_reading() {
        // A reading that is not joined with others sends what it asks for, also twice.
        let objects = [object(&KEY, "/all"), object(&KEY, "/all")];
        let objects: Vec<&Desired> = objects.iter().collect();
        let (rounds, ..) = given(TwoKinds.reading(&objects), |call| answer(200, call));
        assert_eq!(rounds, [["GET /all", "GET /all"]]);
    }

    #[test]
    fn objects_that_no_reply_settled_come_at_the_end_in_their_order() {
        let objects = [object(&KEY, "1"), object(&DOOR, "1"), object(&KEY, "2")];
        let objects: Vec<&Desired> = objects.iter().collect();
        let mut reading = TwoKinds.reading(&objects);
        let [(door, _), _, _] = &reading.ready()[..] else {
            panic!("three calls");
        };
        reading.take(*door, answer(200, "a door"));
        assert!(matches!(reading.settled()[..], [(1, _)]));
        let rest: Vec<usize> = reading.finish().iter().map(|(index, _)| *index).collect();
        assert_eq!(rest, [0, 2]);
    }
}
