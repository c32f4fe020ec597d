//! The processor architecture of an installation.

use crate::{Architecture, Disk};

/// Bytes read of a PE file: the DOS header and the PE header behind the stub.
const PE_HEAD: usize = 4096;

/// By the machine type of the kernel, or else by what lies beside it.
pub(crate) fn architecture_of_files(disk: &mut Disk, volume: u32, folder: &str) -> Architecture {
    let Ok(open) = disk.volume(volume) else { return Architecture::Unknown };
    for file in ["ntdll.dll", "ntoskrnl.exe"] {
        let mut head = vec![0; PE_HEAD];
        let path = format!(r"{folder}\System32\{file}");
        let Ok(length) = open.read_at(&path, 0, &mut head) else { continue };
        head.truncate(length);
        match pe_machine(&head) {
            Architecture::Unknown => {}
            known => return known,
        }
    }
    let has_32_bit_folder = open.metadata(&format!(r"{folder}\SysWOW64"));
    match has_32_bit_folder {
        Ok(Some(metadata)) if metadata.is_directory => Architecture::X86_64,
        _ => Architecture::Unknown,
    }
}

/// Source: Microsoft, PE format: `e_lfanew` at 0x3C, the machine type behind the signature.
fn pe_machine(head: &[u8]) -> Architecture {
    let machine = || {
        let at: u32 = head.get(0x3C..)?.first_chunk().copied().map(u32::from_le_bytes)?;
        let header = head.get(usize::try_from(at).ok()?..)?;
        let rest = header.strip_prefix(b"PE\0\0")?;
        rest.first_chunk().copied().map(u16::from_le_bytes)
    };
    match machine() {
        Some(0x014C) => Architecture::X86,
        Some(0x8664) => Architecture::X86_64,
        Some(0xAA64) => Architecture::Arm64,
        _ => Architecture::Unknown,
    }
}

/// By `PROCESSOR_ARCHITECTURE` of the system's environment.
pub(crate) fn architecture_of_text(text: &str) -> Architecture {
    match text.to_ascii_lowercase().as_str() {
        "x86" => Architecture::X86,
        "amd64" => Architecture::X86_64,
        "arm64" => Architecture::Arm64,
        _ => Architecture::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_types_are_read() {
        let image = |machine: u16, at: u32| {
            let mut head = vec![0; 256];
            head[..2].copy_from_slice(b"MZ");
            head[0x3C..0x40].copy_from_slice(&at.to_le_bytes());
            head[0x80..0x84].copy_from_slice(b"PE\0\0");
            head[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
            head
        };
        assert_eq!(pe_machine(&image(0x8664, 0x80)), Architecture::X86_64);
        assert_eq!(pe_machine(&image(0x014C, 0x80)), Architecture::X86);
        assert_eq!(pe_machine(&image(0xAA64, 0x80)), Architecture::Arm64);
        assert_eq!(pe_machine(&image(0x8664, 0x81)), Architecture::Unknown);
        assert_eq!(pe_machine(&image(0x8664, u32::MAX)), Architecture::Unknown);
        assert_eq!(pe_machine(b"MZ stand-in"), Architecture::Unknown);
    }
}
