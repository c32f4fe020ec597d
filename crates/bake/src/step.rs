//! Typed steps of a plan.

use std::path::PathBuf;

use winkiln_boot::bcd::{OrderEdit, OrderList};
use winkiln_guest::{HiveFile, Rewrite};
use winkiln_hive::{Value, ValueType};

use crate::first_boot::Command;
use crate::{DriverRemoval, DriverSource, KeepIp};

/// What a file is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A file of the host, read when the step is applied.
    HostFile(PathBuf),
}

/// A kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// One more name of a file.
    Hard,
    /// A symbolic link, to whatever the target is or will be.
    Symbolic,
    /// A junction to a folder.
    Junction,
}

/// One edit. Keys are full (`HKLM\...`); paths are inside the image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    CreateKey {
        key: String,
    },
    /// With all below it.
    DeleteKey {
        key: String,
    },
    /// Creates the key when it is missing.
    SetValue {
        key: String,
        name: String,
        kind: ValueType,
        data: Vec<u8>,
    },
    /// Values of one key, in their order; creates the key when it is missing.
    SetValues {
        key: String,
        values: Vec<Value>,
    },
    DeleteValue {
        key: String,
        name: String,
    },
    /// The parts of a key's security descriptor that the text gives; with `below`, passed on to every key below it.
    SetKeySecurity {
        key: String,
        sddl: String,
        below: bool,
    },
    /// A step on a key of the SYSTEM hive done in every control set that there is; on another key, once.
    InAllControlSets(Box<Self>),
    /// A step on a key, where a symbolic link at the end of the key is meant itself, not where it leads.
    OnLink(Box<Self>),
    /// A step on files of this volume, whatever volume the session's other file steps mean.
    OnVolume {
        volume: u32,
        step: Box<Self>,
    },
    /// Renames a key or moves it within its hive; `to` is its full name then.
    MoveKey {
        from: String,
        to: String,
    },
    /// Writes a hive anew, compacted or repaired.
    RewriteHive {
        file: HiveFile,
        why: Rewrite,
    },
    /// Copies values, class names and subkeys into `to`, from any hive into any, as `reg copy /s` does.
    CopyKey {
        from: String,
        to: String,
    },
    /// Creates missing parents when `parents`. A host file whose `path` is an existing folder, or ends in a separator,
    /// goes into that folder under its own name.
    PutFile {
        path: String,
        contents: Contents,
        parents: bool,
    },
    MakeDirectory {
        path: String,
        parents: bool,
    },
    Remove {
        path: String,
        recursive: bool,
    },
    /// An existing folder receives what is renamed; an existing file is replaced, a folder never is.
    Rename {
        from: String,
        to: String,
    },
    SetAttributes {
        path: String,
        attributes: u32,
    },
    /// A link at `path` to `target`; a path that is an existing folder, or ends in a separator, receives it under the target's name.
    Link {
        path: String,
        target: String,
        kind: LinkKind,
    },
    /// The parts of a security descriptor that the text gives. With `inside`, a `path` that is an existing folder, or ends in a
    /// separator, means the file of that name in it. With `below`, the parts are passed on to everything below.
    SetSecurity {
        path: String,
        sddl: String,
        inside: Option<String>,
        below: bool,
    },
    BcdSet {
        object: String,
        element: String,
        value: String,
    },
    BcdDelete {
        object: String,
        element: String,
    },
    /// Adds a word to the `loadoptions` of an object, behind what is there.
    BcdAddLoadOption {
        object: String,
        word: String,
    },
    /// `object` is a new `{guid}` or a well-known object; `kind` as [`winkiln_boot::bcd::kind_named`] has it.
    BcdCreate {
        object: String,
        kind: u32,
        description: Option<String>,
    },
    /// `guid` is the copy's.
    BcdCopy {
        object: String,
        guid: String,
        description: Option<String>,
    },
    /// With `cleanup`, it leaves every list that names it.
    BcdDeleteObject {
        object: String,
        cleanup: bool,
    },
    BcdOrder {
        list: OrderList,
        edit: OrderEdit,
        entries: Vec<String>,
    },
    /// Points devices that name no partition of the disk at the ones they meant, where that can be told.
    BcdRetarget,
    /// A new store for a guest that has none, on the partition that its firmware starts; without `efi`, as the guest's firmware
    /// is. `guids` are those of the loader and of the resume loader; `None` has them made of the guest's own identity.
    BcdCreateStore {
        efi: Option<bool>,
        guids: Option<(String, String)>,
    },
    /// A step on the store, done where an object is there, or is not.
    BcdWhere {
        object: String,
        is_there: bool,
        step: Box<Self>,
    },
    /// Puts the copy of a hive that Windows made in `RegBack` in its place. `place` is the volume and folder of a Windows, or of what
    /// is left of one; `None` is the guest edited.
    RestoreHive {
        place: Option<(u32, String)>,
        name: String,
    },
    /// Makes a primary partition of an MBR the one that a BIOS starts.
    SetActivePartition {
        number: u32,
    },
    /// Puts hidden sectors right, and for Windows XP and 2003 heads and sectors per track, in the boot sector and its copy.
    MendBootSector {
        volume: u32,
    },
    /// Puts the copy of a boot sector in the place of one that is none any more.
    RestoreBootSector {
        volume: u32,
    },
    /// Copies Windows' boot manager to where any UEFI looks for a loader, when nothing is there.
    FallbackLoader,
    /// A copy of an entry behind it, with another description. `entry` counts from 0; `None` is the default entry.
    BootIniCopy {
        entry: Option<usize>,
        description: String,
    },
    /// `entry` counts from 0; `None` is the default entry.
    BootIniAddSwitch {
        entry: Option<usize>,
        switch: String,
    },
    BootIniRemoveSwitch {
        entry: Option<usize>,
        switch: String,
    },
    BootIniDefaultCopy {
        description_suffix: String,
        switch: String,
    },
    /// Moves the entry to where NTLDR takes it as default: first among those of its path.
    BootIniSetDefault {
        entry: usize,
    },
    /// -1 waits for ever.
    BootIniSetTimeout {
        seconds: i32,
    },
    /// The serial port that the boot menu is redirected to, such as `COM1`.
    BootIniSetRedirect {
        port: String,
    },
    /// Adds the driver packages of a source that are for the guest.
    AddDrivers(DriverSource),
    /// Has the static addresses of network adapters set on the ones that Windows meets next.
    KeepAddresses(KeepIp),
    /// Has Windows start its own drivers for IDE, AHCI and NVMe, as far as their files are there.
    StartInBoxStorage,
    /// Takes driver packages, and what else a maker's drivers left, out of the guest.
    RemoveDrivers(DriverRemoval),
    /// Has a command run once at the next start of the guest. See [`crate::first_boot`].
    FirstBoot {
        command: Command,
    },
}

/// Tells whether load options hold a word, with or without a slash, in any case.
pub(crate) fn has_load_option(options: &str, word: &str) -> bool {
    options
        .split_whitespace()
        .any(|option| option.trim_start_matches('/').eq_ignore_ascii_case(word))
}
