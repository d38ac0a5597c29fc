//! What a file is, in words.

use std::fs::{FileType, Metadata};
use std::io;

/// Names what is not a regular file; `None` for a regular file.
fn name(kind: FileType) -> Option<&'static str> {
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

/// Refuses what is not a regular file, by its name.
pub fn expect_regular(meta: &Metadata) -> io::Result<()> {
    match name(meta.file_type()) {
        None => Ok(()),
        Some(name) => {
            let error = if meta.is_dir() {
                io::ErrorKind::IsADirectory
            } else {
                io::ErrorKind::InvalidInput
            };
            let words = format!("it is {name}: name a regular file");
            Err(io::Error::new(error, words))
        }
    }
}

/// Whether bytes can be written through it to whoever reads: a pipe, a terminal or another device without blocks.
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
