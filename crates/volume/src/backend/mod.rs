//! The same operations on each filesystem. Paths come parsed.

mod fat;
mod ntfs;

pub(crate) use fat::FatBackend;
pub(crate) use ntfs::NtfsBackend;
