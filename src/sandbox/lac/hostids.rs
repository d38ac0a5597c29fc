//! HostID names: any spelling is taken, the display label is returned.
//!
//! The labels are those of the HostIDs tab per licence manager, checked 2026-11-21. The page shows
//! `hostname` coming back as `Hostname`; that spaced labels may be written `ip_address` follows from the
//! end-user API, which prints both `CUSTOM` and `Custom`, and is not otherwise confirmed.

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

/// The display label of a HostID name under a licence manager, if it has such a HostID.
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

/// Whether an order may ask for HostIDs of several types.
pub fn several_allowed(manager: &str) -> bool {
    !matches!(manager, "flexnet" | "rlm")
}

/// The raw form in the end-user API: `IP_ADDRESS`.
pub fn raw_name(label: &str) -> String {
    label.to_ascii_uppercase().replace(' ', "_")
}

fn normalize_name(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}
