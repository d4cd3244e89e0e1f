//! Lists the model files of `catalog/`, which become part of the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FOLDER: &str = "catalog/kie";
    println!("cargo::rerun-if-changed={FOLDER}");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join(FOLDER))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") && name != "provider.toml" {
            names.push(name);
        }
    }
    names.sort();
    let mut text = String::from("const MODELS: &[(&str, &str)] = &[\n");
    for name in names {
        let shown = format!("{FOLDER}/{name}");
        writeln!(text, "    ({shown:?}, include_str!({:?})),", root.join(&shown))?;
    }
    text.push_str("];\n");
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("models.rs"), text)?;
    Ok(())
}
