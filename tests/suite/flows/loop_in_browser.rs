//! The product's whole story in Chromium between real servers: a customer's mail comes from Dovecot, an agent answers it
//! in the console, the answer leaves through an SMTP server, the customer's next mail joins, and the customer signs in
//! to the portal by the link that was mailed to them.

use serde_json::json;

use crate::browser;
use crate::support::dovecot::Dovecot;
use crate::support::mail::{account, checked, mail};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{PATIENCE, TestDesk};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_in_a_browser_between_real_servers() {
    let (Some(dovecot), Some(smtp)) = (Dovecot::start(), SmtpServer::start(Mode::RequireLogin)) else {
        return;
    };
    let desk = TestDesk::start_now().await;
    let ann = desk.as_ann().await;
    let id = account(&ann, &dovecot, Some(&smtp)).await;
    let check = async || {
        let path = format!("/anytime/emailAccounts/{id}/check");
        checked(ann.post(&path, json!({})).await.expect(200))
    };

    let html = "<p>Hello, my <b>chain</b> broke.</p><script>document.title='owned'</script>";
    let first = mail(
        "Lena Hoffmann <lena@customer.example>",
        "support@desk.example",
        "My chain broke",
        &["Message-ID: <first@customer.example>"],
        html,
    );
    let first = String::from_utf8(first).unwrap().replace("text/plain", "text/html");
    dovecot.deliver("support", first.as_bytes());
    assert_eq!(check().await["outcomes"]["created"], 1);
    let is_run = tokio::task::block_in_place(|| browser::run("console.mjs", &desk, &[]));
    if !is_run {
        return;
    }
    let sent = smtp.wait_for(1, PATIENCE);
    assert_eq!(sent[0].recipients, ["lena@customer.example"]);
    let text = String::from_utf8(sent[0].bytes()).unwrap();
    assert!(text.contains("we send you a new one.") && text.contains("invoice.txt"), "{text}");

    let answered = format!("In-Reply-To: {}", sent[0].header("Message-ID").unwrap());
    let second = mail(
        "Lena Hoffmann <lena@customer.example>",
        "support@desk.example",
        "Re: My chain broke",
        &["Message-ID: <second@customer.example>", &answered],
        "Great, thank you!",
    );
    dovecot.deliver("support", &second);
    assert_eq!(check().await["outcomes"]["appended"], 1);
    let joined = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!((&joined["status"], &joined["isRead"]), (&json!("pendingInternal"), &json!(false)));

    let visitor = desk.browser();
    visitor.get("/portal/sign-in").await;
    visitor.post("/portal/sign-in", &[("email", "lena@customer.example")]).await;
    let link = smtp.wait_for(2, PATIENCE);
    let text = String::from_utf8(link[1].bytes()).unwrap().replace("=\r\n", "");
    let token = text.split("/portal/sign-in/").nth(1).expect("the mail has the link");
    let token: String =
        token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    tokio::task::block_in_place(|| browser::run("portal.mjs", &desk, &[("TOKEN", token)]));
    let written = ann.get("/anytime/conversations/2").await.expect(200)["conversation"].clone();
    assert_eq!((&written["channel"], &written["contactId"]), (&json!("portal"), &joined["contactId"]));
}
