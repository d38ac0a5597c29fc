//! Standard input that is waited for no longer than a run may take.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use crate::manifest::yaml::MAX_FILE_BYTES;

/// A reader of standard input that waits no longer than a deadline.
///
/// The first `read` takes in everything, on a thread of its own, which is left behind at the deadline:
/// no portable call stops a wait for a terminal or a pipe.
pub struct StandardInput {
    deadline: Option<Instant>,
    read: Option<Cursor<Vec<u8>>>,
}

impl StandardInput {
    /// Creates the reader. No byte is read before the first call of `read`; `None` waits without an end.
    pub fn until(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            read: None,
        }
    }
}

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.read {
            Some(read) => read,
            None => self.read.insert(Cursor::new(read_to_end(self.deadline)?)),
        };
        read.read(buffer)
    }
}

/// Reads to the end, or to one byte more than a manifest may have.
fn read_to_end(deadline: Option<Instant>) -> io::Result<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    drop(thread::spawn(move || {
        let mut bytes = Vec::new();
        let input = io::stdin().lock();
        let read = input.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        // The receiver may have given up.
        let _ = sender.send(read.map(|_| bytes));
    }));
    let received = match deadline {
        None => receiver.recv().map_err(RecvTimeoutError::from),
        Some(deadline) => {
            let left = deadline.saturating_duration_since(Instant::now());
            receiver.recv_timeout(left)
        }
    };
    received.unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => {
                io::Error::new(io::ErrorKind::TimedOut, "it did not end within --timeout")
            }
            RecvTimeoutError::Disconnected => io::Error::other("it could not be read"),
        })
    })
}
