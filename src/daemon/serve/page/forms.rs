//! Renders the forms by which people ask for something. Without the right to, they render nothing.

use maud::{Markup, html};

use super::frame::Visitor;
use crate::daemon::actions::short_digest;
use crate::daemon::status::{ObjectState, ObjectStatus};
use crate::model::Risk;
use crate::model::wording::pluralize;

/// The lengths of a suspension that the form offers, as the value that is sent and in words.
pub const SUSPENSION_LENGTHS: [(&str, &str); 5] = [
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("24h", "1 day"),
    ("168h", "7 days"),
    ("720h", "30 days"),
];

/// Renders the start of a form: where it goes, the token, and what it is about.
fn form(visitor: &Visitor, path: &str, fields: &[(&str, &str)], rest: &Markup) -> Markup {
    html! {
        @if let Some(csrf) = visitor.offer.csrf() {
            form.inline action=(path) method="post" {
                input type="hidden" name="csrf" value=(csrf);
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                (rest)
            }
        }
    }
}

/// Renders the button for a look at an object or a connection.
pub fn look_form(visitor: &Visitor, what: &str, name: &str, words: &str) -> Markup {
    let button = html! { button type="submit" { (words) } };
    form(visitor, "/actions/look", &[(what, name)], &button)
}

/// Renders the buttons of an object in the overview: look, approve, resume. What needs a reason is on its own page.
pub fn row_forms(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    html! {
        @if visitor.offer.csrf().is_some() {
            div.actions {
                (immediate_forms(object, visitor))
                a href=(format!("/o/{}#suspend", object.address)) { "Suspend …" }
            }
        }
    }
}

/// Renders all forms of the object's own page.
pub fn object_forms(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    html! {
        @if visitor.offer.csrf().is_some() {
            div.actions { (immediate_forms(object, visitor)) }
            @if object.state != ObjectState::Suspended { (suspend_form(object, visitor)) }
        }
    }
}

/// Renders the buttons that need no reason: look, approve, resume.
fn immediate_forms(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    html! {
        (look_form(visitor, "address", &object.address, "Look now"))
        (approve_form(object, visitor))
        (resume_form(object, visitor))
    }
}

/// Renders the button that lets the held-back change go, with what it does in numbers; nothing if none is held back.
fn approve_form(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    let Some(pending) = object
        .pending
        .as_ref()
        .filter(|pending| pending.needs_approval)
    else {
        return html! {};
    };
    if let Some(by) = &pending.approved_by {
        return html! { p.message { "Approved by " (by) "; it is written with the next look." } };
    }
    let changes = pluralize(object.changes.len(), "change");
    let worst = object
        .changes
        .iter()
        .filter(|change| change.risk == object.risk && object.risk != Risk::Safe);
    let effect = match (object.risk, worst.count()) {
        (Risk::Safe | Risk::Create, _) => String::new(),
        (Risk::Destroy, _) => ", removes the object".into(),
        (Risk::Reduce, number) => format!(", {number} reduce"),
        (Risk::Strand, number) => format!(", {number} strand users"),
    };
    let button = html! {
        button.danger[object.risk >= Risk::Strand] type="submit" {
            "Approve exactly this: " (changes) (effect)
        }
        " " small { "digest " code { (short_digest(&pending.digest)) } }
    };
    let fields = [
        ("address", object.address.as_str()),
        ("digest", &pending.digest),
    ];
    form(visitor, "/actions/approve", &fields, &button)
}

/// Renders the button that ends a suspension of this page; nothing for one of the manifest.
fn resume_form(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    let by_page = object
        .suspended
        .as_ref()
        .is_some_and(|suspension| suspension.by.is_some());
    let button = html! { button type="submit" { "Resume" } };
    html! { @if by_page { (form(visitor, "/actions/resume", &[("address", &object.address)], &button)) } }
}

/// Renders the form for a suspension: reason and length.
fn suspend_form(object: &ObjectStatus, visitor: &Visitor) -> Markup {
    let fields = html! {
        label.wide {
            span { "Reason" }
            input type="text" name="reason" required maxlength="300" autocomplete="off" placeholder="a demo until noon";
        }
        label {
            span { "For" }
            select name="for" {
                @for (value, words) in SUSPENSION_LENGTHS { option value=(value) selected[value == "4h"] { (words) } }
            }
        }
        button type="submit" { "Suspend" }
    };
    html! {
        details.more #suspend {
            summary { "Suspend it for a while" }
            p.under { "The daemon leaves it alone until then, or until it is restarted. What is to last longer belongs into the manifest." }
            (form(visitor, "/actions/suspend", &[("address", &object.address)], &fields))
        }
    }
}
