//! For tests: databases of both engines, each in a folder of its own. PostgreSQL is a real server.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use ledger::{
    Genesis,
    governance::{GenesisParty, Party, Roles},
};
use types::{BusinessDate, LedgerTime, Lei, PartyId, Text};

/// A market that has begun, with one party, 3, that may do everything.
pub fn genesis() -> Genesis {
    let lei = Lei::parse("5493001KJTIIGC8Y1R12").unwrap();
    let name = Text::new("someone").unwrap();
    let row = Party { lei, name, roles: Roles::ADMINISTRATOR, suspended: false };
    let key = crypto::keys::SecretKey::from_seed([1; 32]).public();
    Genesis {
        name: Text::new("market").unwrap(),
        time: LedgerTime(1_000),
        date: BusinessDate(20_000),
        epoch_blocks: 10,
        leader: 0,
        parties: vec![GenesisParty { party: PartyId(3), row, key }],
        validators: Vec::new(),
        parameters: Vec::new(),
    }
}

/// A folder that is deleted when this is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new folder. Its path is short: a socket's has room for a hundred bytes.
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("furikae-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The URL of a SQLite database in it.
    pub fn sqlite(&self, name: &str) -> String {
        format!("sqlite:{}", self.0.join(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A PostgreSQL server of this test alone, behind a socket in its folder.
pub struct Postgres {
    folder: Folder,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Panics
    /// When PostgreSQL is not installed: Debian's package is `postgresql`.
    pub fn start() -> Self {
        let folder = Folder::new();
        let data = folder.0.join("cluster");
        if rustix::process::geteuid().is_root() {
            // It refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(&folder.0));
        }
        run(tool("initdb").args(["-A", "trust", "-U", "furikae", "--no-sync", "-D"]).arg(&data));
        let options = format!("-k {} -c listen_addresses=''", folder.0.display());
        let log = folder.0.join("log");
        let mut start = tool("pg_ctl");
        start.arg("start").arg("-w").arg("-D").arg(&data).arg("-l").arg(log).arg("-o").arg(options);
        run(&mut start);
        Self { folder }
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        let socket = self.folder.0.display().to_string().replace('/', "%2F");
        format!("postgres://furikae@{socket}/postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = tool("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-D"]).arg(self.folder.0.join("cluster"));
        let _ = stop.stdout(Stdio::null()).status();
    }
}

/// One of PostgreSQL's programs, run by its own user if we are root.
fn tool(name: &str) -> Command {
    let found = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = found.map(|it| it.path().join("bin").join(name)).find(|it| it.exists());
    let path = found.unwrap_or_else(|| Path::new(name).into());
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(path);
        command
    } else {
        Command::new(path)
    }
}

fn run(command: &mut Command) {
    let done = command.stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let done =
        done.unwrap_or_else(|why| panic!("{command:?}: {why}; Debian's package postgresql has it"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
