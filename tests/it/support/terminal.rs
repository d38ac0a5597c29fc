//! The program on a terminal, which is where escape codes act: a pipe hides them.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs the program with both of its streams on one terminal, and gives back what that was sent.
pub fn run(mut command: Command) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("ours");
    unlockpt(&master).expect("open");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = File::from(rustix::fs::open(&name, flags, Mode::empty()).expect("a terminal"));
    let second = terminal.try_clone().expect("another descriptor");
    command
        .stdout(Stdio::from(terminal))
        .stderr(Stdio::from(second));
    let mut child = command.spawn().expect("it starts");
    // The terminal ends with the last of its descriptors.
    drop(command);
    let (mut sent, mut master) = (Vec::new(), File::from(master));
    // Linux ends it with an error.
    let _ = master.read_to_end(&mut sent);
    child.wait().expect("it ends");
    String::from_utf8(sent).expect("UTF-8")
}
