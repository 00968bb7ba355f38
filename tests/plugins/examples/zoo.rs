//! A plugin that misbehaves as no panic does: each line of a transcript names one misdeed.
//!
//! ```json
//! {"zoo":"abort"}
//! {"zoo":"read_file","path":"/etc/passwd"}
//! ```
//!
//! A session that is over without harm gives a row. The variable `ZOO` lets it misbehave while it is loaded: `library:abort`
//! aborts in a constructor of the library.

#![allow(
    unsafe_code,
    clippy::panic,
    clippy::undocumented_unsafe_blocks,
    reason = "what it is for: most of it is unsound"
)]

use std::{
    env,
    ffi::CString,
    fs,
    hint::{black_box, spin_loop},
    io::{self, Write as _},
    net::TcpListener,
    panic,
    path::{Path, PathBuf},
    process::{self, Command},
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
    thread,
    time::Duration,
};

use serde::Deserialize;
use session_host_test_plugins::session_plugin_api::{self, prelude::*};

/// One misdeed.
#[derive(Debug, Deserialize)]
#[serde(tag = "zoo", rename_all = "snake_case")]
enum Deed {
    /// Does nothing.
    Nothing,
    /// Writes where nothing is mapped.
    NullWrite,
    /// Aborts.
    Abort,
    /// Calls itself for ever.
    StackOverflow,
    /// Panics while a panic unwinds.
    DoublePanic,
    /// Panics in the hook of a panic.
    PanicInHook,
    /// Ends the thread that the host calls on.
    PthreadExit,
    /// Ends the process with this status.
    Exit { status: i32 },
    /// The same, past the handlers of `exit`.
    QuickExit,
    /// The same, past every handler.
    UnderscoreExit,
    /// Ends the process by a signal that nothing catches.
    KillItself,
    /// Never returns, and uses a processor.
    Spin,
    /// Never returns, and uses none.
    Park,
    /// Takes memory for ever.
    Allocate,
    /// Closes the descriptors that it did not open.
    CloseDescriptors,
    /// The same, and never returns.
    CloseDescriptorsAndPark,
    /// Writes nonsense to them.
    WriteToDescriptors,
    /// Writes nonsense to them that announces much more.
    AnnounceMuch,
    /// Leaves a process behind.
    ForkAndStay,
    /// Leaves a process behind, and ends its own.
    ForkAndExit,
    /// Lets the process open no further file, and start no further thread.
    LimitDescriptors,
    /// Lets the process write no file.
    LimitFileSize,
    /// Changes what the whole process shares: its folder, its permissions, its language, its variables.
    ChangeSurroundings,
    /// Leaves a thread behind.
    LeaveThread,
    /// Leaves a thread behind that aborts once a file is there.
    LeaveThreadThatAborts { path: PathBuf },
    /// Writes much to stdout and stderr.
    Flood,
    /// Reads a file.
    ReadFile { path: PathBuf },
    /// Reads a file in the handler of a signal, on whatever thread handles it.
    ReadFileInHandler { path: PathBuf },
    /// Reads the host's variables.
    ReadHost,
    /// Starts a program.
    Execute,
    /// Listens on a port.
    Listen,
    /// Signals the host, or changes its limits, by any call that can.
    ReachHost,
}

impl Deed {
    fn commit(&self) -> Result<()> {
        match self {
            Self::Nothing => {}
            Self::NullWrite => write_nowhere(),
            Self::Abort => process::abort(),
            Self::StackOverflow => drop(black_box(descend(1))),
            Self::DoublePanic => {
                let _panics = PanicsInDrop;
                panic!("the first panic");
            }
            Self::PanicInHook => {
                panic::set_hook(Box::new(|_| panic!("a panic in the hook")));
                panic!("a panic");
            }
            Self::PthreadExit => unsafe { libc::pthread_exit(ptr::null_mut()) },
            Self::Exit { status } => process::exit(*status),
            Self::QuickExit => quick_exit(),
            Self::UnderscoreExit => unsafe { libc::_exit(0) },
            Self::KillItself => drop(unsafe { libc::raise(libc::SIGKILL) }),
            Self::Spin => spin(),
            Self::Park => park(),
            Self::Allocate => allocate(),
            Self::CloseDescriptors => close_descriptors(),
            Self::CloseDescriptorsAndPark => {
                close_descriptors();
                park();
            }
            Self::WriteToDescriptors => write_to_descriptors(0),
            Self::AnnounceMuch => write_to_descriptors(b'x'),
            Self::ForkAndStay => fork(),
            Self::ForkAndExit => {
                fork();
                unsafe { libc::_exit(0) };
            }
            Self::LimitDescriptors => {
                limit(libc::RLIMIT_NOFILE);
                limit(libc::RLIMIT_NPROC);
            }
            Self::LimitFileSize => limit(libc::RLIMIT_FSIZE),
            Self::ChangeSurroundings => change_surroundings()?,
            Self::LeaveThread => drop(thread::spawn(|| {
                park();
            })),
            Self::LeaveThreadThatAborts { path } => abort_later(path.clone()),
            Self::Flood => flood()?,
            Self::ReadFile { path } => drop(fs::read(path)?),
            Self::ReadFileInHandler { path } => read_in_handler(path)?,
            Self::ReadHost => drop(fs::read(format!("/proc/{}/environ", unsafe { libc::getppid() }))?),
            Self::Execute => drop(Command::new("/bin/true").status()?),
            Self::Listen => drop(TcpListener::bind("127.0.0.1:0")?),
            Self::ReachHost => reach_host()?,
        }
        Ok(())
    }
}

fn write_nowhere() {
    // Not null itself, which some builds of Rust check for.
    let nowhere = black_box(ptr::without_provenance_mut::<u8>(8));
    unsafe { nowhere.write_volatile(0) };
}

fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 128]);
    match black_box(depth) {
        0 => 0,
        depth => descend(depth + 1) + frame[127],
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the second panic");
    }
}

fn quick_exit() -> ! {
    #[cfg(target_os = "linux")]
    {
        unsafe extern "C" {
            fn quick_exit(status: libc::c_int) -> !;
        }
        unsafe { quick_exit(0) }
    }
    #[cfg(not(target_os = "linux"))]
    unsafe {
        libc::_exit(0)
    }
}

fn spin() -> ! {
    loop {
        spin_loop();
    }
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

fn allocate() -> ! {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; 1 << 20]));
    }
}

const DESCRIPTORS: std::ops::Range<i32> = 3..64;

fn close_descriptors() {
    for descriptor in DESCRIPTORS {
        unsafe { libc::close(descriptor) };
    }
}

fn write_to_descriptors(byte: u8) {
    let nonsense = [byte; 64];
    for descriptor in DESCRIPTORS {
        unsafe { libc::write(descriptor, nonsense.as_ptr().cast(), nonsense.len()) };
    }
}

fn fork() {
    if unsafe { libc::fork() } == 0 {
        loop {
            unsafe { libc::pause() };
        }
    }
}

#[cfg(target_os = "linux")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_os = "linux"))]
type Resource = libc::c_int;

fn limit(resource: Resource) {
    let nothing = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    unsafe { libc::setrlimit(resource, &raw const nothing) };
}

fn change_surroundings() -> Result<()> {
    env::set_current_dir("/")?;
    unsafe {
        libc::umask(0o777);
        libc::setlocale(libc::LC_ALL, c"tr_TR.UTF-8".as_ptr());
        env::set_var("TZ", "Pacific/Apia");
        env::remove_var("PATH");
    }
    Ok(())
}

fn abort_later(path: PathBuf) {
    thread::spawn(move || {
        wait_for(&path);
        process::abort();
    });
}

fn wait_for(path: &Path) {
    while !path.exists() {
        thread::sleep(Duration::from_millis(2));
    }
}

fn flood() -> Result<()> {
    let lines = "a line that nobody wants to read\n".repeat(10_000);
    let line = "x".repeat(1 << 20);
    for _ in 0..30 {
        io::stdout().write_all(lines.as_bytes())?;
        io::stderr().write_all(line.as_bytes())?;
    }
    Ok(())
}

static HANDLED: AtomicI32 = AtomicI32::new(-1);
static PATH: OnceLock<CString> = std::sync::OnceLock::new();

extern "C" fn handle(_: libc::c_int) {
    let Some(path) = PATH.get() else { return };
    let opened = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    HANDLED.store(if opened < 0 { libc::EACCES } else { 0 }, Ordering::SeqCst);
}

fn read_in_handler(path: &Path) -> Result<()> {
    let path = CString::new(path.to_string_lossy().into_owned())?;
    PATH.get_or_init(|| path);
    unsafe {
        libc::signal(libc::SIGUSR1, handle as *const () as libc::sighandler_t);
        libc::kill(libc::getpid(), libc::SIGUSR1);
    }
    loop {
        match HANDLED.load(Ordering::SeqCst) {
            -1 => thread::sleep(Duration::from_millis(2)),
            0 => return Ok(()),
            error => return Err(io::Error::from_raw_os_error(error).into()),
        }
    }
}

/// Signals the host with nothing, which takes the same permission as any signal.
fn reach_host() -> Result<()> {
    const NOTHING: libc::c_int = 0;
    let host = unsafe { libc::getppid() };
    let mut reached = unsafe { libc::kill(host, NOTHING) } == 0;
    #[cfg(target_os = "linux")]
    unsafe {
        let mut limit = std::mem::zeroed();
        reached |= libc::syscall(libc::SYS_tkill, host, NOTHING) == 0;
        reached |= libc::prlimit(host, libc::RLIMIT_CORE, ptr::null(), &raw mut limit) == 0;
    }
    match reached {
        true => Ok(()),
        false => Err(io::Error::last_os_error().into()),
    }
}

/// Misbehaves where the variable `ZOO` tells it to.
fn misbehave(place: &str) {
    let zoo = env::var("ZOO").unwrap_or_default();
    let Some((_, deed)) = zoo.split_once(':').filter(|(named, _)| *named == place) else {
        return;
    };
    match deed {
        "abort" => process::abort(),
        "exit" => process::exit(0),
        "hang" => park(),
        "null_write" => write_nowhere(),
        "write_file" => {
            // One that cannot be written is what the test looks for.
            let _ = fs::write(env::var_os("ZOO_FILE").unwrap_or_default(), "");
        }
        _ => {}
    }
}

#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static CONSTRUCTOR: extern "C" fn() = construct;

extern "C" fn construct() {
    misbehave("library");
}

struct Zoo;

impl Default for Zoo {
    fn default() -> Self {
        misbehave("constructor");
        Self
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        misbehave("drop");
    }
}

row! {
    struct ZooRow<'a> {
        username: &'a str,
        deed: &'a str,
    }
}

impl SessionProcessor for Zoo {
    fn descriptor(&self) -> Descriptor {
        misbehave("descriptor");
        Descriptor::new("zoo").session_table("zoo_rows")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE zoo_rows (session_file VARCHAR, username VARCHAR, deed VARCHAR)";
        vec![Migration::new(1, "create the table", sql)]
    }

    fn configure(&mut self, _: &Configuration) -> Result<()> {
        misbehave("configuration");
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let mut deeds = Vec::new();
        for deed in session.events_as::<Deed>().flatten() {
            deed.commit()?;
            deeds.push(format!("{deed:?}"));
        }
        let rows = deeds.iter().map(|deed| ZooRow {
            username: session.username(),
            deed,
        });
        connection.replace("zoo_rows", rows)?;
        Ok(ProcessorResult {
            items_count: deeds.len() as u64,
        })
    }
}

session_plugin_api::export_processor!(Zoo);
