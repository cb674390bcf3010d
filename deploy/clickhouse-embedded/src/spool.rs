//! A request's body as a file in memory: the engine reads inserted data from its path, whatever bytes it holds.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use crate::exception::{Exception, code};
use crate::ffi;

/// Bytes in a file without a name, at most `bytes_max` of them.
pub(crate) struct Spool {
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl Spool {
    pub(crate) fn new(bytes_max: u64) -> io::Result<Self> {
        Ok(Self { file: ffi::memory_file()?, bytes: 0, bytes_max })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// The path by which the engine, in this process, opens the file.
    pub(crate) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }

    /// Appends bytes, or says that the body is too large.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Exception> {
        self.write_all(bytes).map_err(|error| Exception::new(code::QUERY_IS_TOO_LARGE, error))
    }

    /// The first bytes, at most `count`.
    pub(crate) fn head(&self, count: u64) -> io::Result<Vec<u8>> {
        let count = usize::try_from(self.bytes.min(count)).map_err(io::Error::other)?;
        let mut head = vec![0; count];
        self.file.read_exact_at(&mut head, 0)?;
        Ok(head)
    }

    /// A reader from `offset` on.
    pub(crate) fn reader(&mut self, offset: u64) -> io::Result<&File> {
        self.file.seek(SeekFrom::Start(offset))?;
        Ok(&self.file)
    }

    /// This body without its first bytes and with others before it.
    pub(crate) fn with_head(mut self, head: &[u8], offset: u64) -> io::Result<Self> {
        if head.is_empty() && offset == 0 {
            return Ok(self);
        }
        let mut whole = Self::new(self.bytes_max.saturating_add(head.len() as u64))?;
        whole.write_all(head)?;
        let mut rest = self.reader(offset)?;
        io::copy(&mut rest, &mut whole)?;
        Ok(whole)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes + bytes.len() as u64 > self.bytes_max {
            let message = format!("The body is larger than {} bytes (body_bytes_max)", self.bytes_max);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
