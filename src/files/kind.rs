//! The kind of a file: regular, or something to refuse by name.

use std::fs::{FileType, Metadata};
use std::io;

/// Names the kind of a file; `None` for a regular file.
fn describe_kind(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_char_device() {
            return Some("a device");
        } else if kind.is_block_device() {
            return Some("a block device");
        } else if kind.is_fifo() {
            return Some("a pipe");
        } else if kind.is_socket() {
            return Some("a socket");
        }
    }
    match kind.is_file() {
        true => None,
        false if kind.is_dir() => Some("a directory"),
        false => Some("something else"),
    }
}

/// Returns an error that names the kind of a file, unless it is regular.
pub fn expect_regular(meta: &Metadata) -> io::Result<()> {
    match describe_kind(meta.file_type()) {
        None => Ok(()),
        Some(name) => {
            let error = if meta.is_dir() {
                io::ErrorKind::IsADirectory
            } else {
                io::ErrorKind::InvalidInput
            };
            let message = format!("it is {name}: name a regular file");
            Err(io::Error::new(error, message))
        }
    }
}

/// Reports whether bytes written to it go to a reader: a pipe, a terminal or another character device.
pub fn is_stream(meta: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        meta.file_type().is_char_device() || meta.file_type().is_fifo()
    }
    #[cfg(not(unix))]
    {
        !meta.is_file() && !meta.is_dir()
    }
}

/// Reports whether it is a pipe; always `false` on systems other than Unix.
pub fn is_pipe(meta: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        meta.file_type().is_fifo()
    }
    #[cfg(not(unix))]
    {
        let _ = meta;
        false
    }
}
