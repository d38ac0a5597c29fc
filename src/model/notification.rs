//! Receivers of notices: who hears of what, and through which channel.

use url::Url;

use super::connection::Credential;
use super::secret::SecretRef;

/// A `Notification` document, checked. Secrets are still references.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    pub name: String,
    pub channel: Channel,
    /// The kinds of notice to send; all of them when empty.
    pub events: Vec<NoticeKind>,
    /// Connections whose events are sent; all if empty. Events of the whole daemon are always sent.
    pub connections: Vec<String>,
}

/// The channel through which notices are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Channel {
    /// JSON, signed when there is a secret.
    Webhook {
        url: Credential,
        secret: Option<SecretRef>,
    },
    /// The address of an incoming webhook is the right to use it, so it is a secret.
    Slack {
        url: SecretRef,
    },
    Teams {
        url: SecretRef,
    },
    Email(Email),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    /// `smtps://host:port`, or `smtp://host:port` which is encrypted before anything is said.
    pub server: Url,
    pub from: String,
    pub to: Vec<String>,
    pub login: Option<(Credential, SecretRef)>,
}

/// An occasion for a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// The daemon came to hold back everything large, or no longer does.
    Brake,
    /// The newest manifests could not be put in force, or are again.
    Source,
    /// Another run holds the lock of a connection, or no longer does.
    Locked,
    /// Objects could not be read or written.
    Failed,
    /// Vendors no longer have objects.
    Missing,
    /// Healing was given up.
    Fight,
    /// A guard does not let a write go.
    Held,
    /// Objects came to differ and are left so.
    Drift,
    /// Objects were written and now agree with their manifests.
    Written,
    /// Objects agree with their manifests again without a write.
    Recovered,
    /// Objects are no longer looked at.
    Suspended,
}

impl NoticeKind {
    pub const ALL: [NoticeKind; 11] = [
        NoticeKind::Brake,
        NoticeKind::Source,
        NoticeKind::Locked,
        NoticeKind::Failed,
        NoticeKind::Missing,
        NoticeKind::Fight,
        NoticeKind::Held,
        NoticeKind::Drift,
        NoticeKind::Written,
        NoticeKind::Recovered,
        NoticeKind::Suspended,
    ];

    /// The names of all kinds, in the same order.
    pub const NAMES: [&str; 11] = {
        let mut names = [""; Self::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = Self::ALL[index].name();
            index += 1;
        }
        names
    };

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Says when a notice of this kind is sent, for the manual.
    pub const fn about(self) -> &'static str {
        match self {
            NoticeKind::Brake => "A change that is too large is held back, or no longer is.",
            NoticeKind::Source => "The newest manifests could not be put in force, or are again.",
            NoticeKind::Locked => "Another run holds the lock of an account, or no longer does.",
            NoticeKind::Failed => "Objects could not be read or written.",
            NoticeKind::Missing => "Vendors no longer have objects that manifests name.",
            NoticeKind::Fight => {
                "Healing a field was given up, because somebody keeps changing it back."
            }
            NoticeKind::Held => "A guard does not let a write go.",
            NoticeKind::Drift => "Objects came to differ from their manifests and are left so.",
            NoticeKind::Written => "Objects were written and now agree with their manifests.",
            NoticeKind::Recovered => "Objects agree with their manifests again without a write.",
            NoticeKind::Suspended => "Objects are no longer looked at.",
        }
    }

    /// The name in manifests and messages.
    pub const fn name(self) -> &'static str {
        match self {
            NoticeKind::Brake => "brake",
            NoticeKind::Source => "source",
            NoticeKind::Locked => "locked",
            NoticeKind::Failed => "failed",
            NoticeKind::Missing => "missing",
            NoticeKind::Fight => "fight",
            NoticeKind::Held => "held",
            NoticeKind::Drift => "drift",
            NoticeKind::Written => "written",
            NoticeKind::Recovered => "recovered",
            NoticeKind::Suspended => "suspended",
        }
    }
}
