//! The frame that all pages share: head, header with the theme and who is signed in, footer.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::daemon::serve::words::relative_time;
use crate::render::safe::escape_page;

/// The colours that a reader has chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The colours of the browser's setting.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    /// Returns the theme of a name; that of the browser for any other text.
    pub fn parse(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|theme| theme.name() == name);
        found.unwrap_or_default()
    }

    /// Returns the name in the cookie and the form.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// Returns the CSS value of `color-scheme`.
    fn color_scheme(self) -> &'static str {
        match self {
            Theme::Auto => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// The access of a reader to the actions of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ActionOffer {
    /// The reader can only read, since actions are off.
    #[default]
    Off,
    /// The reader can sign in with the token for actions.
    SignIn,
    /// The reader can only read, since the proxy names no person in its header.
    NobodyNamed,
    /// The reader can use all actions, as this person.
    Granted {
        name: String,
        csrf: String,
        /// True if there is a session to end; a proxy has its own way to sign out.
        can_sign_out: bool,
    },
}

impl ActionOffer {
    /// Returns the token of forms; `None` if the reader may use no action.
    pub fn csrf(&self) -> Option<&str> {
        match self {
            Self::Granted { csrf, .. } => Some(csrf),
            Self::Off | Self::SignIn | Self::NobodyNamed => None,
        }
    }
}

/// The reader of a page, with the choices and rights that the page depends on.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub theme: Theme,
    pub offer: ActionOffer,
    /// The path and query of the page, to come back to.
    pub path: String,
    /// What was just done, to be confirmed.
    pub done: Option<&'static str>,
}

/// One page before it is framed.
pub struct FramedPage {
    pub title: String,
    /// The number of the last pass: the script fetches the page again when there is another.
    pub pass: u64,
    /// The filter of events that concern this page, as the query of a URL.
    pub events: String,
    /// The part of the page above the part that the script fetches again.
    pub above: Markup,
    pub main: Markup,
}

/// Renders a page as a whole. Invisible characters are escaped in all of it.
pub fn page_frame(page: &FramedPage, visitor: &Visitor) -> String {
    let theme = visitor.theme;
    let markup = html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme.name()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(theme.color_scheme());
                title { (page.title) }
                link rel="icon" href="/icon.svg";
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    p.brand { a href="/" { "entitle watch" } }
                    p #live role="status" {}
                    (theme_form(visitor))
                    (sign_in_state(visitor))
                }
                (page.above)
                main #main tabindex="-1" data-pass=(page.pass) data-events=(page.events) {
                    @if let Some(done) = visitor.done { p.notice.good role="status" { (done) } }
                    (page.main)
                }
                footer {
                    p {
                        @if visitor.offer == ActionOffer::Off { "Read-only: actions need " code { "--allow-actions" } ". " }
                        "The same as JSON: " a href="/status" { "/status" }
                        ", in the terminal: " code { "entitle status" }
                        ", for Prometheus: " a href="/metrics" { "/metrics" } "."
                    }
                }
            }
        }
    };
    escape_page(&markup.into_string())
}

/// Renders the choice of colours. It works without a script, since a cookie keeps it.
fn theme_form(visitor: &Visitor) -> Markup {
    html! {
        form.theme action="/theme" method="post" aria-label="Colours" {
            input type="hidden" name="back" value=(visitor.path);
            @for theme in Theme::ALL {
                button type="submit" name="theme" value=(theme.name()) aria-pressed=(theme == visitor.theme) { (theme.name()) }
            }
        }
    }
}

/// Renders who is signed in, or how to sign in.
fn sign_in_state(visitor: &Visitor) -> Markup {
    match &visitor.offer {
        ActionOffer::Off => html! {},
        ActionOffer::SignIn => html! { p.actor { a href="/sign-in" { "Sign in" } } },
        ActionOffer::NobodyNamed => html! { p.actor { "Not signed in at the proxy" } },
        ActionOffer::Granted {
            name,
            csrf,
            can_sign_out,
        } => html! {
            p.actor { (name) }
            @if *can_sign_out {
                form.inline action="/sign-out" method="post" {
                    input type="hidden" name="csrf" value=(csrf);
                    button type="submit" { "Sign out" }
                }
            }
        },
    }
}

/// Renders a moment as its distance from now, with the exact time as its title.
pub fn time_element(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(exact) title=(exact) { (relative_time(at, now)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_that_nobody_knows_is_that_of_the_browser() {
        for theme in Theme::ALL {
            assert_eq!(Theme::parse(theme.name()), theme);
        }
        assert_eq!(Theme::parse("\"><script>"), Theme::Auto);
    }
}
