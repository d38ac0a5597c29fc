//! Every code of a finding or of a problem of a connection, with its cause and its cure.
//!
//! `entitle help CODE` prints an entry, and the manual lists all of them. A code is part of the JSON formats: it is not
//! renamed. A test holds that the source emits each code of the table and no other.

/// A code with what people need who meet it.
pub struct DiagnosticCode {
    pub code: &'static str,
    /// The state of affairs that makes the program report it.
    pub cause: &'static str,
    /// The way out, in one sentence or two.
    pub cure: &'static str,
}

/// Codes that belong together.
pub struct CodeGroup {
    pub title: &'static str,
    pub codes: &'static [DiagnosticCode],
}

/// Declares a group: a title, and for each code its cause and its cure.
macro_rules! group {
    ($title:literal: $($code:literal, $cause:literal, $cure:literal;)*) => {
        CodeGroup {
            title: $title,
            codes: &[$(DiagnosticCode { code: $code, cause: $cause, cure: $cure }),*],
        }
    };
}

/// All codes, by the stage of a run that reports them.
pub static CODE_GROUPS: &[CodeGroup] = &[
    FILES, YAML, DOCUMENTS, VALUES, OBJECTS, EDITIONS, SETS, ACCOUNTS, SETTINGS, RUNS, PROBLEMS,
];

/// Finds the entry of a code; `None` if the program has no such code.
pub fn find_code(code: &str) -> Option<&'static DiagnosticCode> {
    let mut codes = CODE_GROUPS.iter().flat_map(|group| group.codes);
    codes.find(|entry| entry.code == code)
}

const FILES: CodeGroup = group! { "Files":
    "missing-path", "A path that the command or the project file names does not exist.", "Correct the path, or name files or directories that hold manifests; `-` is standard input.";
    "no-manifests", "The paths hold no `*.yaml` or `*.yml` file, or none with a manifest in it.", "Name the directory that has the manifests. Files whose name begins with a dot, and those that a `.gitignore` matches, are passed over; `entitle validate -v` lists them.";
    "unreadable", "A file, a directory or a `.gitignore` cannot be read, for the reason that the message gives.", "Give the user of the run the right to read it, or leave it out of the paths.";
    "too-large", "A file is larger than a manifest may be.", "Split it. A large file of another tool belongs outside the paths that are read.";
    "not-utf8", "A file is not UTF-8 text.", "Save it as UTF-8; Latin-1 and UTF-16 are not read.";
    "nul-byte", "A file has a NUL byte in it, so it is no text.", "Look at what wrote the file: a NUL byte is usually left by UTF-16 or by a disk that was full.";
    "link-leads-out", "With `CI` set, or in a commit, a symbolic link leads out of the tree that is read.", "Keep manifests inside the repository, or name the directory that the link leads to. A `.gitignore` hides a link that is not meant.";
    "timeout", "Reading the manifests took longer than `--timeout`.", "Name the directories that hold manifests instead of a large tree, or give the run more time.";
};

const YAML: CodeGroup = group! { "YAML":
    "yaml-syntax", "A file is not valid YAML. Nothing in it is read.", "Correct the place that the caret shows; tabs cannot indent, and a `:` or `#` inside a text needs quotes.";
    "yaml-budget", "A file is nested too deep, or its aliases grow into too much.", "Split the file, or write out what the aliases repeat.";
    "yaml-dialect", "Other YAML tools read this value differently, such as `0o37` or `1e3`.", "Put a text in quotes, and write a number in plain decimal digits.";
    "duplicate-key", "One map has the same key twice, and only one of them could count.", "Remove one of the two; both places are shown.";
    "conflict-markers", "A merge left the markers of git in the file.", "Resolve the conflict, then remove the markers.";
};

const DOCUMENTS: CodeGroup = group! { "Documents and their members":
    "unknown-version", "A document has an `apiVersion` of entitle that this version does not read.", "Write `entitle.dev/v1`, or use the version of entitle that the manifest was written for.";
    "unknown-kind", "No kind has this name.", "Take the name that the message proposes; `entitle explain` lists all kinds.";
    "unknown-vendor", "No vendor has this name.", "Take the name that the message proposes; `entitle explain Connection.vendor` lists them.";
    "unknown-field", "A map has a member that the format or the vendor's call does not have.", "Take the name that the message proposes; `entitle explain KIND` lists the fields of a kind.";
    "missing-field", "A member that is needed is not there: by the format, by every write of the vendor, by another field's value, or to create the object.", "Add it. `entitle explain KIND.FIELD` says when a field is needed.";
    "wrong-type", "A value has another type than the member takes.", "Write the type that the message names; a text that looks like a number needs quotes.";
    "bad-choice", "A text is none of those that the member takes.", "Take one of those that the message lists.";
    "bad-name", "A name is no DNS-1123 subdomain.", "Use lower-case letters, digits, `-` and `.` only, and begin and end each part with a letter or digit.";
    "bad-address", "An address of an object is not of the form `Kind/name`.", "Write the kind, a slash and the name, as plans print it.";
    "bad-path", "A path of a field or of a file is malformed, names nothing that can stand there, or leads where it may not.", "Write a field as plans print it, such as `Features[Licstat 6.0].comment`; keep files below the directory of the project file.";
    "empty", "A value is empty where something has to stand.", "Give it a value, or leave the member out.";
    "duplicate-name", "Two objects of one kind have the same name, or a directory has two project files.", "Rename one; both places are shown.";
    "bad-notification", "A `Notification` has no channel, or more than one.", "Write exactly one of `webhook`, `slack`, `teams` and `email`.";
};

const VALUES: CodeGroup = group! { "Values of fields":
    "out-of-range", "A number, a text or a length of time is beyond what the vendor or the format takes.", "Stay within the range that the message gives.";
    "bad-date", "A text is no date, or no instant, that exists.", "Write a day as `2027-01-31`, an instant in UTC as `2027-01-31T00:00:00Z`.";
    "bad-guid", "A text is no GUID.", "Copy the id from the vendor, such as `f76ac030-df89-41a9-a62a-b6fbbba5a58c`.";
    "bad-id", "What identifies an object cannot be an id of its vendor.", "Copy the id from the vendor's console or from `entitle import`; the message has an example.";
    "bad-number", "A number in a free map cannot be sent as JSON, such as `.inf`.", "Write it in decimal digits, or in quotes if it is text.";
    "cannot-clear", "`null` asks to clear a field, and the vendor has no way to say that.", "Leave the field out to keep its live value, or write the value that it should have.";
    "conflict", "Two members that say the same thing in different ways are both given.", "Keep one of them: the ids or the names.";
    "exclusive-fields", "Two fields are given, and the vendor takes only one of them in a call.", "Leave out the one that the vendor should keep as it is.";
    "end-before-begin", "An end lies before its beginning.", "Correct one of the two dates; both places are shown. One of them may be the live value.";
    "no-effect", "The field has no effect while another field has the value that it has.", "State the other field too, or leave this one out.";
    "duplicate-list-key", "Two elements of a list have the same key. Elements are matched by their key, so only one could count.", "Remove one; both places are shown. Labels are compared without case, space, hyphen and underscore.";
    "duplicate-member", "A list without order names the same member twice.", "Remove one; it makes no difference to the result.";
};

const OBJECTS: CodeGroup = group! { "Objects and references":
    "duplicate-object", "Two manifests name the same object of one account, and would overwrite each other.", "Remove one of them; both places are shown.";
    "no-creation", "`create: true` stands in a manifest of a kind that is never created.", "Create it in the vendor's console, then name it by its id. `entitle explain KIND` gives the reason.";
    "no-removal", "`state: absent` stands in a manifest of a kind that is never removed.", "Use what comes nearest, which the message names, such as `enabled: false`.";
    "no-schedule", "`schedule: vendor` stands in a manifest of a kind whose vendor carries out no changes at a moment.", "Leave `schedule` out: an apply or `watch` carries out each change at its moment.";
    "unschedulable-change", "A dated change has a field that the vendor cannot change at a moment.", "Take the field out of the change, or leave `policy.schedule` out: an apply or `watch` then carries out all of it.";
    "update-will-fail", "The vendor foresees that an update that is scheduled there will fail.", "Correct what its words name before the moment; otherwise the run after it carries out the change, as any drift.";
    "foreign-update", "Somebody else scheduled an update at the vendor that touches fields of the manifest.", "Cancel it at the vendor, or write the same values in the manifest as a dated change.";
    "bad-reference", "What stands behind `ref` is no address, or one of a kind whose id does not belong here.", "Write `{ref: Kind/name}` with the kind that the message names.";
    "unknown-reference", "A reference names an object that is not among the manifests.", "Correct the name, or pass the file that has the object as well.";
    "reference-elsewhere", "A reference names an object that is reached through another connection. Ids hold within one account.", "Name an object of the same connection, or write its id.";
    "reference-removed", "A reference names an object that is to be removed.", "Remove both, or name another object.";
    "reference-circle", "References lead in a circle, so that no object could be created first.", "Write the id in place of one of the references.";
};

const EDITIONS: CodeGroup = group! { "Editions":
    "unknown-edition", "An object or an edition names an edition that is not among the manifests.", "Correct the name, or pass the file that has the edition as well.";
    "edition-cycle", "An edition extends itself, directly or by way of others.", "Take one `extends` out of the circle.";
    "edition-of-another-kind", "An object names an edition that is made for objects of another kind.", "Name an edition whose `for` is the kind of the object.";
    "unknown-parameter", "A parameter is used or given a value, and the edition does not declare it.", "Correct the name, or declare the parameter under `parameters`.";
    "missing-parameter", "A parameter has no default, and the object gives it no value.", "Give it one under `edition.with`, or add a default to the edition.";
    "bad-parameter", "A value of a parameter has another type, or is outside its range.", "Write a value as the declaration asks for; both places are shown.";
    "duplicate-change", "Two dated changes of one document begin at the same moment, so neither would be the last.", "Make one of the two; both places are shown.";
    "unused-parameter", "An edition declares a parameter that nothing in it uses.", "Use it with `{param: NAME}`, or remove it.";
    "nothing-to-take-out", "`absent: true` takes out an element that no edition below has.", "Leave the element out of the list.";
};

const SETS: CodeGroup = group! { "Sets and environments":
    "bad-rows", "A file of rows is no table: a line has too few or too many cells, a column has no name of its own, or a cell holds a formula.", "Export the values of the table as CSV, with the names of the columns in the first line.";
    "bad-cell", "A cell is empty, or holds no value of the type of the place where it is used.", "Correct the cell, or say in the template what an empty one means: `{column: seats, default: 10}`.";
    "unknown-column", "A template names a column that no row has.", "Correct the name, or add the column.";
    "no-environment", "Values of an environment are used, or several environments are defined, and none is chosen.", "Choose one by `--env NAME`; `entitle validate` checks each without it.";
    "unknown-environment", "`--env` names an environment that is not among the manifests.", "Correct the name, or pass the file that has the environment as well.";
    "unknown-value", "The environment has no value of this name.", "Correct the name, or add the value to each environment.";
    "bad-time-zone", "A text is no name of a time zone.", "Write a name of the IANA database, such as `Europe/Berlin`.";
};

const ACCOUNTS: CodeGroup = group! { "Connections and secrets":
    "no-connection", "An object needs a connection of its vendor, and there is none.", "Add a `Connection` document, or pass the file that has it as well.";
    "unknown-connection", "An object names a connection that is not there, or several could be meant.", "Correct `connection`, or add it where a vendor has several.";
    "bad-auth", "A connection proves who it is in a form that its vendor does not take, or with members missing.", "Take one of the forms that the message lists; `entitle explain Connection.auth` has their members.";
    "bad-secret", "A secret has no source, or more than one.", "Write exactly one of `{env: NAME}`, `{file: PATH}` and `{command: [program, argument]}`.";
    "secret-in-manifest", "A secret stands in a manifest. Its value is not shown.", "Say where it is kept, for example `{env: NAME}`, and change the secret: whoever reads the repository has it.";
    "bad-url", "A text is no URL that can stand here.", "Write `https://`, the host, and at most a path.";
    "insecure-url", "Plain http would send credentials in the open.", "Use https; `allowInsecureHttp: true` accepts it for a network of your own.";
};

const SETTINGS: CodeGroup = group! { "Flags, variables and the project file":
    "no-trust-hosts", "Credentials go to whatever hosts the manifests name, which a pull request can change.", "Name the hosts in `ENTITLE_TRUST_HOSTS`, or with `--trust-hosts`, where a pull request cannot change them.";
    "empty-variable", "A variable that limits a run is set and empty, so that nothing says what the limit is.", "Give it a value, or unset it.";
    "unknown-variable", "A variable begins with `ENTITLE_` and is no setting; it is ignored.", "Take the name that the message proposes.";
    "not-in-project", "A project file sets what only the run itself may allow, because the file comes with pull requests.", "Pass the flag where the run is set up.";
    "bad-host", "An entry of `trustHosts` is no host.", "Write `host`, `host:8443`, `*.domain` or `http://host`.";
};

const RUNS: CodeGroup = group! { "Saved plans, undo and drift":
    "not-in-plan", "Manifests name objects that the saved plan does not know. They are left alone.", "Plan again to include them.";
    "not-in-manifests", "The saved plan, or the run that is undone, has objects that no manifest names any more. They are left alone.", "Plan again; an undo takes them back with `--include-unmanaged`.";
    "out-of-scope", "The saved plan has objects that `--target`, `--exclude` or `--selector` leave out. They are left alone.", "Apply with the scope of the plan.";
    "not-taken-back", "An undo leaves a field or an object as it is, for the reason that the message gives.", "Where somebody changed it since, `--field PATH` takes it back all the same.";
    "schedule-differs", "What the vendor has scheduled for an object is not what its manifest asks for: somebody changed or cancelled an update, or the manifest was not applied yet.", "Apply, which puts it right, or take the dated change out of the manifest.";
    "accepted-expired", "An entry of accepted drift has passed its last day, so that the drift is reported again.", "Put the field back, take the live value over with `entitle import --update`, or set a later day with a reason.";
    "accepted-unmatched", "An entry of accepted drift silences nothing.", "Remove the entry, or correct the object or the field that it names.";
    "more-findings", "There are more findings than are kept; this one counts the others.", "Correct those that are shown, and run again.";
    "stopped", "A run ended early; the message is what it said last. Reports have this so that they are not taken for a run without findings.", "Do what the message says, and run again.";
};

const PROBLEMS: CodeGroup = group! { "Problems of a whole connection":
    "unset-variable", "Variables that hold the credentials are not set, or empty.", "Set them for this run; `entitle doctor` lists which ones.";
    "unusable-secret", "A credential cannot be read, or cannot be sent as it is.", "Look at the file or the command that the manifest names; a secret is one line without control characters.";
    "untrusted-host", "Credentials may not go to the host of the connection. Nothing was sent.", "Add the host to `--trust-hosts` if it is right; if not, look at who changed `baseUrl`.";
    "login-refused", "The vendor refuses the credentials.", "Check user, password or key in the vendor's console; they may have expired.";
    "login-failed", "The login brought no session, though the credentials were not refused.", "Read the vendor's words in the message, and try again later.";
    "no-such-host", "The host of the connection has no address.", "Correct `baseUrl`, or look at the name service of the machine.";
    "unreachable", "The host does not answer, or refuses the connection.", "Look at the network, a proxy, and the vendor's status page.";
    "unsafe-connection", "No safe connection comes about: the certificate is not trusted, has expired or is for another name.", "Correct the host, the clock or the certificates of the machine; there is no flag that turns the check off.";
    "forbidden", "The credentials are known and may not do this.", "Give the account of the connection the right to read, or to write, what the message names.";
    "wrong-base-url", "What answers is not the vendor's API.", "Correct `baseUrl`: it is everything before the path that the vendor's page prints.";
    "redirected", "The vendor points to another address. Credentials do not follow.", "Write the new address into `baseUrl`, if it is the vendor's.";
    "rate-limited", "The vendor takes no more calls for now.", "Wait, or lower `limits` of the connection; all processes that share a database as store share one count.";
    "vendor-failure", "The vendor answers with a fault of its own.", "Try again later; what was written before is in `entitle history`.";
    "unreadable-reply", "A reply is not what the vendor's page says, so nothing is concluded from it.", "Read the call and the member in the message. If the vendor changed its API, report it: no value is ever guessed.";
    "out-of-time", "The time of the run was over before the account was read.", "Give `--timeout` more, or narrow the run with `--target`.";
};
