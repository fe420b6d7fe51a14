//! The database file and those beside it: where they are, and who may read them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::open_files::OpenFile;

/// Returns the path with `suffix` after the file's name, as SQLite names its files.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Finds the database file itself, by its path without symbolic links. The locks and SQLite's log are beside that one, so that all
/// processes find the same ones, by whatever path they know the file. The file may be missing.
pub(crate) fn resolve(path: &Path) -> Result<OpenFile, OpenError> {
    let resolved = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(OpenError::NotAFile),
        Ok(metadata) if has_other_names(&metadata) => return Err(OpenError::Linked),
        Ok(_) => fs::canonicalize(path).map_err(OpenError::Io)?,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::Io(error)),
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
            return Err(OpenError::Dangling);
        }
        Err(error) => {
            let name = path.file_name().ok_or(OpenError::Io(error))?;
            fs::canonicalize(folder(path)).map_err(OpenError::Io)?.join(name)
        }
    };
    let log = beside(&resolved, "-wal");
    let has_log = || fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    // In this order, since another process may create both: it writes the file first. SQLite would delete the log, and with it
    // changes that are nowhere else.
    if has_log() && fs::metadata(&resolved).map_or(0, |file| file.len()) == 0 {
        return Err(OpenError::OnlyLog);
    }
    OpenFile::register(resolved, |path| {
        // SQLite would apply the log of the file that was there before to this one. Another process that seals the file removes the
        // log first.
        if has_log() && !has_used_a_log(path).map_err(OpenError::Io)? && has_log() {
            return Err(OpenError::ForeignLog);
        }
        Ok(())
    })
}

/// Returns whether the file's header says that it has a log (WAL), which SQLite writes before it creates one. That of a backup does
/// not. True for a file that is no database, which is refused for that.
fn has_used_a_log(path: &Path) -> io::Result<bool> {
    // Bytes 18 and 19: the versions that write and read the file, 1 without a log and 2 with one.
    let mut header = [0; 20];
    match File::open(path)?.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
        Err(error) => Err(error),
        Ok(()) => Ok(!header.starts_with(b"SQLite format 3\0") || !header.ends_with(&[1, 1])),
    }
}

/// Returns whether the file has hard links. Under another name it would have another log, and the two would damage it.
#[cfg(unix)]
fn has_other_names(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
const fn has_other_names(_: &fs::Metadata) -> bool {
    false
}

/// Creates a file that only its owner may read. Fails if it exists.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file beside the database, and creates it if it does not exist. Refuses links: with one, a user who may write to the folder
/// could make root change another file.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => return created,
    }
    let is_link = || io::Error::new(io::ErrorKind::InvalidInput, "it is a link or no file: remove it");
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(is_link());
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let opened = file.metadata()?;
    // It may have been replaced meanwhile.
    if identity_of(&opened) != identity_of(&found) || has_other_names(&opened) {
        return Err(is_link());
    }
    Ok(file)
}

/// Creates the database file if it does not exist.
pub(super) fn create_if_missing(path: &Path) -> Result<(), OpenError> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop).map_err(OpenError::Io),
    }
}

/// The identity of a file, which differs from that of another file at the same path: device and inode.
pub(super) type Identity = (u64, u64);

/// Returns the identity of the file at `path`.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|metadata| identity_of(&metadata))
}

#[cfg(unix)]
pub(super) fn identity_of(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Returns the same for every file: other systems keep an open file from being removed.
#[cfg(not(unix))]
pub(super) const fn identity_of(_: &fs::Metadata) -> Identity {
    (0, 0)
}

/// Renames a file, and fails if there is one with the new name.
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // File systems without it, such as NFS, have hard links.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            renamed => return Ok(renamed?),
        }
    }
    // Unlike a rename, a link never replaces a file.
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Writes the names in a folder to disk.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Lets only the owner read the database file and its log. SQLite gives a new log the permissions of the file.
pub(super) fn secure(path: &Path) -> Result<(), OpenError> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        restrict(&file).map_err(OpenError::Io)?;
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // SQLite opens no log that is a link.
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn restrict(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
