//! The form for the second token, and the page that says why a request was refused.

use maud::{Markup, html};

use super::frame::{FramedPage, Visitor, page_frame};

/// Renders the form. `fault` says why the last try failed.
pub fn sign_in_page(fault: Option<&str>, visitor: &Visitor) -> String {
    let main = html! {
        h1 { "Sign in" }
        p { "To ask for looks, to suspend objects and to approve held-back changes. Each is written into the journal with your name." }
        @if let Some(fault) = fault { p.notice.bad role="alert" { (fault) } }
        form.panel action="/sign-in" method="post" {
            label { span { "Your name" } input type="text" name="name" required maxlength="100" autocomplete="username"; }
            label { span { "Token of --actions-token" } input type="password" name="token" required maxlength="1000" autocomplete="current-password"; }
            button type="submit" { "Sign in" }
        }
    };
    still_page("entitle watch: sign in", main, visitor)
}

/// Renders why a request was not carried out, with a way back.
pub fn refusal_page(words: &str, back: &str, visitor: &Visitor) -> String {
    let main = html! {
        h1 { "Not done" }
        p.notice.bad role="alert" { (words) }
        p { a href=(back) { "Back" } }
    };
    still_page("entitle watch: not done", main, visitor)
}

/// Frames a page that is not fetched again.
fn still_page(title: &str, main: Markup, visitor: &Visitor) -> String {
    let page = FramedPage {
        title: title.to_string(),
        pass: 0,
        events: String::new(),
        above: html! {},
        main,
    };
    page_frame(&page, visitor)
}
