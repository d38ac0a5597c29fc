//! The program on a terminal, which is where escape codes act: a pipe hides them.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs the program with both of its streams on one terminal, and gives back what that was sent.
pub fn run(command: Command) -> String {
    on_terminal(command, None).1
}

/// Runs the program at a terminal at which `typed` is typed, and gives back its exit code and what that was sent.
pub fn converse(command: Command, typed: &str) -> (i32, String) {
    on_terminal(command, Some(typed))
}

fn on_terminal(mut command: Command, typed: Option<&str>) -> (i32, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("ours");
    unlockpt(&master).expect("open");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = File::from(rustix::fs::open(&name, flags, Mode::empty()).expect("a terminal"));
    let stream = || Stdio::from(terminal.try_clone().expect("another descriptor"));
    command.stdout(stream()).stderr(stream());
    let mut master = File::from(master);
    if let Some(typed) = typed {
        command.stdin(stream());
        // The terminal keeps the line until somebody reads it.
        master.write_all(typed.as_bytes()).expect("typed");
    }
    let mut child = command.spawn().expect("it starts");
    // The terminal ends with the last of its descriptors.
    drop(command);
    drop(terminal);
    let mut sent = Vec::new();
    // Linux ends it with an error.
    let _ = master.read_to_end(&mut sent);
    let status = child.wait().expect("it ends");
    let sent = String::from_utf8(sent).expect("UTF-8");
    (status.code().expect("an exit code"), sent)
}
