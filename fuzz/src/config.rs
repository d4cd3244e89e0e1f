//! Configuration and catalogue files.

use super::document::problems;
use super::printed;
use storyreel::catalog::Catalog;
use storyreel::report::sanitise;
use storyreel::settings::{ConfigFile, Owner};
use storyreel::source::Source;

pub fn check(text: &str) {
    for owner in [Owner::Project, Owner::User] {
        let file = ConfigFile::parse(Source::new("storyreel.toml", text), owner);
        let again = ConfigFile::parse(Source::new("storyreel.toml", text), owner);
        assert_eq!(file.diagnostics, again.diagnostics, "reading twice finds the same problems");
        assert_eq!(file.defaults, again.defaults);
        problems(&file.source, &file.diagnostics);
        if owner == Owner::Project {
            assert!(file.api.is_none() && file.upload.is_none(), "a project names no hosts");
        }
        if let Some(most) = file.max_credits {
            assert!(most.value.is_finite() && most.value >= 0.0);
        }
    }
    // Reading a catalogue starts from a copy of the built-in one, which takes long.
    if !text.contains("provider") {
        return;
    }
    let Ok(catalog) = Catalog::built_in() else { panic!("the built-in catalogue is broken") };
    let providers = catalog.provider("kie").cloned();
    match catalog.with_files(&[("catalog/own.toml".to_owned(), text.to_owned())]) {
        Ok(catalog) => {
            assert_eq!(
                catalog.provider("kie").cloned(),
                providers,
                "a project changes no provider"
            );
        }
        Err(error) => {
            assert!(error.line >= 1 && error.line <= text.matches('\n').count() + 1);
            printed::check_line(&sanitise(&error.to_string(), 2000), 2001 * 4);
        }
    }
}
