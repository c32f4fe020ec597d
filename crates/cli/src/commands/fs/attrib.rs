//! `winkiln fs attrib`.

use winkiln_bake::Step;

use super::{existing, volume};
use crate::args::files::AttribArgs;
use crate::error::{CliError, Result};
use crate::guest_path::normal;
use crate::output::Output;
use crate::render::files;
use crate::session;

/// Shows the attributes of a file or folder, or changes them.
pub(super) fn run(args: &AttribArgs) -> Result<()> {
    let output = Output::new(&args.with.output);
    let (mut set, mut clear) = (0, 0);
    for change in args.changes() {
        take(change, &mut set, &mut clear)?;
    }
    if set | clear == 0 {
        let mut session = session::open_read_only(&args.image, &args.with.open, output)?;
        let (number, volume) = volume(&mut session, &args.image, &args.path)?;
        let bits = existing(volume, &args.path)?.attributes;
        let path = normal(&args.path);
        return output
            .data(&files::attrib_json(number, &path, bits), || files::attrib_text(&path, bits));
    }
    let mut session = session::open(&args.image, &args.with.open, &args.with.write)?;
    let (_, volume) = volume(&mut session, &args.image, &args.path)?;
    let attributes = existing(volume, &args.path)?.attributes & !clear | set;
    let step = Step::SetAttributes { path: args.path.clone(), attributes };
    let report = session::bake(session, &[step], &args.image, output)?;
    output.report(&report, None)
}

/// Takes in changes such as `+r-h`; of a letter that is named twice the last one counts.
fn take(change: &str, set: &mut u32, clear: &mut u32) -> Result<()> {
    let wrong = || {
        CliError::usage(format!("{change:?} does not say which attributes to set or clear"))
            .hint("as with attrib: + or - before each of the letters r, h, s, a, i, such as +r-h")
    };
    let mut sign = None;
    let mut lettered = false;
    for letter in change.chars() {
        let bit = match letter.to_ascii_lowercase() {
            '+' | '-' => {
                if sign.is_some() && !lettered {
                    return Err(wrong());
                }
                sign = Some(letter);
                lettered = false;
                continue;
            }
            'r' => 0x1,
            'h' => 0x2,
            's' => 0x4,
            'a' => 0x20,
            'i' => 0x2000,
            _ => return Err(wrong()),
        };
        lettered = true;
        let (to, from) = match sign {
            Some('+') => (&mut *set, &mut *clear),
            Some(_) => (&mut *clear, &mut *set),
            None => return Err(wrong()),
        };
        *to |= bit;
        *from &= !bit;
    }
    if lettered { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::take;

    #[test]
    fn changes_are_read_as_attrib_reads_them() {
        for (texts, set, clear) in [
            (&["+r"][..], 0x1, 0),
            (&["+r-h"], 0x1, 0x2),
            (&["-rsh"], 0, 0x7),
            (&["+R", "-R", "+i-A"], 0x2000, 0x21),
        ] {
            let (mut s, mut c) = (0, 0);
            assert!(texts.iter().all(|text| take(text, &mut s, &mut c).is_ok()), "{texts:?}");
            assert_eq!((s, c), (set, clear), "{texts:?}");
        }
        for text in ["", "r", "+", "+-r", "+r-", "+x", "--json"] {
            assert!(take(text, &mut 0, &mut 0).is_err(), "{text:?}");
        }
    }
}
