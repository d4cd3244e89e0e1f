//! Models of a project's own and of a user's own: files that count without a rebuild.

use crate::discovery::{emulator, is_careful, user_catalog};
use crate::support::Project;
use serde_json::json;

/// One model in one file, as `catalog/` holds it.
fn one_model(name: &str, id: &str, note: &str) -> String {
    format!(
        "provider = \"kie\"\nfamily = \"market\"\nprompt_style = \"general\"\nchecked = \"2026-10-09\"\n\n[[models]]\n\
         name = \"{name}\"\nnote = \"{note}\"\n\n[[models.modes]]\nkind = \"t2v\"\nid = \"{id}\"\noperation = \"create\"\n\
         lengths = [5]\nparameters = [{{ name = \"prompt\", from = [\"prompt\"], type = \"string\", required = true }}]\n\
         prices = {{ basis = \"clip\", as_of = \"2026-10-09\", rates = [{{ credits = 7 }}] }}\n"
    )
}

#[test]
fn one_file_adds_a_model_that_is_listed_planned_and_rendered() {
    let row = json!([{"id": "acme/one", "media": "video", "seconds": {"fixed": 5}, "fields": [
        {"name": "prompt", "type": "string", "required": true}], "price": {"basis": "per_clip", "rates": [{"when": {}, "credits": 7}]}}]);
    let (emulator, _folder) = emulator(&row, &[]);
    let project = Project::with_storyboard(
        "## Scene 1\n- **Model**: Acme One\n- **Duration**: 5s\n- **Prompt**: A kite\n",
    )
    .using(&emulator);
    project.write("catalog/acme.toml", one_model("Acme One", "acme/one", "the project's"));
    project.run(["models"]).expect(0).prints(&["Acme One  ", "acme-one", "7/clip"]);
    project.run(["plan"]).expect(0).prints(&["Acme One", "7 credits"]);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.bill()["charged"], 7.0);
    is_careful(&emulator);
}

#[test]
fn a_projects_models_count_more_than_the_users_and_both_more_than_the_built_in() {
    let project = Project::with_storyboard("## Scene 1\n- **Prompt**: A kite\n");
    let own = user_catalog(&project);
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("mine.toml"), one_model("Acme One", "acme/user", "the user's"))
        .expect("a file");
    project.run(["models", "acme one"]).expect(0).prints(&["the user's", "id acme/user"]);
    project.write("catalog/a.toml", one_model("Acme One", "acme/project", "the project's"));
    project.run(["models", "acme one"]).expect(0).prints(&["the project's", "id acme/project"]);
    // By the name of a built-in model, whatever its case and hyphens.
    std::fs::write(
        own.join("kling.toml"),
        one_model("kling-2.6", "kling-2.6/mine", "another Kling"),
    )
    .expect("a file");
    project.run(["models", "Kling 2.6"]).expect(0).prints(&["another Kling"]);
    let all = project.run(["models", "--all", "--json"]).expect(0).json();
    let named = |name: &str| {
        let models = all["models"].as_array().expect("a list");
        models.iter().filter(|model| model["slug"] == name).count()
    };
    assert_eq!((named("kling-2.6"), named("acme-one")), (1, 1));
}

#[test]
fn mistakes_in_own_files_are_told_with_their_place_and_what_to_do() {
    let project = Project::with_storyboard("## Scene 1\n- **Prompt**: A kite\n");
    let good = one_model("Acme One", "acme/one", "x");
    let own = user_catalog(&project);
    std::fs::create_dir_all(&own).expect("a folder");
    let cases = [
        ("operation =", "opration =", "catalog/a.toml:13:1", "did you mean `operation`? "),
        ("\"t2v\"", "\"upscal\"", "catalog/a.toml:11:8", "did you mean `upscale`? "),
        ("\"create\"", "\"make\"", "catalog/a.toml:7:8", "`market` has `create`"),
        ("\"2026-10-09\"\n\n", "2026-10-09\n\n", "catalog/a.toml:4:11", "write it in quotes"),
        (
            "\"market\"",
            "\"markt\"",
            "catalog/a.toml:7:8",
            "`kie` has `veo`, `runway`, `aleph` and `market`",
        ),
        (
            "checked =",
            "checked",
            "catalog/a.toml:4:9",
            "`storyreel schema catalog` describes the keys",
        ),
        ("Acme One", "Acme\\u001bOne", "catalog/a.toml:7:8", "take it out"),
        (
            "\"general\"",
            "\"general\"\napi = \"https://x.example\"",
            "catalog/a.toml:4:1",
            "`storyreel schema catalog`",
        ),
    ];
    for (from, to, place, hint) in cases {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        project.write("catalog/a.toml", &bad);
        for command in ["plan", "models"] {
            let done = project.run([command]).expect(1);
            done.tells(&[&format!("   at: {place}\n"), " hint: ", hint]);
        }
        let told = project.run(["plan", "--json"]).expect(1).json();
        let told = format!(
            "{}:{}:{}",
            told["where"]["file"].as_str().unwrap_or_default(),
            told["where"]["line"],
            told["where"]["column"]
        );
        assert_eq!(told, place);
        project.write("catalog/a.toml", &good);
        std::fs::write(own.join("mine.toml"), &bad).expect("a file");
        let shown = own.join("mine.toml").display().to_string()
            + place.trim_start_matches("catalog/a.toml");
        project.run(["plan"]).expect(1).tells(&[&shown]);
        std::fs::remove_file(own.join("mine.toml")).expect("it was there");
    }
}
