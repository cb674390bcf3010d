//! The only unsafe code: libchdb's C functions behind a connection that cannot be misused, and three calls of the
//! operating system that the standard library lacks. It knows nothing of HTTP or SQL.
#![expect(unsafe_code, reason = "libchdb is a C library, and memfd_create, prctl and _exit have no safe wrapper")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::Path;
use std::sync::Arc;

use libloading::Library;

type Handle = *mut c_void;
type QueryWithParams = unsafe extern "C" fn(
    Handle,
    *const u8,
    usize,
    *const u8,
    usize,
    *const *const u8,
    *const usize,
    *const *const u8,
    *const usize,
    usize,
) -> Handle;

/// libchdb's functions, as its header `chdb.h` declares them.
pub(crate) struct Api {
    connect: unsafe extern "C" fn(c_int, *const *const c_char) -> *mut Handle,
    close: unsafe extern "C" fn(*mut Handle),
    query: QueryWithParams,
    stream_query: QueryWithParams,
    classify: unsafe extern "C" fn(Handle, *const u8, usize, *const u8, usize, *mut Analysis) -> c_int,
    error: unsafe extern "C" fn(Handle) -> *const c_char,
    buffer: unsafe extern "C" fn(Handle) -> *const u8,
    length: unsafe extern "C" fn(Handle) -> usize,
    count: [unsafe extern "C" fn(Handle) -> u64; 5],
    destroy: unsafe extern "C" fn(Handle),
}

/// What the engine's parser says about a text (`chdb_query_analysis_v1`).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Analysis {
    struct_size: u32,
    /// Statements in the text; 0 when it does not parse.
    pub(crate) statements: u32,
    flags: u32,
    class: u32,
}

impl Analysis {
    /// The text only reads.
    pub(crate) fn reads_only(self) -> bool {
        self.statements == 1 && self.class == 0
    }
}

/// What a finished query counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Rows and bytes of the answer.
    pub(crate) result: (u64, u64),
    /// Rows read from storage.
    pub(crate) read_rows: u64,
    /// Rows and bytes written, those of materialized views included.
    pub(crate) written: (u64, u64),
}

/// Names and values of `{name:Type}` parameters.
pub(crate) type Params = [(Vec<u8>, Vec<u8>)];

impl Api {
    /// Loads the library and finds every function. The library is never unloaded: its threads outlive any handle.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, libloading::Error> {
        // SAFETY: the signatures are those of chdb.h of the pinned version; the library is leaked, so they stay valid.
        unsafe {
            let library: &'static Library = Box::leak(Box::new(Library::new(path)?));
            let signals: unsafe extern "C" fn(c_int) = *library.get(b"chdb_set_signal_handlers_enabled")?;
            signals(0);
            Ok(Arc::new(Self {
                connect: *library.get(b"chdb_connect")?,
                close: *library.get(b"chdb_close_conn")?,
                query: *library.get(b"chdb_query_with_params_n")?,
                stream_query: *library.get(b"chdb_stream_query_with_params_n")?,
                classify: *library.get(b"chdb_classify_query_n")?,
                error: *library.get(b"chdb_result_error")?,
                buffer: *library.get(b"chdb_result_buffer")?,
                length: *library.get(b"chdb_result_length")?,
                count: [
                    *library.get(b"chdb_result_rows_read")?,
                    *library.get(b"chdb_result_bytes_read")?,
                    *library.get(b"chdb_result_storage_rows_read")?,
                    *library.get(b"chdb_result_rows_written")?,
                    *library.get(b"chdb_result_bytes_written")?,
                ],
                destroy: *library.get(b"chdb_destroy_query_result")?,
            }))
        }
    }
}

/// One connection: its own settings, database and temporary tables; one query at a time.
pub(crate) struct Connection {
    api: Arc<Api>,
    handle: *mut Handle,
}

// SAFETY: the engine allows any thread to use a connection, one at a time; `&mut self` sees to the latter.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a connection with arguments like `--path=…` and `--max_threads=2`. `None` when the engine refuses them.
    pub(crate) fn open(api: &Arc<Api>, args: &[CString]) -> Option<Self> {
        let pointers: Vec<*const c_char> = args.iter().map(|arg| arg.as_ptr()).collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: the pointers live through the call, which copies what it keeps.
        let handle = unsafe { (api.connect)(count, pointers.as_ptr()) };
        if handle.is_null() {
            return None;
        }
        Some(Self { api: Arc::clone(api), handle })
    }

    /// Runs one query and hands its answer, in `format` unless the query names another, to `take`.
    pub(crate) fn query<T>(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<(T, Counts), String> {
        let result = self.call(self.api.query, sql, format, params);
        if let Some(error) = result.error() {
            return Err(error);
        }
        Ok((take(result.bytes()), result.counts()))
    }

    /// The error of a text that does not parse. Nothing runs: a stream that is not read is cancelled at once.
    pub(crate) fn parse_error(&mut self, sql: &[u8]) -> Option<String> {
        self.call(self.api.stream_query, sql, "Null", &[]).error()
    }

    /// What the engine's parser makes of the text, without running it.
    pub(crate) fn classify(&mut self, sql: &[u8]) -> Analysis {
        let size = u32::try_from(size_of::<Analysis>()).expect("four words");
        let mut analysis = Analysis { struct_size: size, ..Analysis::default() };
        // SAFETY: the handle is open; text and report live through the call; no target database is named.
        unsafe {
            (self.api.classify)(*self.handle, sql.as_ptr(), sql.len(), std::ptr::null(), 0, &raw mut analysis);
        }
        analysis
    }

    fn call(&self, function: QueryWithParams, sql: &[u8], format: &str, params: &Params) -> Answer<'_> {
        let (names, name_lengths) = pointers(params.iter().map(|(name, _)| name));
        let (values, value_lengths) = pointers(params.iter().map(|(_, value)| value));
        // SAFETY: the handle is open and every buffer lives through the call, which copies what it keeps.
        let result = unsafe {
            function(
                *self.handle,
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                names.as_ptr(),
                name_lengths.as_ptr(),
                values.as_ptr(),
                value_lengths.as_ptr(),
                params.len(),
            )
        };
        Answer { api: &self.api, result }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed only here.
        unsafe { (self.api.close)(self.handle) }
    }
}

fn pointers<'a>(texts: impl Iterator<Item = &'a Vec<u8>>) -> (Vec<*const u8>, Vec<usize>) {
    texts.map(|text| (text.as_ptr(), text.len())).unzip()
}

/// A result of the engine's, freed with its scope.
struct Answer<'a> {
    api: &'a Api,
    result: Handle,
}

impl Answer<'_> {
    fn error(&self) -> Option<String> {
        if self.result.is_null() {
            return Some("the engine gave no result".into());
        }
        // SAFETY: the result is alive; its error is null or a C string that lives as long.
        unsafe {
            let error = (self.api.error)(self.result);
            (!error.is_null()).then(|| CStr::from_ptr(error).to_string_lossy().into_owned())
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the result is alive and owns `length` bytes at `buffer`.
        unsafe {
            match (self.api.length)(self.result) {
                0 => &[],
                length => std::slice::from_raw_parts((self.api.buffer)(self.result), length),
            }
        }
    }

    fn counts(&self) -> Counts {
        // SAFETY: the result is alive.
        let [rows, bytes, read, written_rows, written_bytes] = self.api.count.map(|count| unsafe { count(self.result) });
        Counts { result: (rows, bytes), read_rows: read, written: (written_rows, written_bytes) }
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if !self.result.is_null() {
            // SAFETY: made by the engine, destroyed only here.
            unsafe { (self.api.destroy)(self.result) }
        }
    }
}

/// A file without a name, in memory only.
pub(crate) fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a C string; the descriptor is new and ours.
    unsafe {
        let descriptor = libc::memfd_create(c"body".as_ptr(), libc::MFD_CLOEXEC as c_uint);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(descriptor))
    }
}

/// Asks for a larger pipe, so that the engine is woken less often. A refusal leaves the usual 64 KiB.
pub(crate) fn widen_pipe(pipe: &impl AsRawFd, bytes: c_int) {
    // SAFETY: sets a size on a descriptor that is open.
    unsafe {
        libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes);
    }
}

/// Makes the kernel send SIGTERM to this process when the thread that started it ends: start it from a thread that
/// lives as long as the parent (a runtime's worker, not a blocking-pool thread).
///
/// # Errors
/// What `prctl` says.
pub fn die_with_parent() -> io::Result<()> {
    // SAFETY: sets a flag of this process.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends the process without running the engine's static destructors, which would race its remaining threads.
pub fn exit(status: i32) -> ! {
    // SAFETY: ends the process; everything acknowledged is already on disk.
    unsafe { libc::_exit(status) }
}
