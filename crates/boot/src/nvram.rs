//! Variables of UEFI firmware, as EDK2 (and so OVMF) keeps them in flash: boot entries among them.
//!
//! ```text
//! 0x00  16  zeros
//! 0x10  16  GUID of the firmware volume's filesystem
//! 0x20   8  length of the firmware volume
//! 0x28   4  _FVH
//! 0x30   2  length of this head, behind which the variable store begins
//!
//! 0x00  16  GUID of the variable store
//! 0x10   4  its size, with this head
//! 0x14   1  5A: formatted
//! 0x15   1  FE: healthy
//! 0x1c      variables, each on a boundary of 4 bytes; FF behind the last
//! ```
//!
//! Bytes in, bytes out: knows no file.
//!
//! Source: EDK2 `MdeModulePkg/Include/Guid/VariableFormat.h`, `MdePkg/Include/Pi/PiFirmwareVolume.h`; UEFI specification, "Boot manager".

mod edit;
mod load_option;
mod store;
mod variable;

pub use load_option::{EfiPartition, LoadOption};
pub use store::{AddedEntry, NvramError, NvramStore};
pub use variable::Variable;
