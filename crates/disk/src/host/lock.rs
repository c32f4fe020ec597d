//! The byte-range locks by which QEMU programs keep off each other's images.
//!
//! Source: QEMU `docs/system/images` ("image locking") and the constants of its file driver: a program that uses
//! permission *n* holds a shared lock on byte 100 + *n*, one that does not let others use it a shared lock on byte
//! 200 + *n*. Whoever opens an image first takes its own locks, then tests that nobody holds the opposite ones.
//! The locks belong to the open file description and end with it, also when the process is killed.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// First byte of the locks for permissions in use.
const USED: i64 = 100;
/// First byte of the locks for permissions not shared.
const NOT_SHARED: i64 = 200;

/// The permissions of QEMU's block layer that matter between programs; the number is the byte's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    ConsistentRead = 0,
    Write = 1,
    WriteUnchanged = 2,
    Resize = 3,
}

impl Permission {
    const ALL: [Self; 4] = [Self::ConsistentRead, Self::Write, Self::WriteUnchanged, Self::Resize];

    /// QEMU's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConsistentRead => "consistent read",
            Self::Write => "write",
            Self::WriteUnchanged => "write unchanged",
            Self::Resize => "resize",
        }
    }
}

/// What a use of an image asks of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    used: &'static [Permission],
    not_shared: &'static [Permission],
}

impl Access {
    /// Reading: others may read, nobody may write.
    pub(crate) const READ: Self = Self {
        used: &[Permission::ConsistentRead],
        not_shared: &[Permission::Write, Permission::Resize],
    };
    /// Writing: nobody else may use the image at all, as its pages are torn while a commit runs.
    pub(crate) const WRITE: Self = Self {
        used: &[Permission::ConsistentRead, Permission::Write, Permission::Resize],
        not_shared: &Permission::ALL,
    };
}

/// Why a lock was not taken.
#[derive(Debug)]
pub(crate) enum LockFailure {
    Io(io::Error),
    /// Another program uses the image in a way that excludes ours; names the permission in conflict.
    Held(Permission),
}

/// Takes the locks for `access` on an open file.
pub(crate) fn acquire(file: &File, access: Access) -> Result<(), LockFailure> {
    for &permission in access.used {
        set(file, USED + permission as i64, permission)?;
    }
    for &permission in access.not_shared {
        set(file, NOT_SHARED + permission as i64, permission)?;
    }
    for &permission in access.not_shared {
        test(file, USED + permission as i64, permission)?;
    }
    for &permission in access.used {
        test(file, NOT_SHARED + permission as i64, permission)?;
    }
    Ok(())
}

/// Gives every lock back at once. Closing the file alone would leave them to a child process that was just forked and has
/// not yet started its program.
pub(crate) fn release(file: &File) {
    let mut all = one_byte(libc::F_UNLCK, USED);
    all.l_len = NOT_SHARED - USED + 100;
    // A file that cannot be unlocked is closed next.
    let _ = fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&all));
}

/// Takes a shared lock on one byte.
fn set(file: &File, byte: i64, permission: Permission) -> Result<(), LockFailure> {
    match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&one_byte(libc::F_RDLCK, byte))) {
        Ok(_) => Ok(()),
        Err(nix::Error::EAGAIN | nix::Error::EACCES) => Err(LockFailure::Held(permission)),
        Err(error) => Err(LockFailure::Io(error.into())),
    }
}

/// Fails when anybody else holds a lock on one byte.
fn test(file: &File, byte: i64, permission: Permission) -> Result<(), LockFailure> {
    let mut lock = one_byte(libc::F_WRLCK, byte);
    fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut lock))
        .map_err(|error| LockFailure::Io(error.into()))?;
    if lock.l_type == libc::F_UNLCK as libc::c_short {
        Ok(())
    } else {
        Err(LockFailure::Held(permission))
    }
}

fn one_byte(kind: libc::c_int, byte: i64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}
