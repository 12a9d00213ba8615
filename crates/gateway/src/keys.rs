//! Key files: the seed of an ed25519 key as 64 hexadecimal digits, readable by its owner only.
//!
//! They never lie in a data folder: data are deleted and restored, keys are neither.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use crypto::keys::SecretKey;

use crate::Fault;

/// Nobody but the owner may read or write.
const MODE: u32 = 0o600;

/// Reads the key in the file at `path`.
///
/// # Errors
/// [`Fault::Key`]: it cannot be read; others may read it; it holds no seed.
pub fn read(path: &Path) -> Result<SecretKey, Fault> {
    let fault = |why: String| Fault::Key { path: path.into(), why };
    let mode = fs::metadata(path).map_err(|error| fault(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(fault(format!("others may read it (mode {mode:03o}); chmod 600 it")));
    }
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim_end(), &mut seed)
        .map_err(|_| fault("it does not hold 64 hexadecimal digits".into()))?;
    Ok(SecretKey::from_seed(seed))
}

/// Reads the key in the file at `path`; makes a new one if there is no file.
///
/// # Errors
/// [`Fault::Key`]: as [`read`]; it cannot be written.
pub fn read_or_create(path: &Path) -> Result<SecretKey, Fault> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(Fault::Key { path: path.into(), why: error.to_string() }),
        Ok(seed) => Ok(SecretKey::from_seed(seed)),
    }
}

/// Writes a new seed beside `path` and links it there, so that the file is whole or absent, and
/// an existing one is never overwritten.
fn create(path: &Path) -> io::Result<[u8; 32]> {
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&partial)?;
    file.write_all(format!("{}\n", hex::encode(seed)).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&partial, path);
    fs::remove_file(&partial)?;
    linked.map(|()| seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder =
            std::env::temp_dir().join(format!("furikae-keys-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = folder("once");
        let path = folder.join("a.key");
        let made = read_or_create(&path).unwrap();
        let again = read_or_create(&path).unwrap();
        assert_eq!(made.public(), again.public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_ne!(made.public(), read_or_create(&folder.join("b.key")).unwrap().public());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left beside the keys");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = folder("open");
        let path = folder.join("a.key");
        read_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).err().unwrap().to_string();
        assert!(error.contains("others may read it (mode 640)"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_a_seed_is_refused_and_not_overwritten() {
        let folder = folder("damaged");
        let path = folder.join("a.key");
        read_or_create(&path).unwrap();
        for damaged in ["", "12", &"g".repeat(64), &"1".repeat(66)] {
            fs::write(&path, damaged).unwrap();
            assert!(read_or_create(&path).is_err(), "{damaged:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
