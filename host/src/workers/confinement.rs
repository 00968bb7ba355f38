//! Confines workers on Linux: Landlock limits the files, and seccomp the system calls.
//!
//! A confined worker starts no programs, gains no privileges, signals no other process, opens only the files that it was
//! given, and opens no socket unless its processor may use the network.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a worker is confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The files and folders that the plugin may read, beside the system's.
    pub readable: Vec<PathBuf>,
    /// Whether it may use the network.
    pub network: Network,
}

impl Confinement {
    /// A confinement that allows what either allows.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.readable.extend(other.readable);
        if other.network == Network::Allowed {
            self.network = Network::Allowed;
        }
        self
    }
}

/// Whether a processor may use the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// It may open no socket.
    #[default]
    Denied,
    /// It may open sockets.
    Allowed,
}

/// Why a worker cannot be confined.
#[derive(Debug, thiserror::Error)]
#[error("cannot confine the worker process: {0}; set `confine = false` in [isolation] to run it unconfined")]
pub struct NotConfined(String);

/// Confines this thread, and all that it starts, for ever.
///
/// # Errors
/// When the kernel cannot.
#[cfg(target_os = "linux")]
pub fn confine(confinement: &Confinement) -> Result<(), NotConfined> {
    linux::restrict_files(&confinement.readable).map_err(NotConfined)?;
    linux::restrict_calls(confinement.network).map_err(NotConfined)
}

/// Confines this thread, and all that it starts, for ever.
///
/// # Errors
/// Always: this system has no such thing.
#[cfg(not(target_os = "linux"))]
pub fn confine(_: &Confinement) -> Result<(), NotConfined> {
    Err(NotConfined("this system has neither Landlock nor seccomp".to_owned()))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        collections::BTreeMap,
        env::consts::ARCH,
        path::{Path, PathBuf},
    };

    use landlock::{
        ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetStatus,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    use super::Network;

    /// Files that programs need to run: libraries, time zones, certificates, names of hosts and users.
    const SYSTEM: [&str; 8] = [
        "/usr",
        "/lib",
        "/lib64",
        "/etc",
        "/opt",
        "/proc/self",
        "/proc/cpuinfo",
        "/sys/devices/system/cpu",
    ];

    /// Devices that hold no data of anyone.
    const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

    pub(super) fn restrict_files(readable: &[PathBuf]) -> Result<(), String> {
        let abi = ABI::V3;
        let (read, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)
            .and_then(Ruleset::create);
        let mut ruleset = ruleset.map_err(|error| error.to_string())?;
        let system = SYSTEM.iter().map(Path::new);
        for path in system.chain(readable.iter().map(PathBuf::as_path)) {
            ruleset = allow(ruleset, path, read)?;
        }
        for path in DEVICES.iter().map(Path::new) {
            ruleset = allow(ruleset, path, AccessFs::ReadFile | AccessFs::WriteFile)?;
        }
        let status = ruleset.restrict_self().map_err(|error| error.to_string())?;
        match status.ruleset {
            RulesetStatus::NotEnforced => Err("this kernel has no Landlock".to_owned()),
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        }
    }

    /// Allows access to what lies at a path; nothing if nothing lies there.
    fn allow(
        ruleset: landlock::RulesetCreated,
        path: &Path,
        access: BitFlags<AccessFs>,
    ) -> Result<landlock::RulesetCreated, String> {
        let Ok(opened) = PathFd::new(path) else {
            return Ok(ruleset);
        };
        let access = match path.is_dir() {
            true => access,
            false => access & AccessFs::from_file(ABI::V3),
        };
        ruleset
            .add_rule(PathBeneath::new(opened, access))
            .map_err(|error| error.to_string())
    }

    pub(super) fn restrict_calls(network: Network) -> Result<(), String> {
        let mut denied: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        let always = [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_send_signal,
            libc::SYS_pidfd_getfd,
            // Its argument is a thread, which tells nothing of its process.
            libc::SYS_tkill,
            // Its operations are no system calls, so nothing else here would see them.
            libc::SYS_io_uring_setup,
        ];
        denied.extend(always.map(|call| (call, Vec::new())));
        if network == Network::Denied {
            denied.insert(libc::SYS_socket, Vec::new());
        }
        // The limits of another process can end it too.
        for call in [
            libc::SYS_kill,
            libc::SYS_tgkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_prlimit64,
        ] {
            denied.insert(call, vec![of_another_process().map_err(|error| error.to_string())?]);
        }
        let architecture = ARCH
            .try_into()
            .map_err(|error: seccompiler::BackendError| error.to_string())?;
        let refusal = SeccompAction::Errno(libc::EACCES as u32);
        let filter = SeccompFilter::new(denied, SeccompAction::Allow, refusal, architecture);
        let program: Result<BpfProgram, _> = filter.and_then(TryInto::try_into);
        let program = program.map_err(|error| error.to_string())?;
        seccompiler::apply_filter(&program).map_err(|error| error.to_string())
    }

    /// A call whose first argument is neither this process nor 0: for signals its group, for limits itself.
    fn of_another_process() -> Result<SeccompRule, seccompiler::BackendError> {
        let own = u64::from(std::process::id());
        let is_not = |process| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, process);
        SeccompRule::new(vec![is_not(own)?, is_not(0)?])
    }
}
