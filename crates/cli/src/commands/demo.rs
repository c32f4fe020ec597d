//! `winkiln demo`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use console::style;
use serde::Serialize;
use winkiln_bake::{Report, Session, SessionOptions};

use super::apply::read_recipe;
use super::inspect::look;
use crate::args::{DemoArgs, ImageArgs};
use crate::clock;
use crate::demo;
use crate::error::{CliError, Doing as _, Result};
use crate::output::{self, Output};
use crate::render::inspect::page;
use crate::render::report;
use crate::render::text::quoted;
use crate::session;

#[derive(Debug, Serialize)]
struct DemoJson<'r> {
    dir: String,
    image: String,
    recipe: String,
    first: &'r Report,
    second: &'r Report,
    seconds: f64,
}

/// Makes a sample guest, bakes it twice, and says what happened.
pub(super) fn run(args: &DemoArgs) -> Result<()> {
    let output = Output::new(&args.output);
    let dir = folder(args.dir.as_deref())?;
    let (image, recipe) = (dir.join("guest.raw"), dir.join("recipe.toml"));
    for (path, text) in [(&recipe, demo::RECIPE), (&dir.join("welcome.txt"), demo::WELCOME)] {
        fs::write(path, text)
            .map_err(|error| CliError::host(format!("cannot write {}", path.display()), &error))?;
    }
    let started = Instant::now();
    let mut text = String::new();

    demo::make_disk(&image)?;
    demo::fill(&image, clock::file_time(None)?)?;
    let made = started.elapsed();
    heading(&mut text, &format!("made a sample guest in {:.2} s", made.as_secs_f64()));
    text.push_str(&show(&image)?);

    let before_bake = Instant::now();
    let first = bake(&image, &recipe, output)?;
    heading(&mut text, &format!("baked {}", recipe.display()));
    for warning in &first.warnings {
        output.warn(warning);
    }
    text.push_str(&report::text(&first, output.is_verbose(), Some(before_bake.elapsed())));

    let before_again = Instant::now();
    let second = bake(&image, &recipe, output)?;
    heading(&mut text, "baked it again");
    text.push_str(&report::text(&second, output.is_verbose(), Some(before_again.elapsed())));
    if second.committed || !second.changes.is_empty() {
        return Err(CliError::failed("the second bake changed the image again"));
    }

    heading(&mut text, "the guest now");
    text.push_str(&show(&image)?);
    heading(&mut text, "try next");
    text.push_str(&next(&image, &recipe));
    let json = DemoJson {
        dir: dir.display().to_string(),
        image: image.display().to_string(),
        recipe: recipe.display().to_string(),
        first: &first,
        second: &second,
        seconds: started.elapsed().as_secs_f64(),
    };
    if output.is_quiet() && !output.is_json() {
        return output::write_out(format!("{}\n", dir.display()).as_bytes());
    }
    output.data(&json, || text)
}

/// The folder to work in, made when it does not exist. One that holds something is left alone.
fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    let Some(dir) = asked else {
        return tempfile::Builder::new()
            .prefix("winkiln-demo-")
            .disable_cleanup(true)
            .tempdir()
            .map(|dir| dir.path().to_owned())
            .map_err(|error| CliError::host("cannot make a temporary folder", &error));
    };
    let failed =
        |error: &std::io::Error| CliError::host(format!("cannot use {}", dir.display()), error);
    fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    if fs::read_dir(dir).map_err(|error| failed(&error))?.next().is_some() {
        return Err(CliError::failed(format!("{} is not empty", dir.display()))
            .hint("name a folder that does not exist"));
    }
    Ok(dir.to_owned())
}

fn bake(image: &Path, recipe: &Path, output: Output) -> Result<Report> {
    let recipe = read_recipe(recipe)?;
    let options = SessionOptions { now: clock::file_time(None)?, ..SessionOptions::default() };
    let mut session =
        Session::open(image, &options).doing(|| format!("cannot open {}", image.display()))?;
    let mut steps = session.plan(&recipe.presets)?;
    steps.extend(recipe.steps);
    session::bake(session, &steps, image, output)
}

fn show(image: &Path) -> Result<String> {
    let mut session = session::look_at(image, &ImageArgs::default())?;
    Ok(page(&look(&mut session, image, None)?, false))
}

fn heading(text: &mut String, words: &str) {
    let line = format!("== {words}");
    let _ = writeln!(text, "{}{}", if text.is_empty() { "" } else { "\n" }, style(line).bold());
}

fn next(image: &Path, recipe: &Path) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "winkiln".to_owned());
    let program = quoted(&program);
    let image = quoted(&image.display().to_string());
    let recipe = quoted(&recipe.display().to_string());
    let commands = [
        format!("{program} inspect {image}"),
        format!(
            r"{program} reg query {image} 'HKLM\SYSTEM\CurrentControlSet\Control\CrashControl'"
        ),
        format!("{program} bcd enum {image}"),
        format!(r"{program} fs cat {image} 'C:\Users\Public\Desktop\welcome.txt'"),
        format!("{program} apply {image} --preset utc-clock --dry-run"),
        format!("{program} apply {image} {recipe} --json"),
    ];
    commands.iter().fold(String::new(), |text, command| text + "  " + command + "\n")
}
