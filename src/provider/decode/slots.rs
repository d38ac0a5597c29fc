//! Collects the fields of one object while it is read: one slot for every field of its table.
//!
//! In: members in any order, each read once its column is known. Out: `Fields`, or the first fault in the order of the
//! table, so that the message does not depend on the order of a reply.

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};

use super::atom::{Atom, AtomReader, TakeAtom};
use super::columns::{Column, Columns};
use super::reader::{
    Any, Inside, InsideBoth, ItselfOrInside, Named, ObjectReader, scalar_kind, skip_list,
};
use super::value::ValueReader;
use super::{Decoded, Fault};
use crate::model::{Clearing, Fields, Malformed, Value};
use crate::provider::canon::Scalar;

/// Holds what was read of an object so far, in the order of the columns.
pub(super) struct FieldSlots<'r> {
    columns: &'r Columns,
    values: Vec<(&'static str, Option<Value>)>,
    /// The faults of columns, by the index of the column.
    faults: Vec<(usize, Box<Fault>)>,
}

impl<'r> FieldSlots<'r> {
    pub fn new(columns: &'r Columns) -> Self {
        Self {
            columns,
            values: columns
                .iter()
                .map(|column| (column.field.name, None))
                .collect(),
            faults: Vec::new(),
        }
    }

    /// Reads the value of the column with the index `at`. `Err` is broken JSON; a faulty value is recorded instead.
    pub fn read<'de, A: MapAccess<'de>>(
        &mut self,
        at: usize,
        access: &mut A,
    ) -> Result<(), A::Error> {
        let columns = self.columns;
        let column = columns
            .get(at)
            .ok_or_else(|| A::Error::custom("no such column"))?;
        let decoded = match column.inside {
            None => Some(access.next_value_seed(Any(ValueReader(column)))?),
            Some(name) if column.or_itself => {
                access.next_value_seed(Any(ItselfOrInside(name, ValueReader(column))))?
            }
            Some(name) => access.next_value_seed(Any(Inside(name, Any(ValueReader(column)))))?,
        };
        self.set(at, column, decoded);
        Ok(())
    }

    /// Reads the column with the index `at`, whose value is inside an object, and returns the member `name` of the same
    /// object. `Err` is broken JSON.
    pub fn read_beside<'de, A: MapAccess<'de>>(
        &mut self,
        at: usize,
        name: &'static str,
        access: &mut A,
    ) -> Result<Atom<'de>, A::Error> {
        let columns = self.columns;
        let column = columns
            .get(at)
            .ok_or_else(|| A::Error::custom("no such column"))?;
        let (decoded, atom) = access.next_value_seed(Any(InsideBoth {
            value: Inside(column.inside.unwrap_or_default(), Any(ValueReader(column))),
            atom: Inside(name, Any(AtomReader(TakeAtom::Itself))),
        }))?;
        self.set(at, column, decoded);
        Ok(atom.unwrap_or_default())
    }

    /// Reads the object `record`, whose members are fields. `Err` is broken JSON.
    pub fn read_record<'de, A: MapAccess<'de>>(
        &mut self,
        record: &'static str,
        access: &mut A,
    ) -> Result<(), A::Error> {
        access.next_value_seed(Any(RecordReader {
            slots: self,
            record,
        }))
    }

    /// Stores the value or the fault of a column. A member that is given twice counts as it is given last, so an
    /// earlier fault of the column is dropped.
    fn set(&mut self, at: usize, column: &Column, decoded: Option<Decoded<Value>>) {
        self.faults.retain(|(faulty, _)| *faulty != at);
        let value = match decoded {
            // No page shows what a list of `null` holds, so the reply does not show the list.
            Some(Ok(Value::Null)) if column.field.is_list() => Ok(None),
            Some(Ok(Value::Null))
                if column.required() && column.field.clearing == Clearing::Impossible =>
            {
                Err(Fault::new("", "is null"))
            }
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(fault)) => Err(fault),
            None => Ok(None),
        };
        let value = value.unwrap_or_else(|fault| {
            self.faults.push((at, fault.below(column.field.name)));
            None
        });
        if let Some((_, slot)) = self.values.get_mut(at) {
            *slot = value;
        }
    }

    /// Returns the fields, or the first fault in the order of the table. A required column without a value is a fault.
    pub fn finish(self) -> Decoded<Fields> {
        let lacking = self.columns.iter().zip(&self.values).enumerate();
        let lacking =
            lacking.filter(|(_, (column, (_, value)))| value.is_none() && column.required());
        let lacking = lacking.map(|(at, (column, _))| (at, column));
        let mut first: Option<(usize, Box<Fault>)> = None;
        let mut offer = |rank: usize, fault: Box<Fault>| {
            if first.as_ref().is_none_or(|(known, _)| rank < *known) {
                first = Some((rank, fault));
            }
        };
        for (at, column) in lacking {
            if !self.faults.iter().any(|(faulty, _)| *faulty == at) {
                offer(column.rank, Fault::new(column.location(), "is missing"));
            }
        }
        for (at, fault) in self.faults {
            offer(self.columns.get(at).map_or(at, |column| column.rank), fault);
        }
        match first {
            Some((_, fault)) => Err(fault),
            None => {
                let values = self.values.into_iter();
                let present = values.filter_map(|(name, value)| Some((name, value?)));
                Ok(Fields::from_sorted(present.collect()))
            }
        }
    }
}

/// Reads an object whose members are fields into their slots. `null` shows none of them.
struct RecordReader<'s, 'r> {
    slots: &'s mut FieldSlots<'r>,
    record: &'static str,
}

impl RecordReader<'_, '_> {
    /// Empties the slots of the object: if it is given twice, only the last one counts.
    fn clear(&mut self) -> Option<usize> {
        let columns = self.slots.columns.iter().enumerate();
        let members = columns.filter(|(_, column)| column.member == self.record);
        let members: Vec<usize> = members.map(|(at, _)| at).collect();
        for at in &members {
            self.slots.faults.retain(|(faulty, _)| faulty != at);
            if let Some((_, slot)) = self.slots.values.get_mut(*at) {
                *slot = None;
            }
        }
        members.first().copied()
    }

    fn misplaced(mut self, kind: &str) {
        let first = self.clear().unwrap_or_default();
        let fault = Fault::new(self.record, format!("must be an object, not {kind}"));
        self.slots.faults.push((first, fault));
    }
}

impl<'de> ObjectReader<'de> for RecordReader<'_, '_> {
    type Value = ();

    fn scalar(mut self, given: Scalar<'_>) {
        match given {
            Scalar::Null => {
                self.clear();
            }
            other => self.misplaced(scalar_kind(other)),
        }
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        skip_list(&mut access)?;
        self.misplaced("a list");
        Ok(())
    }

    fn object<A: MapAccess<'de>>(mut self, mut access: A) -> Result<(), A::Error> {
        self.clear();
        let (columns, record) = (self.slots.columns, self.record);
        let find = |name: &str| columns.find_in_record(record, name);
        while let Some(member) = access.next_key_seed(Named(find))? {
            match member.and_then(|at| Some((at, columns.get(at)?))) {
                Some((at, column)) => {
                    let decoded = access.next_value_seed(Any(ValueReader(column)))?;
                    self.slots.set(at, column, Some(decoded));
                }
                None => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Holds an object as a reply shows it, read to its end.
pub struct Row<'r, 'de, const N: usize> {
    /// The members beside the fields. The first is the object's id.
    pub beside: [Atom<'de>; N],
    /// `None` for an object that was not wanted.
    pub(super) slots: Option<FieldSlots<'r>>,
}

impl<const N: usize> Row<'_, '_, N> {
    /// Returns the fields of the object and leaves none. `Err` for a malformed, an unwanted or an already finished
    /// object.
    pub fn finish(&mut self) -> Result<Fields, Malformed> {
        match self.slots.take() {
            Some(slots) => slots.finish().map_err(Malformed::from),
            None => Err(Malformed::new("the object was read over")),
        }
    }
}
