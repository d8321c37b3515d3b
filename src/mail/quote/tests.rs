use super::*;
use crate::html::to_text;

fn reply(text: &str) -> String {
    split_text(text).reply
}

#[test]
fn quotes_below_the_reply_are_cut() {
    for quote in [
        "On Mon, Apr 2, 2012 at 6:26 PM, Ann <a@example.com> wrote:\n\n> Hi\n",
        "On Mon, Apr 2, 2012 at 6:26 PM, Ann\n<a@example.com>\nwrote:\nHi",
        "Am 13.12.2017 21:11 schrieb \"Ann\" <a@example.com>:\nHi",
        "Le lun. 15 nov. 2021 à 19:42, Ann <a@example.com>\na écrit :\n> Hi",
        "2021年11月15日(月) 19:42 Ann <a@example.com>:\n> Hi",
        "-----Ursprüngliche Nachricht-----\nHi",
        "________________________________\nFrom: Ann <a@example.com>\nSent: Monday\nTo: Bo\nSubject: Hi\n\nHi",
        "*Von:* Ann\n*Gesendet:* Montag\n*An:* Bo\n\nHi",
        "> Hi\n> you\n",
    ] {
        let split = split_text(&format!("Hello\n\n{quote}"));
        assert_eq!(split.reply, "Hello", "{quote}");
        assert_eq!(split.quoted, quote);
    }
}

#[test]
fn our_own_marker_wins() {
    let text = "Hello\n\nFrom: the start\n\nHelpdesk <h@example.com> said on 2.3.2024 10:10:\n\n\
        ## Please write above this line ##\nHi\n";
    let split = split_text(text);
    assert_eq!(split.reply, "Hello\n\nFrom: the start\n\nHelpdesk <h@example.com> said on 2.3.2024 10:10:");
    assert!(split.quoted.starts_with(marker::OWN_MARKER));
    let with_attribution =
        "Hello\n\nOn 2 March 2024, Helpdesk wrote:\n\n## Please write above this line ##\nHi";
    assert_eq!(reply(with_attribution), "Hello");
    let html = "<p>Hello</p><div>On 2 March 2024, Helpdesk wrote:<div>## Please write above this line ##</div><p>Hi</p></div>";
    assert_eq!(split_html(html).reply, "<p>Hello</p><div></div>");
}

#[test]
fn answers_between_quoted_lines_stay() {
    let inline = "On 2 May 2024, Ann wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.\n";
    assert_eq!(split_text(inline), Split::whole(inline));
    let rest = split_text(&format!("{inline}\n> The rest\n> of it\n"));
    assert_eq!(rest.reply, inline.trim_end());
    assert_eq!(rest.quoted, "> The rest\n> of it\n");
    let html =
        "<blockquote type=cite>One?</blockquote><p>Yes.</p><blockquote type=cite>Two?</blockquote><p>No.</p>";
    assert_eq!(split_html(html), Split::whole(html));
}

#[test]
fn a_reply_under_one_quote_is_found() {
    let split = split_text("On 2 May 2024, Ann wrote:\n> Hi\n> you\n\nHello\n");
    assert_eq!(
        (split.reply.as_str(), split.quoted.as_str()),
        ("Hello", "On 2 May 2024, Ann wrote:\n> Hi\n> you")
    );
}

#[test]
fn a_reply_is_never_blank() {
    for text in [
        "",
        "> only\n> quoted",
        "On 2 May 2024, Ann wrote:\n\nHi",
        "-----Original Message-----\nHi",
        "\n\n> x",
    ] {
        assert_eq!(split_text(text), Split::whole(text));
    }
    for html in ["", "<blockquote type=cite>x</blockquote>", "<div class=yahoo_quoted>x</div>"] {
        assert_eq!(split_html(html), Split::whole(html));
    }
}

#[test]
fn prose_that_looks_like_a_marker_stays() {
    for text in [
        "On the one hand, 2 things.\n\nOn the other hand:\n\nnothing.",
        "From: our database\nand more",
        "See https://example.com/on-2024-someone-wrote:\nx",
        "Times:\n2024-01-15 14:30:25\n15.01.2024 14:30\n\nbye",
        "## Key\n----\n1. one\n\n----\n\nend",
        "I paid on 3 May:\n\n- 5 EUR",
    ] {
        assert_eq!(split_text(text), Split::whole(text), "{text}");
    }
}

#[test]
fn markup_of_mail_programs_is_known() {
    for quote in [
        "<div class=\"gmail_quote\">On 2 May 2024, Ann wrote:<br><blockquote class=\"gmail_quote\">Hi</blockquote></div>",
        "<div class=\"moz-cite-prefix\">On 2 May 2024, Ann wrote:</div><blockquote type=\"cite\">Hi</blockquote><br>",
        "<hr><div id=\"divRplyFwdMsg\"><b>From:</b> Ann</div><div>Hi</div>",
        "<div style=\"border-top:solid 1pt\"><p><b>From:</b> Ann<br><b>Sent:</b> Monday<br><b>To:</b> Bo</p></div><p>Hi</p>",
        "<div class=\"yahoo_quoted\"><div>On 2 May</div>Hi</div>",
    ] {
        let split = split_html(&format!("<div>Hello<br></div>{quote}"));
        assert_eq!(to_text(&split.reply), "Hello", "{quote}");
        assert!(to_text(&split.quoted).ends_with("Hi"), "{quote}");
    }
}

#[test]
fn html_that_may_not_be_parsed_is_not_split() {
    let html = format!("Hello{}<blockquote type=cite>Hi", "<div>".repeat(300));
    assert_eq!(split_html(&html), Split::whole(&html));
}

#[test]
fn signatures_go_with_the_quote_and_greetings_stay() {
    let quote = "On 2 May 2024, Ann wrote:\n> Hi\n";
    for signature in [
        "-- \nLena Hoffmann\n+49 30 1234567\n",
        "--\nLena\n\nSent from my iPhone\n",
        "Von meinem iPhone gesendet\n",
        "Get Outlook for iOS<https://aka.ms/o0ukef>\n",
        "_______________________________________________\nriders mailing list\nriders@list.example\n",
    ] {
        for below in ["", quote] {
            let split = split_text(&format!("Hello\n\nBest regards\nLena\n\n{signature}\n{below}"));
            assert_eq!(split.reply, "Hello\n\nBest regards\nLena", "{signature}{below}");
            assert!(split.quoted.starts_with(signature), "{signature}{below}");
        }
    }
    for text in [
        "-- \nLena Hoffmann",
        "Sent from my iPhone",
        "Two things:\n-- the chain\n-- the light",
        "a\n--\nand this sentence is far longer than any line of a signature would be, because it goes on and on and on and on",
    ] {
        assert_eq!(split_text(text), Split::whole(text), "{text}");
    }
    let long = format!("a\n--\n{}", "line\n".repeat(20));
    assert_eq!(split_text(&long), Split::whole(&long));
}

#[test]
fn signatures_that_the_markup_names_are_cut() {
    for signature in [
        "<div>-- <br></div><div dir=\"ltr\" class=\"gmail_signature\"><div>Lena</div><div>+49 30</div></div>",
        "<pre class=\"moz-signature\" cols=\"72\">-- \nLena</pre>",
        "<div id=\"AppleMailSignature\">Lena</div>",
        "<div id=\"ms-outlook-mobile-signature\">Get <a href=\"https://aka.ms/o0ukef\">Outlook for iOS</a></div>",
        "<p>Sent from my iPhone</p>",
    ] {
        for below in [
            "",
            "<div class=\"gmail_quote\">On 2 May 2024, Ann wrote:<blockquote class=\"gmail_quote\">Hi</blockquote></div>",
        ] {
            let split = split_html(&format!("<div>Hello</div>{signature}{below}"));
            assert_eq!(to_text(&split.reply), "Hello", "{signature}{below}");
            assert!(!split.quoted.is_empty());
        }
        let alone = split_html(signature);
        assert_eq!(alone.reply, signature, "never blank");
    }
    let inside = "<div class=\"gmail_signature\">Lena</div><div>And one more thing</div>";
    assert_eq!(split_html(inside), Split::whole(inside), "text of the reply stands under it");
}
