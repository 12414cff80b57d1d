//! The ClickHouse engine as a library: libchdb, loaded when it is needed.
//!
//! The only file of the embedded parts that calls C. It hands out connections that run one statement at a time and
//! inserts that take their data apart from their statement. It knows nothing of HTTP, and it never puts data into the
//! text of a statement: the engine splits such text at every `;`, loses the rest, and reports success.

use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::slice;

use libloading::Library;

mod library;

pub use self::library::{LIBRARY_VARIABLE, PACKAGE_VERSION, find_library};

/// How much of a body is handed to the engine at once. The engine copies each piece, so a piece costs memory twice.
const APPEND_BYTES: usize = 1 << 20;

/// Why the engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library is in none of the places where it is looked for.
    #[error("could not find libchdb; looked at {}: run .ci/setup libchdb, or set {LIBRARY_VARIABLE} to the file", list(.0))]
    Missing(Vec<PathBuf>),
    /// The library is there and cannot be used.
    #[error("could not load {}", library.display())]
    Unusable {
        /// The file.
        library: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
    /// A path that C cannot express.
    #[error("could not open {}: the path contains a zero byte", .0.display())]
    Path(PathBuf),
    /// The engine refuses the data folder.
    #[error("could not open a database in {}: it is in use by another process, not writable, or damaged", .0.display())]
    Refused(PathBuf),
}

/// What the engine says when a statement fails, in ClickHouse's own words: `Code: N. DB::Exception: … (NAME)`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// `chdb_connection`: a pointer that only the library looks behind.
type RawConnection = *mut c_void;
type RawResult = *mut c_void;
type RawInsert = *mut c_void;

/// Begins a statement or an insert: connection, statement, format, names and values of parameters, their number.
type Begin = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> *mut c_void;

/// Declares the table of C functions once: the field, the symbol, the signature.
macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $answer:ty)?;)*) => {
        /// The functions of the library that are used here.
        #[derive(Clone, Copy)]
        struct Functions { $($name: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)* }

        impl Functions {
            #[expect(unsafe_code, reason = "symbols of a C library carry no types")]
            fn of(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of the library's header at the pinned version.
                Ok(Self { $($name: *unsafe { library.get($symbol) }?,)* })
            }
        }
    };
}

functions! {
    set_signal_handlers_enabled = c"chdb_set_signal_handlers_enabled": fn(c_int);
    connect = c"chdb_connect": fn(c_int, *mut *mut c_char) -> *mut RawConnection;
    close = c"chdb_close_conn": fn(*mut RawConnection);
    query = c"chdb_query_with_params_n": fn(
        RawConnection, *const c_char, usize, *const c_char, usize,
        *const *const c_char, *const usize, *const *const c_char, *const usize, usize
    ) -> RawResult;
    destroy_result = c"chdb_destroy_query_result": fn(RawResult);
    buffer = c"chdb_result_buffer": fn(RawResult) -> *const u8;
    length = c"chdb_result_length": fn(RawResult) -> usize;
    elapsed = c"chdb_result_elapsed": fn(RawResult) -> c_double;
    result_rows = c"chdb_result_rows_read": fn(RawResult) -> u64;
    result_bytes = c"chdb_result_bytes_read": fn(RawResult) -> u64;
    read_rows = c"chdb_result_storage_rows_read": fn(RawResult) -> u64;
    read_bytes = c"chdb_result_storage_bytes_read": fn(RawResult) -> u64;
    written_rows = c"chdb_result_rows_written": fn(RawResult) -> u64;
    written_bytes = c"chdb_result_bytes_written": fn(RawResult) -> u64;
    error = c"chdb_result_error": fn(RawResult) -> *const c_char;
    insert = c"chdb_stream_insert_with_params_n": fn(
        RawConnection, *const c_char, usize, *const c_char, usize,
        *const *const c_char, *const usize, *const *const c_char, *const usize, usize
    ) -> RawInsert;
    append = c"chdb_stream_append": fn(RawInsert, *const c_void, usize) -> c_int;
    done = c"chdb_stream_done": fn(RawInsert) -> RawResult;
    insert_error = c"chdb_stream_insert_error": fn(RawInsert) -> *const c_char;
    destroy_insert = c"chdb_destroy_insert_stream": fn(RawInsert);
}

/// The engine over one data folder. One process has at most one; connections to it are cheap (below a millisecond).
pub struct Engine {
    functions: Functions,
    arguments: Vec<CString>,
    /// Keeps the engine up while no request is being served: it lives as long as its last connection.
    _first: Connection,
}

impl Engine {
    /// Loads the library and opens the database in `data`, which is made when it is not there.
    ///
    /// The library is never unloaded: its threads outlive every handle.
    ///
    /// # Errors
    ///
    /// When the library cannot be loaded or the engine refuses the folder.
    pub fn open(library: &Path, data: &Path) -> Result<Self, OpenError> {
        let functions = load(library)?;
        let mut path = b"--path=".to_vec();
        path.extend_from_slice(data.as_os_str().as_bytes());
        let path = CString::new(path).map_err(|_| OpenError::Path(data.to_owned()))?;
        let arguments = vec![c"clickhouse".to_owned(), path];
        let first = connect(functions, &arguments).ok_or_else(|| OpenError::Refused(data.to_owned()))?;
        Ok(Self { functions, arguments, _first: first })
    }

    /// Opens another connection. Settings and the current database belong to a connection.
    ///
    /// # Errors
    ///
    /// When the engine refuses; its log says why.
    pub fn connect(&self) -> Result<Connection, EngineError> {
        connect(self.functions, &self.arguments)
            .ok_or_else(|| EngineError("Code: 210. DB::Exception: the engine refused a connection. (NETWORK_ERROR)".to_owned()))
    }
}

#[expect(unsafe_code, reason = "loads a C library and calls into it")]
fn load(path: &Path) -> Result<Functions, OpenError> {
    let unusable = |source| OpenError::Unusable { library: path.to_owned(), source };
    // SAFETY: the file is the library that the set-up installed by its checksum, or one that the operator named.
    let library = unsafe { Library::new(path) }.map_err(unusable)?;
    let functions = Functions::of(&library).map_err(unusable)?;
    // Never unloaded, so that the function pointers stay good for ever.
    std::mem::forget(library);
    // SAFETY: takes a flag only. Before the first connection: the handlers of this process stay its own.
    unsafe { (functions.set_signal_handlers_enabled)(0) };
    Ok(functions)
}

#[expect(unsafe_code, reason = "calls into a C library")]
fn connect(functions: Functions, arguments: &[CString]) -> Option<Connection> {
    let mut pointers: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
    let count = c_int::try_from(pointers.len()).ok()?;
    // SAFETY: `count` strings that live until the call returns; the library reads them only.
    let handle = unsafe { (functions.connect)(count, pointers.as_mut_ptr()) };
    NonNull::new(handle).map(|handle| Connection { functions, handle })
}

/// One connection: one statement at a time.
pub struct Connection {
    functions: Functions,
    handle: NonNull<RawConnection>,
}

#[expect(unsafe_code, reason = "a pointer is not Send by itself")]
// SAFETY: the library ties nothing to a thread; exclusive use is kept by `&mut self` in every call.
unsafe impl Send for Connection {}

#[expect(unsafe_code, reason = "a pointer is not Sync by itself")]
// SAFETY: a shared reference allows no call at all.
unsafe impl Sync for Connection {}

impl Connection {
    /// Runs one statement that carries no data. `format` is that of the answer where the statement names none.
    ///
    /// # Errors
    ///
    /// The engine's own words.
    pub fn query(&mut self, statement: &[u8], format: &str, parameters: &[(String, String)]) -> Result<Answer, EngineError> {
        let result = self.call(self.functions.query, statement, format, parameters);
        Answer::of(self.functions, result)
    }

    /// Inserts `body`, rows in `format`. `statement` is the INSERT without its FORMAT clause and without data.
    ///
    /// # Errors
    ///
    /// The engine's own words. Blocks that the engine completed before the error stay, as they do in a server.
    pub fn insert(
        &mut self,
        statement: &[u8],
        format: &str,
        parameters: &[(String, String)],
        body: &[u8],
    ) -> Result<Answer, EngineError> {
        let handle = self.call(self.functions.insert, statement, format, parameters);
        let mut insert = Insert { functions: self.functions, handle };
        insert.check()?;
        for piece in body.chunks(APPEND_BYTES) {
            insert.append(piece)?;
        }
        insert.done()
    }

    #[expect(unsafe_code, reason = "calls into a C library")]
    fn call(&mut self, begin: Begin, statement: &[u8], format: &str, parameters: &[(String, String)]) -> *mut c_void {
        let parameters = Parameters::of(parameters);
        // SAFETY: the connection is open and used by this call alone; every pointer comes with its length and outlives the call.
        unsafe {
            begin(
                *self.handle.as_ptr(),
                statement.as_ptr().cast(),
                statement.len(),
                format.as_ptr().cast(),
                format.len(),
                parameters.names.as_ptr(),
                parameters.name_lengths.as_ptr(),
                parameters.values.as_ptr(),
                parameters.value_lengths.as_ptr(),
                parameters.names.len(),
            )
        }
    }
}

impl Drop for Connection {
    #[expect(unsafe_code, reason = "calls into a C library")]
    fn drop(&mut self) {
        // SAFETY: opened by `connect`, closed once.
        unsafe { (self.functions.close)(self.handle.as_ptr()) };
    }
}

/// An insert under way. Destroying it before it is done cancels it.
struct Insert {
    functions: Functions,
    handle: RawInsert,
}

impl Insert {
    #[expect(unsafe_code, reason = "calls into a C library")]
    fn check(&self) -> Result<(), EngineError> {
        // SAFETY: the handle is live; the text, if any, lives as long as the handle and is copied at once.
        match unsafe { text(self.functions.insert_error, self.handle) } {
            Some(error) => Err(EngineError(error)),
            None => Ok(()),
        }
    }

    #[expect(unsafe_code, reason = "calls into a C library")]
    fn append(&mut self, piece: &[u8]) -> Result<(), EngineError> {
        // SAFETY: the handle is live; the library copies the bytes.
        if unsafe { (self.functions.append)(self.handle, piece.as_ptr().cast(), piece.len()) } == 0 {
            return Ok(());
        }
        self.check()?;
        Err(EngineError("Code: 33. DB::Exception: the engine refused the rest of the data. (CANNOT_READ_ALL_DATA)".to_owned()))
    }

    #[expect(unsafe_code, reason = "calls into a C library")]
    fn done(self) -> Result<Answer, EngineError> {
        // SAFETY: the handle is live and not used again, but for its destruction.
        let result = unsafe { (self.functions.done)(self.handle) };
        Answer::of(self.functions, result)
    }
}

impl Drop for Insert {
    #[expect(unsafe_code, reason = "calls into a C library")]
    fn drop(&mut self) {
        // SAFETY: made by the library, destroyed once; required on every path.
        unsafe { (self.functions.destroy_insert)(self.handle) };
    }
}

/// What a statement returned: its bytes, and what it cost. The bytes stay where the library put them.
pub struct Answer {
    functions: Functions,
    result: NonNull<c_void>,
    /// Seconds that the statement took.
    pub elapsed_seconds: f64,
    /// Rows and bytes of the answer.
    pub result_size: (u64, u64),
    /// Rows and bytes read from tables.
    pub read: (u64, u64),
    /// Rows and bytes written, those of materialised views included.
    pub written: (u64, u64),
}

#[expect(unsafe_code, reason = "a pointer is not Send by itself")]
// SAFETY: an answer is a finished buffer; nothing writes to it and nothing ties it to a thread.
unsafe impl Send for Answer {}

impl Answer {
    #[expect(unsafe_code, reason = "calls into a C library")]
    fn of(functions: Functions, result: RawResult) -> Result<Self, EngineError> {
        let Some(handle) = NonNull::new(result) else {
            return Err(EngineError("Code: 49. DB::Exception: the engine returned nothing. (LOGICAL_ERROR)".to_owned()));
        };
        // SAFETY: the handle is live until `drop`; these calls read numbers from it.
        let answer = unsafe {
            Self {
                functions,
                result: handle,
                elapsed_seconds: (functions.elapsed)(result),
                result_size: ((functions.result_rows)(result), (functions.result_bytes)(result)),
                read: ((functions.read_rows)(result), (functions.read_bytes)(result)),
                written: ((functions.written_rows)(result), (functions.written_bytes)(result)),
            }
        };
        // SAFETY: as above; the text lives as long as the result and is copied at once.
        match unsafe { text(functions.error, result) } {
            Some(error) => Err(EngineError(error)),
            None => Ok(answer),
        }
    }
}

impl AsRef<[u8]> for Answer {
    #[expect(unsafe_code, reason = "reads a buffer of a C library")]
    fn as_ref(&self) -> &[u8] {
        let result = self.result.as_ptr();
        // SAFETY: the result is live and nothing changes it any more; buffer and length belong together.
        unsafe {
            let buffer = (self.functions.buffer)(result);
            if buffer.is_null() { &[] } else { slice::from_raw_parts(buffer, (self.functions.length)(result)) }
        }
    }
}

impl Drop for Answer {
    #[expect(unsafe_code, reason = "calls into a C library")]
    fn drop(&mut self) {
        // SAFETY: made by the library, destroyed once.
        unsafe { (self.functions.destroy_result)(self.result.as_ptr()) };
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("bytes", &self.as_ref().len()).finish_non_exhaustive()
    }
}

/// Copies the C string that `get` returns, if it returns one.
///
/// # Safety
///
/// `handle` is what `get` wants, and alive; the string is not changed meanwhile.
#[expect(unsafe_code, reason = "reads a string of a C library")]
unsafe fn text(get: unsafe extern "C" fn(*mut c_void) -> *const c_char, handle: *mut c_void) -> Option<String> {
    // SAFETY: the caller's promise.
    let error = unsafe { get(handle) };
    if error.is_null() {
        return None;
    }
    // SAFETY: not null, ends with a zero byte.
    Some(unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned())
}

/// Named parameters in the shape that C takes: four arrays side by side.
struct Parameters {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl Parameters {
    fn of(pairs: &[(String, String)]) -> Self {
        Self {
            names: pairs.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lengths: pairs.iter().map(|(name, _)| name.len()).collect(),
            values: pairs.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lengths: pairs.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}
