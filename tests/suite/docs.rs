//! The pages below `docs/` say the truth: the tour's commands run, and the quirks it names live where it says.

use std::path::Path;
use std::process::Command;

use crate::architecture::{sources, src};
use crate::support::test_desk::TestDesk;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The commands of a page with the status that each of them must get: 2xx where none is named.
fn commands(page: &str) -> Vec<(String, Option<u16>)> {
    let mut commands = Vec::new();
    let mut blocks = page.split("```sh");
    blocks.next();
    for block in blocks {
        let (head, rest) = block.split_once('\n').unwrap();
        let (script, _) = rest.split_once("```").unwrap();
        let status = head.trim().strip_prefix("status=").map(|status| status.parse().unwrap());
        commands.push((script.to_owned(), status));
    }
    commands
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_tour_works() {
    let is_missing = Command::new("curl").arg("--version").output().is_err();
    if is_missing {
        println!("skipped: no curl");
        return;
    }
    let desk = TestDesk::start().await;
    let (email, key) = desk.as_ann().await.user.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let commands = commands(&page("api.md"));
    assert!(8 <= commands.len(), "{commands:#?}");
    for (script, wanted) in commands {
        let told = script.replace("curl -s", "curl -s -w '\\nstatus %{http_code}\\n'");
        let output = Command::new("sh")
            .args(["-ec", &told])
            .current_dir(directory.path())
            .env("DESK", desk.url(""))
            .env("KEY", format!("{email}:{key}"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{script}\n{text}{}", String::from_utf8_lossy(&output.stderr));
        let statuses = text.lines().filter_map(|line| line.strip_prefix("status "));
        let statuses: Vec<u16> = statuses.map(|status| status.parse().unwrap()).collect();
        assert!(!statuses.is_empty(), "{script}\n{text}");
        let is_right = |status: &u16| wanted.map_or((200..300).contains(status), |wanted| *status == wanted);
        assert!(statuses.iter().all(is_right), "{script}\n{text}");
    }
}

/// Words that are spelt wrongly in the documents.
const MISSPELT: &[&str] = &[
    "isReaByContact",
    "cusomterrules",
    "ifShownInTicketCorresdence",
    "ifShowInConversationCorrespondences",
    "ifDisplayInTicketCorrespondences",
    "calenderHours",
    "manageJunckMessages",
    "manageAllConversions",
    "logicalExpresion",
    "breachedTickets",
];

#[test]
fn the_documents_misspelt_words_are_listed_and_live_in_the_api_only() {
    let page = page("api-quirks.md");
    let mut wrong = Vec::new();
    for word in MISSPELT {
        if !page.contains(&format!("`{word}`")) {
            wrong.push(format!("docs/api-quirks.md does not name {word}"));
        }
        let snake: String = word
            .chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect();
        for path in sources(&src()) {
            let place = path.strip_prefix(src()).unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            if !place.starts_with("api") && (text.contains(word) || text.contains(&snake)) {
                wrong.push(format!("{} has {word}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_test_that_the_pages_of_promises_name_is_there() {
    named_tests_are_there("mail.md", 60);
    named_tests_are_there("portal.md", 60);
    named_tests_are_there("console.md", 40);
    named_tests_are_there("automation.md", 100);
    named_tests_are_there("contract.md", 100);
}

fn named_tests_are_there(name: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&root.join("tests/suite"));
    files.extend(sources(&src()));
    files.extend([
        src().join("mail/pop3/tests.rs"),
        src().join("mail/quote/tests.rs"),
        src().join("mail/incoming/tests.rs"),
        src().join("demo/tests.rs"),
        src().join("desk/working_time/tests.rs"),
    ]);
    let code: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let page = page(name);
    let prose: String = page.split("```").step_by(2).collect();
    let named = prose.split('`').skip(1).step_by(2).filter(|text| {
        let is_name = text.chars().all(|c| c.is_ascii_lowercase() || "_:0123456789".contains(c));
        is_name && (text.contains('_') || text.contains("::"))
    });
    let mut count = 0;
    for name in named {
        let last = name.rsplit("::").next().unwrap();
        let is_there = [format!("fn {last}("), format!("mod {last};"), format!("/{last}.rs")];
        assert!(is_there.iter().any(|text| code.contains(text)), "there is no test {name}");
        count += 1;
    }
    assert!(at_least < count, "{name}: {count}");
}
