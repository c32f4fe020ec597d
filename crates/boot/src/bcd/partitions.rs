//! The partitions that device elements may name, by the names people have for them.

use super::device::PartitionRef;

/// The partitions of a disk, by number and drive letter, and those that a store names already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partitions {
    numbers: Vec<(u32, PartitionRef)>,
    letters: Vec<(char, PartitionRef)>,
    others: Vec<PartitionRef>,
}

impl Partitions {
    /// Adds a partition by its number.
    pub fn add(&mut self, number: u32, partition: PartitionRef) {
        self.numbers.push((number, partition));
    }

    /// Gives a partition a drive letter.
    pub fn add_letter(&mut self, letter: char, partition: PartitionRef) {
        self.letters.push((letter.to_ascii_uppercase(), partition));
    }

    /// Adds a partition that can be named by its identity alone.
    pub(super) fn add_other(&mut self, partition: PartitionRef) {
        self.others.push(partition);
    }

    /// The partition's drive letter, such as `C:`, or its identity: see [`PartitionRef::identity`].
    #[must_use]
    pub fn name(&self, partition: &PartitionRef) -> String {
        let letter = self.letters.iter().find(|(_, known)| known == partition);
        letter.map_or_else(|| partition.identity(), |(letter, _)| format!("{letter}:"))
    }

    /// Partitions of the disk itself.
    pub fn of_disk(&self) -> impl Iterator<Item = (u32, PartitionRef)> {
        self.numbers.iter().copied()
    }

    /// The partition of a number, a drive letter or an identity.
    pub(super) fn find(&self, text: &str) -> Option<PartitionRef> {
        if let Some(found) = mbr_identity(text) {
            return Some(found);
        }
        if let Ok(number) = text.parse::<u32>() {
            return self.numbers.iter().find(|(known, _)| *known == number).map(|found| found.1);
        }
        if let [letter, b':'] | [letter, b':', b'\\'] = text.as_bytes() {
            let letter = char::from(letter.to_ascii_uppercase());
            return self.letters.iter().find(|(known, _)| *known == letter).map(|found| found.1);
        }
        let guid = super::guid::bytes(text)?;
        let numbered = self.numbers.iter().map(|(_, partition)| *partition);
        let all = numbered.chain(self.others.iter().copied());
        all.into_iter().find(
            |known| matches!(known, PartitionRef::Gpt { partition, .. } if *partition == guid),
        )
    }

    /// What would be found.
    pub(super) fn expected(&self) -> String {
        let mut names: Vec<String> =
            self.letters.iter().map(|(letter, _)| format!("{letter}:")).collect();
        names.extend(self.numbers.iter().map(|(number, _)| number.to_string()));
        if names.is_empty() {
            "a partition as enum shows it: those of the disk are not known here".to_owned()
        } else {
            format!("a partition of the disk: {}", names.join(", "))
        }
    }
}

/// `mbr:signature:offset`, both hexadecimal.
fn mbr_identity(text: &str) -> Option<PartitionRef> {
    let (signature, offset) = text.strip_prefix("mbr:")?.split_once(':')?;
    let offset = offset.strip_prefix("0x")?;
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !plain(signature) || !plain(offset) {
        return None;
    }
    Some(PartitionRef::Mbr {
        signature: u32::from_str_radix(signature, 16).ok()?,
        offset: u64::from_str_radix(offset, 16).ok()?,
    })
}
