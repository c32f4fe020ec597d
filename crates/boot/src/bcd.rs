//! Boot configuration data (BCD), which tells the boot manager of Vista and later what to start.
//!
//! A store is a registry hive: `Objects\{guid}\Description` with the value `Type`, and
//! `Objects\{guid}\Elements\xxxxxxxx` with the value `Element`. Objects, elements and values are given in `bcdedit`'s words.
//!
//! Source: Microsoft's BCD reference (element and object types); stores of Windows 7 to 11.

mod alias;
mod blueprint;
mod changes;
mod create_store;
mod device;
mod edit;
mod element;
mod error;
mod guid;
pub mod ids;
mod integer_words;
mod library_elements;
mod loader_elements;
mod kind;
mod manager_elements;
mod names;
mod objects_edit;
mod partitions;
mod retarget;
mod spelling;
mod store;
mod value;

pub use alias::alias_of;
pub use changes::{StoreChange, changes};
pub use create_store::{NewStore, create_store};
pub use device::{Device, DiskRef, FilePlace, LocateBy, PartitionRef, Place};
pub use edit::{delete_value, set, set_on};
pub use element::{Element, Object};
pub use error::BcdError;
pub use guid::{GuidBytes, new_guid};
pub use kind::heading;
pub use objects_edit::{
    OrderEdit, OrderList, copy_object, create_object, delete_object, edit_order, kind_named,
    kind_of_alias,
};
pub use partitions::Partitions;
pub use retarget::{Candidate, Retargeted, dangling, retarget, wanted_files};
pub use store::{
    element, find_object, installed_loaders, named_partitions, objects, windows_loaders,
};
pub(crate) use value::terminated;
pub use value::{ElementValue, decode, encode};
