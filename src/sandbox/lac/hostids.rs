//! HostID names: several spellings are accepted, the display label is read back.
//!
//! The labels are those of the HostIDs tab per licence manager, checked 2026-11-21. The page shows `hostname` read
//! back as `Hostname`. That a label with a space may be written `ip_address` follows from the end-user API, which
//! prints both `CUSTOM` and `Custom`; nothing else confirms it.
//!
//! Example: under LM-X, `ip_address`, `IP-Address` and `IPADDRESS` are all read back as `IP Address`.

/// The labels under LM-X.
const LM_X: &[&str] = &[
    "Bios",
    "Custom",
    "Dongle HASP HL",
    "Ethernet",
    "Hard Disk",
    "Hostname",
    "IP Address",
    "Long",
    "Not Locked",
    "Username",
    "Windows Product ID",
    "AWS Instance ID",
    "GCE Instance ID",
    "Azure Instance ID",
];

/// The labels under FlexNet.
const FLEXNET: &[&str] = &[
    "Any",
    "Hostname",
    "Internet",
    "User",
    "FlexID",
    "Ethernet",
    "Disk Serial Num",
    "Display",
];

/// The labels under RLM.
const RLM: &[&str] = &[
    "Any",
    "Host",
    "IP Address",
    "User",
    "RLM ID1",
    "RLM ID2",
    "Ethernet",
    "Serial Number",
    "Long",
];

/// Returns the display label of a HostID name under a licence manager, `None` if it has no such HostID.
pub fn display_label(name: &str, manager: &str) -> Option<&'static str> {
    let labels = match manager {
        "flexnet" => FLEXNET,
        "rlm" => RLM,
        _ => LM_X,
    };
    let normalized = normalize_name(name);
    labels
        .iter()
        .copied()
        .find(|label| normalize_name(label) == normalized)
}

/// Returns whether orders under a licence manager may have HostIDs of several types.
pub fn several_allowed(manager: &str) -> bool {
    !matches!(manager, "flexnet" | "rlm")
}

/// Returns the raw form of a label in the end-user API: `IP_ADDRESS`.
pub fn raw_name(label: &str) -> String {
    label.to_ascii_uppercase().replace(' ', "_")
}

/// Returns a name in lower case without blanks, underscores and hyphens, for comparison.
fn normalize_name(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}
