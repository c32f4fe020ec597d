//! `winkiln bcd set`.

use winkiln_bake::Step;

use super::objects::carry_out;
use crate::args::boot::SetArgs;
use crate::args::{split_target, text};
use crate::error::Result;

/// Sets an element.
pub(super) fn run(args: &SetArgs) -> Result<()> {
    let names = ["OBJECT", "ELEMENT", "VALUE"];
    let (target, rest) = split_target(args.store.store.as_ref(), &args.positional(), &names, 0)?;
    let object = text(&rest[0], names[0])?;
    let element = text(&rest[1], names[1])?;
    let value = text(&rest[2], names[2])?;
    carry_out(&args.with, &target, &Step::BcdSet { object, element, value })
}
