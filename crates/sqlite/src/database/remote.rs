//! Recognizes network file systems, whose locks and shared memory SQLite cannot rely on.

use std::io;
use std::path::Path;

/// The numbers of network file systems in `statfs(2)`: NFS, SMB, CIFS, SMB 2, AFS, Ceph, 9P, Lustre, GPFS, BeeGFS.
const REMOTE: [u32; 10] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x5346_414f,
    0x00c3_6400,
    0x0102_1997,
    0x0bd0_0bd0,
    0x4750_4653,
    0x1983_0326,
];

/// Returns whether the file is on a network file system; `false` if the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn is_remote(path: &Path) -> io::Result<bool> {
    // The number has 32 bits, in a field whose size differs between systems.
    Ok(is_remote_kind(rustix::fs::statfs(path)?.f_type as u32))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_remote(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has these numbers"))]
fn is_remote_kind(kind: u32) -> bool {
    REMOTE.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_recognized_and_local_ones_are_not() {
        for remote in [0x6969, 0xff53_4d42, 0xfe53_4d42] {
            assert!(is_remote_kind(remote), "{remote:x}");
        }
        // ext4, XFS, btrfs, overlayfs and tmpfs.
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x0102_1994] {
            assert!(!is_remote_kind(local), "{local:x}");
        }
        assert!(!is_remote(&std::env::temp_dir()).unwrap());
    }
}
