//! How well a reply is told from what it quotes and from its signature, over real mails (`ANYTIME_CORPUS`). A wrong cut
//! hides what somebody wrote; a missed one only shows too much. Prints a score for each program and language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anytime::html::to_text;
use anytime::mail::quote::{split_html, split_text};

/// Of most mails of one corpus the reply is the same paragraph.
const PARAGRAPH: &str = "varius aliquet nec nec nibh.";
/// The reply is the whole mail.
const WHOLE: &str = "";

/// Files of the corpus `crisp`, whose mail they are like, and where the reply ends.
const CRISP: &[(&str, &str, &[&str])] = &[
    ("Gmail, English", PARAGRAPH, &["email_gmail_split_line_from", "email_en_multiline_2"]),
    ("Gmail, Italian", PARAGRAPH, &["email_7"]),
    ("Gmail, Dutch", PARAGRAPH, &["email_8"]),
    ("Gmail, Norwegian", PARAGRAPH, &["email_norwegian_gmail"]),
    ("Gmail, French", PARAGRAPH, &["email_23", "email_fr_multiline"]),
    ("Gmail, Finnish", PARAGRAPH, &["email_finnish"]),
    ("Gmail, German", PARAGRAPH, &["email_german"]),
    ("Orange webmail, French", PARAGRAPH, &["email_9"]),
    ("Outlook, French", PARAGRAPH, &["email_10", "email_11"]),
    ("Outlook, Dutch", PARAGRAPH, &["email_12"]),
    ("Outlook, Italian", PARAGRAPH, &["email_13"]),
    ("Outlook, German", PARAGRAPH, &["email_german_2", "email_german_outlook"]),
    ("Outlook, English", PARAGRAPH, &["email_18", "email_outlook_split_line_from", "email_msn"]),
    ("Outlook mobile, English", PARAGRAPH, &["email_ios_outlook"]),
    ("Outlook mobile, French", PARAGRAPH, &["email_ios_outlook_fr"]),
    ("Outlook mobile, German", PARAGRAPH, &["email_german_3"]),
    ("telephone, English", PARAGRAPH, &["email_15"]),
    ("Apple Mail, French", PARAGRAPH, &["email_french_2"]),
    ("webmail, Polish", PARAGRAPH, &["email_14", "email_16", "email_17"]),
    ("Yandex, Russian", PARAGRAPH, &["email_22", "email_russian"]),
    ("webmail, English", PARAGRAPH, &["email_24", "email_25", "email_26"]),
    ("webmail, Italian", PARAGRAPH, &["email_italian"]),
    ("webmail, Portuguese", PARAGRAPH, &["email_portuguese"]),
    ("separator, Danish", PARAGRAPH, &["email_danish_dash_separator"]),
    ("separator, French", PARAGRAPH, &["email_french_dash_separator"]),
    (
        "separator, English",
        PARAGRAPH,
        &[
            "email_original_message",
            "email_original_message_2",
            "email_tricky_15_original_message_variations",
        ],
    ),
    (
        "odd attributions",
        PARAGRAPH,
        &[
            "email_tricky_5_mixed_languages",
            "email_tricky_10_special_chars_in_name",
            "email_tricky_12_no_space_after_header",
            "email_tricky_14_long_quote_header",
        ],
    ),
    ("Zoho, English", "running a test?", &["email_zoho"]),
    ("top posting, English", "problem with it.", &["email_4"]),
    ("top posting, English", "-Abhishek Kona", &["email_3"]),
    ("top posting, English", "magnificent torch of pixels", &["email_6", "email_19"]),
    ("top posting, English", "On Thursday.", &["email_20"]),
    ("top posting, English", "when I run...", &["email_one_is_not_on"]),
    ("top posting, English", "from bellow.", &["email_thread"]),
    ("top posting, English", "This is my reply.", &["email_unquoted_reply"]),
    ("top posting, English", "the points below.", &["email_tricky_9_nested_quotes"]),
    ("top posting, English", "handled correctly.", &["email_tricky_20_html_entities"]),
    ("forward, English", "message below.", &["email_tricky_17_forward_header"]),
    ("Outlook, English", "Outlook with a reply", &["email_2_1"]),
    ("Outlook, English", "Thank you very much.", &["email_customer_quote_header_2"]),
    ("Yahoo, French", "merci d'avance", &["email_customer_quote_header_3"]),
    ("Freemail, Hungarian", "Thank you!", &["email_custom_quote_header"]),
    ("TypeApp, English", "words or paragraphs.", &["email_sent_from"]),
    ("signatures", "-Abhishek Kona", &["email_1"]),
    ("signatures", "-- signature.", &["correct_sig"]),
    ("signatures", "empty line above.", &["sig_no_empty_line"]),
    (
        "signatures",
        "Here is another email",
        &["email_iphone", "email_blackberry", "email_multi_word_sent_from_my_mobile_device"],
    ),
    ("signatures", "regards,\nJohn", &["email_tricky_11_double_signature"]),
    (
        "prose that looks like a quote",
        WHOLE,
        &[
            "email_5",
            "email_21",
            "email_tricky_1_on_false_positive",
            "email_tricky_2_url_with_wrote",
            "email_tricky_4_from_in_body",
            "email_tricky_13_timestamp_variations",
            "email_tricky_18_inline_reply",
            "email_tricky_19_quote_without_header",
            "email_with_from_headers",
            "email_with_date_headers",
        ],
    ),
    (
        "prose that looks like a signature",
        WHOLE,
        &[
            "email_not_a_signature",
            "email_not_a_signature_2",
            "email_sent_from_my_not_signature",
            "email_with_regards",
            "email_tricky_3_code_block",
            "email_tricky_6_regards_in_sentence",
            "email_tricky_7_multiple_dashes",
            "email_tricky_8_sent_from_in_content",
            "email_tricky_16_unicode_signatures",
            "email_emoji",
        ],
    ),
];

const GITHUB: &[(&str, &str, &[&str])] = &[
    ("top posting, English", "-Abhishek Kona", &["email_1_3"]),
    ("top posting, English", "problem with it.", &["email_1_4"]),
    ("top posting, English", "of pixels", &["email_1_6"]),
    ("top posting, English", ":+1:", &["email_1_7"]),
    ("top posting, English", "when I run...", &["email_one_is_not_on"]),
    ("top posting, English", "and another", &["email_bullets"]),
    ("top posting, English", "tunnel is not working.", &["greedy_on"]),
    ("top posting, English", "back to a computer.", &["pathological"]),
    ("between and below, English", "and under this.", &["email_1_8"]),
    ("between and below, English", "to delete them all individually.\"", &["email_1_2"]),
    ("Outlook, English", "with a reply", &["email_2_1"]),
    ("Outlook, English", "directly above line", &["email_2_2", "email_2_3"]),
    ("signatures", "-Abhishek Kona", &["email_1_1", "email_long_quote"]),
    ("signatures", "-- signature.", &["correct_sig"]),
    (
        "signatures",
        "Here is another email",
        &["email_BlackBerry", "email_iPhone", "email_multi_word_sent_from_my_mobile_device"],
    ),
    (
        "prose",
        WHOLE,
        &["email_1_5", "email_sent_from_my_not_signature", "email_sig_delimiter_in_middle_of_line"],
    ),
];

fn corpus() -> Option<PathBuf> {
    let directory = std::env::var_os("ANYTIME_CORPUS");
    if directory.is_none() {
        println!("skipped: no corpus");
    }
    directory.map(|directory| Path::new(&directory).join("mail/replies"))
}

#[derive(Default, Clone, Copy)]
struct Score {
    right: usize,
    /// Some of the quote or signature is still there.
    missed: usize,
    /// Some of the reply is gone.
    wrong: usize,
}

#[derive(Default)]
struct Scores(BTreeMap<String, Score>);

impl Scores {
    /// Compares without white space.
    fn judge(&mut self, group: &str, file: &str, expected: &str, found: &str) {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (expected, found) = (squeeze(expected), squeeze(found));
        let score = self.0.entry(group.to_owned()).or_default();
        if expected == found {
            score.right += 1;
            return;
        }
        let is_missed = found.starts_with(&expected);
        if is_missed {
            score.missed += 1
        } else {
            score.wrong += 1
        }
        println!(
            "{} {group}/{file}: wanted {expected:?}, found {found:?}",
            if is_missed { "missed" } else { "WRONG" }
        );
    }

    /// Prints all; the right, missed and wrong ones together.
    fn sum(&self, corpus: &str) -> Score {
        let mut sum = Score::default();
        for (group, Score { right, missed, wrong }) in &self.0 {
            println!("{corpus:<14} {group:<34} {right} right, {missed} missed, {wrong} wrong");
            sum.right += right;
            sum.missed += missed;
            sum.wrong += wrong;
        }
        println!("{corpus:<14} all: {} right, {} missed, {} wrong", sum.right, sum.missed, sum.wrong);
        sum
    }
}

fn texts(directory: &Path, table: &[(&str, &str, &[&str])]) -> (Scores, usize) {
    let mut scores = Scores::default();
    let mut count = 0;
    for (group, end, files) in table {
        for file in *files {
            let text = std::fs::read(directory.join(format!("{file}.txt"))).unwrap();
            let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
            let expected = if *end == WHOLE {
                text.as_str()
            } else {
                let at = text.find(end).unwrap_or_else(|| panic!("{file} has no {end:?}"));
                &text[..at + end.len()]
            };
            let split = split_text(&text);
            assert!(!split.reply.trim().is_empty() || text.trim().is_empty(), "{file} is left blank");
            let both = [split.reply.as_str(), &split.quoted].concat();
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            let is_kept = letters(&text) == letters(&both)
                || letters(&text) == letters(&[split.quoted.as_str(), &split.reply].concat());
            assert!(is_kept, "{file}: nothing is lost");
            scores.judge(group, file, expected, &split.reply);
            count += 1;
        }
    }
    (scores, count)
}

#[test]
fn text_replies_are_found_in_many_programs_and_languages() {
    let Some(corpus) = corpus() else { return };
    for (name, table, least) in [("crisp", CRISP, 84), ("github", GITHUB, 20)] {
        let (scores, count) = texts(&corpus.join(name), table);
        let sum = scores.sum(name);
        assert_eq!(sum.wrong, 0, "nothing that somebody wrote is hidden");
        assert!(least <= sum.right, "{name}: {} of {count} right", sum.right);
    }
}

#[test]
fn replies_of_mail_programs_are_found_in_html_and_text() {
    let Some(corpus) = corpus() else { return };
    let mut html = Scores::default();
    for entry in std::fs::read_dir(corpus.join("talon/html_replies")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let body = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        html.judge(&name, "", "Hi. I am fine. Thanks, Alex", &to_text(&split_html(&body).reply));
    }
    let sum = html.sum("talon, HTML");
    assert_eq!((sum.right, sum.wrong), (9, 0));

    let directory = corpus.join("talon/standard_replies");
    let mut text = Scores::default();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        let mail = anytime::mail::incoming::parse(&std::fs::read(&path).unwrap());
        text.judge(&name, "", "Hello", &split_text(&mail.text.unwrap_or_default()).reply);
    }
    let sum = text.sum("talon, text");
    assert_eq!((sum.right, sum.wrong), (12, 0));
}

/// Bodies of the signature corpus end with a name and what goes with it, without a delimiter: such an end may be what
/// the mail is about, so it stays; nothing else may go either.
#[test]
fn ends_without_a_delimiter_stay() {
    let Some(corpus) = corpus() else { return };
    let directory = corpus.join("talon/signature/emails/stripped");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().ends_with("_body") {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert_eq!(split_text(&text).reply, text, "{}", path.display());
        }
    }
}
