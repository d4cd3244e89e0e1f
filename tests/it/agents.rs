//! What agents work with: the skill, whose commands are run here one after the other, and the server that speaks MCP.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

const FILM: &str = "\
## Scene 1: Dawn
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Takes**: 2
- **Prompt**: A lone lighthouse on a basalt skerry at dawn
";

#[cfg(feature = "preview")]
#[test]
fn each_command_of_the_skill_runs() {
    let skill = include_str!("../../skills/storyreel/SKILL.md");
    let emulator = Emulator::start();
    let project = Project::with_storyboard(FILM).using(&emulator);
    let mut commands = 0;
    let mut inside = false;
    for line in skill.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```sh";
            continue;
        }
        if !inside {
            continue;
        }
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        assert!(line.starts_with("storyreel "), "{line}");
        project.run(&arguments).expect(0);
        commands += 1;
    }
    assert!(commands > 12, "{commands}");
    // Two takes, and a third in the loop's last step.
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(3));
}

/// A server and what is said to it.
struct Server {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next: u64,
}

impl Server {
    fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command(["mcp"]);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut process = command.spawn().expect("the program starts");
        let to = process.stdin.take().expect("a pipe");
        let from = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut server = Self { process, to, from, next: 1 };
        let told = server.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}
            }),
        );
        assert!(
            told["instructions"].as_str().is_some_and(|text| text.contains("stop and ask")),
            "{told:#}"
        );
        server.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.to, "{message}").expect("it listens");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).expect("it answers") > 0, "it has ended");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{answer:#}");
                return answer["result"].clone();
            }
        }
    }

    /// Calls a tool: whether it went well, all its words, and the whole answer.
    fn call(&mut self, tool: &str, arguments: Value) -> (bool, String, Value) {
        let told = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let words = told["content"].as_array().expect("content").iter();
        let words: Vec<&str> = words.filter_map(|part| part["text"].as_str()).collect();
        (told["isError"] != true, words.join("\n"), told)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_agent_spends_what_it_was_given_and_no_more() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(FILM).using(&emulator);
    let mut free = Server::start(&project, &[]);
    let tools = free.ask("tools/list", json!({}));
    let names: Vec<&str> = tools["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    for name in [
        "check", "plan", "preview", "sheet", "explain", "status", "render", "pick", "models",
        "camera",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let (good, words, _) = free.call("plan", json!({}));
    assert!(good && words.contains("2 takes") || words.contains("120"), "{words}");
    assert!(
        words.contains("would cost 120 credits for 1 scenes; 0 of 0 credits are left here"),
        "{words}"
    );
    let (good, words, _) = free.call("render", json!({"max_credits": 60}));
    assert!(!good && words.contains("nothing was sent"), "{words}");
    drop(free);
    assert_eq!(emulator.bill()["creates"], json!([]));

    let mut server = Server::start(&project, &["--max-credits", "150"]);
    let (good, words, _) = server.call("render", json!({"max_credits": 200}));
    assert!(!good && words.contains("150 that are left of the 150"), "{words}");
    let (good, words, _) = server.call("render", json!({"max_credits": 150}));
    assert!(good && words.contains("would cost 0 credits for 0 scenes; 30 of 150"), "{words}");
    let (good, words, _) = server.call("render", json!({"max_credits": 60, "retake": "1"}));
    assert!(!good && words.contains("30 that are left"), "{words}");
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
    // What an agent says is no flag of ours.
    let (good, words, _) = server.call("explain", json!({"scene": "--help"}));
    assert!(!good && !words.contains("Usage:"), "{words}");
    let (good, words, _) = server.call("pick", json!({"scene": "1", "take": 2}));
    assert!(good, "{words}");
    #[cfg(feature = "preview")]
    {
        let (good, words, told) = server.call("sheet", json!({}));
        assert!(good, "{words}");
        assert_eq!(told["content"][0]["type"], "image");
        assert_eq!(told["content"][0]["mimeType"], "image/png");
    }
    project.write("SCENES.md", "# Nothing\n");
    let (good, words, _) = server.call("check", json!({}));
    assert!(!good && words.contains("not-a-storyboard"), "{words}");
}
