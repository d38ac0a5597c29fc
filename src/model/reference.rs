//! References between objects of one manifest set: `{ref: LacCustomer/rivers}` in place of an id that the vendor makes.
//!
//! A reference may stand where a member of an identity or of a natural key, a field, or a member of a set is the id of
//! an object of another kind of the same vendor. Which kind that is stands in the kind's table (`refers_to` of
//! [`IdentityField`](super::field::IdentityField) and [`Field`](super::Field)); no other spot takes a reference.
//!
//! Worked example: a customer and its order, neither of which the vendor has.
//!
//! ```text
//! manifests   LacCustomer/rivers      customTag: {tag_name: crm_id, value: C-1}, create: true
//!             LacLicenseOrder/desk    order: {customer_id: {ref: LacCustomer/rivers}, marker: desk}, create: true
//! check       the reference names an object, of the right kind and connection, in no circle; no call is made
//! read 1      GET /customers…         no customer has the tag: missing, and this run creates it
//! read 2      the order cannot be there, since its customer is not: no call
//! plan        LacCustomer/rivers      create
//!             LacLicenseOrder/desk    create after it; customer_id: (id of LacCustomer/rivers, which this plan creates)
//! apply       POST /customers         the reply has the id 7
//!             GET /license-orders?customer_ids=7…   no order has the marker
//!             POST /license-orders    customer_id: 7
//! next plan   read 1 shows customer 7, read 2 is the list of its orders, and nothing is left to do
//! ```
//!
//! An object goes through three forms. As its manifest has it, the spot holds the reference's text
//! ([`Reference::text`]), by which manifests are compared and hashed. Once the referent is known, the spot holds the id,
//! and from there on nothing knows that there was a reference. In between, when the plan creates the referent, it holds a
//! text for people ([`Reference::awaited_text`]): such an object is planned and shown, and never sent. The two later
//! forms keep the first ([`Desired::manifest_form`](super::Desired::manifest_form)).
//!
//! | referent | dependent |
//! | --- | --- |
//! | its manifest has its id | read and planned with it, at once |
//! | named by a key, and there | read after it, in the same run |
//! | not there, and created by this run | planned after it; its step waits, and is made once the id is known |
//! | not there, and not created by this run | an error that names it |
//! | not created after all: refused, failed, skipped | skipped: nothing is sent with half an id |
//! | to be gone | to be gone too, and gone before it; otherwise the check refuses both |
//!
//! A referent that is there and whose own update fails holds up nothing: its id is known.

use super::address::Address;
use super::node::Mark;

/// The spot of an object at which a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceSpot {
    /// A member of the identity or of the natural key.
    Id(&'static str),
    /// A field that is one id.
    Field(&'static str),
    /// A member of a field that is a set of ids.
    Member(&'static str),
}

impl ReferenceSpot {
    /// Returns the name of the member or field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id(name) | Self::Field(name) | Self::Member(name) => name,
        }
    }
}

/// What stands at the spot of a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferenceState {
    /// The text of the reference.
    #[default]
    Open,
    /// The id of the referent.
    Found,
    /// A text for people, since the referent is not there yet.
    Awaited,
}

/// What stands around the address of a referent that is not there yet.
const AWAITED_BEGIN: &str = "(id of ";
const AWAITED_END: &str = ", which this plan creates)";

/// One reference of an object.
#[derive(Clone, Debug)]
pub struct Reference {
    pub spot: ReferenceSpot,
    /// The object whose id belongs at the spot.
    pub referent: Address,
    /// Its place in the file of the object.
    pub mark: Mark,
    pub state: ReferenceState,
}

impl Reference {
    /// Returns what stands at the spot of a reference while its id is not looked up: `{ref: LacCustomer/rivers}`.
    pub fn text(referent: &Address) -> String {
        format!("{{ref: {referent}}}")
    }

    /// Returns what a plan shows in place of an id that the vendor is still to make.
    pub fn awaited_text(referent: &Address) -> String {
        format!("{AWAITED_BEGIN}{referent}{AWAITED_END}")
    }

    /// Reports whether a text stands in place of an id that the vendor is still to make.
    pub fn is_awaited_text(text: &str) -> bool {
        text.starts_with(AWAITED_BEGIN) && text.ends_with(AWAITED_END)
    }
}
