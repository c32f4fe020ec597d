//! `winkiln drivers list`.

use winkiln_archive::Tree;
use winkiln_bake::DriverSource;
use winkiln_bake::drivers::signature_score;
use winkiln_drivers::Package;
use winkiln_drivers::choice::{Options, choose};
use winkiln_drivers::inf::ParseOptions;
use winkiln_drivers::package::Found;

use crate::args::drivers::ListArgs;
use crate::error::{CliError, Doing as _, Result};
use crate::output::Output;
use crate::render::drivers::{self, Listed};

/// Lists the packages of a source.
pub(crate) fn run(args: &ListArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let (target, architecture) = (args.target()?, args.architecture()?);
    let selection = args.selection.selection();
    let source =
        DriverSource { path: args.source.clone(), selection, ..DriverSource::default() }.resolved();
    let tree =
        Tree::open(&source.path).doing(|| format!("cannot read {}", source.path.display()))?;
    let found = Found::all(&tree, &ParseOptions::default());
    let selection = source.selection;
    if let Some(name) = selection.unknown(&found.packages).first() {
        return Err(CliError::usage(format!(
            "no package, service or class {name} in {}",
            args.source.display()
        )));
    }
    for file in &found.unreadable {
        output.warn(&format!("{}: {}", file.path, file.reason));
    }
    let choice = target.map(|target| {
        let score = |package: &Package| signature_score(&tree, package, &target);
        choose(&found.packages, &target, &Options { selection: &selection, signature: &score })
    });
    let packages: Vec<_> = found
        .packages
        .iter()
        .enumerate()
        .filter(|(index, package)| {
            let chosen = choice.iter().flat_map(|choice| &choice.chosen);
            selection.takes(package) || chosen.clone().any(|chosen| chosen.index == *index)
        })
        .filter(|(_, package)| {
            target.is_some() || architecture.is_none_or(|a| drivers::is_for(package, a))
        })
        .map(|(index, package)| {
            let fate = choice.as_ref().map(|choice| drivers::Fate::of(choice, index));
            let architecture = target.map(|target| target.architecture).or(architecture);
            drivers::listed(package, &tree, architecture, fate)
        })
        .collect();
    let listed = Listed {
        source: args.source.display().to_string(),
        target: target.map(|target| target.to_string()),
        packages,
        unreadable: found.unreadable,
    };
    output.data(&drivers::document(&listed), || drivers::text(&listed, output.is_verbose()))
}
