//! What a log record tells to do, or to take back.

use std::fmt;

macro_rules! operations {
    ($($code:literal $name:ident,)*) => {
        /// An operation of the log. Redo and undo share the numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        #[non_exhaustive]
        pub enum Operation {
            $($name = $code,)*
        }

        impl Operation {
            /// The operation of a number in the log.
            #[must_use]
            pub fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    0x00 Noop,
    0x01 CompensationLogRecord,
    0x02 InitializeFileRecordSegment,
    0x03 DeallocateFileRecordSegment,
    0x04 WriteEndOfFileRecordSegment,
    0x05 CreateAttribute,
    0x06 DeleteAttribute,
    0x07 UpdateResidentValue,
    0x08 UpdateNonresidentValue,
    0x09 UpdateMappingPairs,
    0x0a DeleteDirtyClusters,
    0x0b SetNewAttributeSizes,
    0x0c AddIndexEntryRoot,
    0x0d DeleteIndexEntryRoot,
    0x0e AddIndexEntryAllocation,
    0x0f DeleteIndexEntryAllocation,
    0x10 WriteEndOfIndexBuffer,
    0x11 SetIndexEntryVcnRoot,
    0x12 SetIndexEntryVcnAllocation,
    0x13 UpdateFileNameRoot,
    0x14 UpdateFileNameAllocation,
    0x15 SetBitsInNonresidentBitMap,
    0x16 ClearBitsInNonresidentBitMap,
    0x17 HotFix,
    0x18 EndTopLevelAction,
    0x19 PrepareTransaction,
    0x1a CommitTransaction,
    0x1b ForgetTransaction,
    0x1c OpenNonresidentAttribute,
    0x1d OpenAttributeTableDump,
    0x1e AttributeNamesDump,
    0x1f DirtyPageTableDump,
    0x20 TransactionTableDump,
    0x21 UpdateRecordDataRoot,
    0x22 UpdateRecordDataAllocation,
    0x23 UpdateRelativeDataInIndex,
    0x24 UpdateRelativeDataInIndex2,
    0x25 ZeroEndOfFileRecord,
}

/// What an operation changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A file record.
    FileRecord,
    /// An index block.
    IndexBlock,
    /// Bytes of a stream; of an index block when the stream is `$INDEX_ALLOCATION`.
    Bytes,
    /// Bits of a bitmap.
    Bits,
    /// Nothing on the volume.
    Nothing,
    /// Something that is not known well enough.
    Unknown,
}

impl Operation {
    pub(super) fn class(self) -> Class {
        match self {
            Self::InitializeFileRecordSegment
            | Self::DeallocateFileRecordSegment
            | Self::WriteEndOfFileRecordSegment
            | Self::CreateAttribute
            | Self::DeleteAttribute
            | Self::UpdateResidentValue
            | Self::UpdateMappingPairs
            | Self::SetNewAttributeSizes
            | Self::AddIndexEntryRoot
            | Self::DeleteIndexEntryRoot
            | Self::SetIndexEntryVcnRoot
            | Self::UpdateFileNameRoot
            | Self::UpdateRecordDataRoot
            | Self::ZeroEndOfFileRecord => Class::FileRecord,
            Self::AddIndexEntryAllocation
            | Self::DeleteIndexEntryAllocation
            | Self::WriteEndOfIndexBuffer
            | Self::SetIndexEntryVcnAllocation
            | Self::UpdateFileNameAllocation
            | Self::UpdateRecordDataAllocation => Class::IndexBlock,
            Self::UpdateNonresidentValue => Class::Bytes,
            Self::SetBitsInNonresidentBitMap | Self::ClearBitsInNonresidentBitMap => Class::Bits,
            Self::HotFix | Self::UpdateRelativeDataInIndex | Self::UpdateRelativeDataInIndex2 => {
                Class::Unknown
            }
            Self::Noop
            | Self::CompensationLogRecord
            | Self::DeleteDirtyClusters
            | Self::EndTopLevelAction
            | Self::PrepareTransaction
            | Self::CommitTransaction
            | Self::ForgetTransaction
            | Self::OpenNonresidentAttribute
            | Self::OpenAttributeTableDump
            | Self::AttributeNamesDump
            | Self::DirtyPageTableDump
            | Self::TransactionTableDump => Class::Nothing,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({:#x})", *self as u16)
    }
}
