//! A shim between a process and its files: it writes down each change below one folder, in order, and does it.
//!
//! Built as a library of its own by the test beside it and loaded before the C library (`LD_PRELOAD`), so that the store
//! and SQLite inside it run unchanged. The test reads what was written down and makes from it what a power cut may leave.
//! `BONGSU_POWER_FOLDER` names the folder (without links in its path), `BONGSU_POWER_TRACE` the file that is written.
//!
//! A change is one record: a letter, then path, second path and bytes, each after its length in eight bytes, then a number
//! in eight bytes; all numbers little-endian. What is changed by another call than those below goes unseen: the test finds
//! that, because the folder at the end is then not what the records lead to.
#![deny(unsafe_op_in_unsafe_fn)]

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

type Size = usize;
type Offset = i64;

const O_CREAT: c_int = 0o100;
const O_TRUNC: c_int = 0o1000;
const O_APPEND: c_int = 0o2000;
const O_WRONLY: c_int = 1;
const AT_FDCWD: c_int = -100;
const AT_REMOVEDIR: c_int = 0x200;
const SEEK_CUR: c_int = 1;
const SEEK_END: c_int = 2;
const F_GETFL: c_int = 3;
/// `RTLD_NEXT`: the function of that name behind this library.
const NEXT: *mut c_void = -1_isize as *mut c_void;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn readlink(path: *const c_char, into: *mut c_char, size: Size) -> isize;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn getenv(name: *const c_char) -> *const c_char;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn lseek(fd: c_int, offset: Offset, whence: c_int) -> Offset;
    fn syscall(number: c_long, ...) -> c_long;
}

#[cfg(target_arch = "x86_64")]
const SYS_WRITE: c_long = 1;
#[cfg(target_arch = "aarch64")]
const SYS_WRITE: c_long = 64;

/// One change and its call are one step, whatever thread does it.
static ORDER: Mutex<()> = Mutex::new(());

struct Place {
    folder: Vec<u8>,
    trace: c_int,
}

fn place() -> &'static Option<Place> {
    static PLACE: OnceLock<Option<Place>> = OnceLock::new();
    PLACE.get_or_init(|| {
        // SAFETY: the names end with a zero; what `getenv` gives lives as long as the process, which sets no variable.
        let of = |name: &CStr| unsafe {
            let text = getenv(name.as_ptr());
            (!text.is_null()).then(|| CStr::from_ptr(text))
        };
        let trace = of(c"BONGSU_POWER_TRACE")?;
        // SAFETY: the path ends with a zero.
        let trace = unsafe { next_open()(trace.as_ptr(), O_CREAT | O_APPEND | O_WRONLY, 0o600) };
        Some(Place { folder: of(c"BONGSU_POWER_FOLDER")?.to_bytes().to_vec(), trace })
    })
}

/// The path below the folder; `None` when it lies elsewhere.
fn below(path: &[u8]) -> Option<&[u8]> {
    path.strip_prefix(place().as_ref()?.folder.as_slice())?.strip_prefix(b"/".as_slice())
}

/// The path of an open file, as the kernel has it now.
fn path_of(fd: c_int) -> Option<Vec<u8>> {
    let link = format!("/proc/self/fd/{fd}\0");
    let mut path = vec![0_u8; 4096];
    // SAFETY: the link ends with a zero and the buffer has the size that is said.
    let length = unsafe { readlink(link.as_ptr().cast(), path.as_mut_ptr().cast(), path.len()) };
    path.truncate(usize::try_from(length).ok()?);
    Some(path)
}

fn note(letter: u8, path: &[u8], second: &[u8], bytes: &[u8], number: u64) {
    let Some(place) = place() else { return };
    let mut record = vec![letter];
    for part in [path, second, bytes] {
        record.extend_from_slice(&(part.len() as u64).to_le_bytes());
        record.extend_from_slice(part);
    }
    record.extend_from_slice(&number.to_le_bytes());
    let mut rest = record.as_slice();
    while !rest.is_empty() {
        // SAFETY: the bytes are there. Not `write`, which is this library's own.
        let written = unsafe { syscall(SYS_WRITE, place.trace, rest.as_ptr(), rest.len()) };
        let Ok(written) = usize::try_from(written) else { std::process::abort() };
        rest = &rest[written..];
    }
}

/// Does a call; when it succeeded and is of the folder, writes it down.
fn step<T>(call: impl FnOnce() -> T, record: impl FnOnce(&T)) -> T {
    let guard = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    let result = call();
    if place().is_some() {
        record(&result);
    }
    drop(guard);
    result
}

macro_rules! next {
    ($name:ident: $symbol:literal, fn($($argument:ty),*) -> $result:ty) => {
        fn $name() -> unsafe extern "C" fn($($argument),*) -> $result {
            static FOUND: OnceLock<usize> = OnceLock::new();
            // SAFETY: the name ends with a zero.
            let found = *FOUND.get_or_init(|| unsafe { dlsym(NEXT, $symbol.as_ptr()) } as usize);
            if found == 0 {
                std::process::abort();
            }
            // SAFETY: the C library's function of this name has this signature.
            unsafe { std::mem::transmute::<usize, unsafe extern "C" fn($($argument),*) -> $result>(found) }
        }
    };
}

next!(next_open: c"open64", fn(*const c_char, c_int, c_uint) -> c_int);
next!(next_write: c"write", fn(c_int, *const c_void, Size) -> isize);
next!(next_pwrite: c"pwrite64", fn(c_int, *const c_void, Size, Offset) -> isize);
next!(next_ftruncate: c"ftruncate64", fn(c_int, Offset) -> c_int);
next!(next_fsync: c"fsync", fn(c_int) -> c_int);
next!(next_fdatasync: c"fdatasync", fn(c_int) -> c_int);
next!(next_rename: c"rename", fn(*const c_char, *const c_char) -> c_int);
next!(next_unlink: c"unlink", fn(*const c_char) -> c_int);
next!(next_unlinkat: c"unlinkat", fn(c_int, *const c_char, c_int) -> c_int);
next!(next_mkdir: c"mkdir", fn(*const c_char, c_uint) -> c_int);
next!(next_rmdir: c"rmdir", fn(*const c_char) -> c_int);

/// # Safety
/// `path` ends with a zero.
unsafe fn bytes_of<'a>(path: *const c_char) -> &'a [u8] {
    // SAFETY: the caller of the C function promises it.
    unsafe { CStr::from_ptr(path) }.to_bytes()
}

/// # Safety
/// As `open(2)`. The mode is read also where the caller gave none: the calling conventions of Linux allow it.
unsafe fn open_noted(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: the path ends with a zero.
    let there = flags & O_CREAT == 0 || unsafe { access(path, 0) } == 0;
    step(
        // SAFETY: the arguments are the caller's.
        || unsafe { next_open()(path, flags, mode) },
        |fd| {
            let Some(open) = (*fd >= 0).then(|| path_of(*fd)).flatten() else { return };
            let Some(name) = below(&open) else { return };
            if !there {
                note(b'c', name, &[], &[], 0);
            } else if flags & O_TRUNC != 0 {
                note(b't', name, &[], &[], 0);
            }
        },
    )
}

/// # Safety
/// As `open(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: as the caller's.
    unsafe { open_noted(path, flags, mode) }
}

/// # Safety
/// As `open(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: as the caller's.
    unsafe { open_noted(path, flags, mode) }
}

/// Writes down that `bytes` came to `offset`; `None`: where the file stood, which is behind them now.
///
/// # Safety
/// `from` has at least `written` bytes.
unsafe fn note_write(fd: c_int, from: *const c_void, written: isize, offset: Option<Offset>) {
    let Some(length) = usize::try_from(written).ok().filter(|length| *length > 0) else { return };
    let Some(open) = path_of(fd) else { return };
    let Some(name) = below(&open) else { return };
    // SAFETY: the call wrote so many bytes from there.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
    // SAFETY: asks only.
    let end = || unsafe {
        let whence = if fcntl(fd, F_GETFL) & O_APPEND != 0 { SEEK_END } else { SEEK_CUR };
        lseek(fd, 0, whence) - written as Offset
    };
    note(b'w', name, &[], bytes, offset.unwrap_or_else(end).unsigned_abs());
}

/// # Safety
/// As `write(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, from: *const c_void, size: Size) -> isize {
    // SAFETY: the arguments are the caller's, and so many bytes were written as the call says.
    unsafe { step(|| next_write()(fd, from, size), |written| note_write(fd, from, *written, None)) }
}

/// # Safety
/// As `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, from: *const c_void, size: Size, offset: Offset) -> isize {
    // SAFETY: as in `write`.
    unsafe { step(|| next_pwrite()(fd, from, size, offset), |written| note_write(fd, from, *written, Some(offset))) }
}

/// # Safety
/// As `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, from: *const c_void, size: Size, offset: Offset) -> isize {
    // SAFETY: as the caller's.
    unsafe { pwrite64(fd, from, size, offset) }
}

fn note_file(letter: u8, fd: c_int, number: u64) {
    let Some(open) = path_of(fd) else { return };
    let Some(place) = place() else { return };
    if open == place.folder {
        note(letter, &[], &[], &[], number);
    } else if let Some(name) = below(&open) {
        note(letter, name, &[], &[], number);
    }
}

/// # Safety
/// As `ftruncate(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, length: Offset) -> c_int {
    step(
        // SAFETY: the arguments are the caller's.
        || unsafe { next_ftruncate()(fd, length) },
        |result| {
            if *result == 0 {
                note_file(b't', fd, length.unsigned_abs());
            }
        },
    )
}

/// # Safety
/// As `ftruncate(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, length: Offset) -> c_int {
    // SAFETY: as the caller's.
    unsafe { ftruncate64(fd, length) }
}

/// # Safety
/// As `fsync(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: the argument is the caller's.
    step(|| unsafe { next_fsync()(fd) }, |_| note_file(b's', fd, 0))
}

/// # Safety
/// As `fdatasync(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: the argument is the caller's.
    step(|| unsafe { next_fdatasync()(fd) }, |_| note_file(b's', fd, 0))
}

/// # Safety
/// As `rename(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    step(
        // SAFETY: the arguments are the caller's.
        || unsafe { next_rename()(from, to) },
        |result| {
            // SAFETY: both end with a zero.
            let (from, to) = unsafe { (bytes_of(from), bytes_of(to)) };
            if let (0, Some(from), Some(to)) = (*result, below(from), below(to)) {
                note(b'r', from, to, &[], 0);
            }
        },
    )
}

fn note_gone(result: c_int, letter: u8, path: &[u8]) {
    if let (0, Some(name)) = (result, below(path)) {
        note(letter, name, &[], &[], 0);
    }
}

/// # Safety
/// As `unlink(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the path is the caller's and ends with a zero.
    unsafe { step(|| next_unlink()(path), |result| note_gone(*result, b'u', bytes_of(path))) }
}

/// # Safety
/// As `unlinkat(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    step(
        // SAFETY: the arguments are the caller's.
        || unsafe { next_unlinkat()(folder, path, flags) },
        |result| {
            // SAFETY: the path ends with a zero.
            let mut whole = unsafe { bytes_of(path) }.to_vec();
            if folder != AT_FDCWD && !whole.starts_with(b"/") {
                whole = [path_of(folder).unwrap_or_default(), whole].join(&b'/');
            }
            note_gone(*result, if flags & AT_REMOVEDIR == 0 { b'u' } else { b'd' }, &whole);
        },
    )
}

/// # Safety
/// As `mkdir(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: c_uint) -> c_int {
    // SAFETY: the path is the caller's and ends with a zero.
    unsafe { step(|| next_mkdir()(path, mode), |result| note_gone(*result, b'm', bytes_of(path))) }
}

/// # Safety
/// As `rmdir(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: the path is the caller's and ends with a zero.
    unsafe { step(|| next_rmdir()(path), |result| note_gone(*result, b'd', bytes_of(path))) }
}
