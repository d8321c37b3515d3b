use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{contact, noted};
use crate::support::test_desk::TestDesk;

/// Address, type and reason of each.
fn shown(answer: &Value) -> Vec<(&str, &str, &str)> {
    let found = answer["recipients"].as_array().unwrap();
    let text = |item: &'_ Value, key: &str| item[key].as_str().unwrap().to_owned();
    found
        .iter()
        .map(|item| {
            let parts = [text(item, "address"), text(item, "type"), text(item, "reason")];
            let [address, kind, reason] = parts.map(|part| &*Box::leak(part.into_boxed_str()));
            (address, kind, reason)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_follow_from_the_message_answered_and_are_never_ourselves() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    let to = format!("{DESK}, Boss <boss@customer.example>");
    let first = mail(
        LENA,
        &to,
        "Broken chain",
        &["Message-ID: <1@c.example>", "Cc: omar@customer.example, SUPPORT@desk.example"],
        "Help",
    );
    room.receive(&first).await;
    let path = "/anytime/conversations/1/recipients";
    let found = async |query: &str| ann.get(&format!("{path}{query}")).await.expect(200);
    assert_eq!(shown(&found("").await), [("lena@customer.example", "to", "wrote")]);
    let all = found("?all=true").await;
    let expected = [
        ("lena@customer.example", "to", "wrote"),
        ("boss@customer.example", "cc", "wasTo"),
        ("omar@customer.example", "cc", "wasCc"),
    ];
    assert_eq!(shown(&all), expected);
    assert_eq!(all["recipients"][0]["name"], "Lena");
    assert_eq!(all["recipients"][0]["reasonText"], "wrote the message you answer");
    assert_eq!(all["recipients"][2]["isNew"], false, "who is in the thread is known");
    // A colleague of Lena answers: the answer goes to the colleague.
    let id = room.answer().await;
    let header = format!("In-Reply-To: <{id}>");
    room.receive(&mail("Omar <omar@customer.example>", DESK, "Re: Broken chain", &[&header], "Me too")).await;
    assert_eq!(shown(&found("").await), [("omar@customer.example", "to", "wrote")]);
    assert_eq!(shown(&found("?messageId=1").await), [("lena@customer.example", "to", "wrote")]);
    assert_eq!(shown(&found("?messageId=2").await), [("lena@customer.example", "to", "wasTo")]);
    let reply = json!({ "type": "email", "plainBody": "x", "answeredMessageId": 1, "replyAll": true, "cc": "mia@customer.example" });
    let sent = ann.post("/anytime/conversations/1/messages", reply).await.expect(201)["message"].clone();
    assert_eq!(sent["to"], "lena@customer.example");
    assert_eq!(sent["cc"], "boss@customer.example, omar@customer.example, mia@customer.example");
    let reply = json!({ "type": "email", "plainBody": "x", "answeredMessageId": 77 });
    let error = ann.post("/anytime/conversations/1/messages", reply).await.error(400);
    assert_eq!(error, "'answeredMessageId' names no message 77 of this conversation");
    // A stranger with the token is answered only on purpose.
    let stranger = mail("Eve <eve@elsewhere.example>", DESK, "Re: Broken chain", &[&header], "Hello there");
    let row = room.receive(&stranger).await;
    let last = found("").await;
    assert_eq!(shown(&last), [("lena@customer.example", "to", "wasTo")], "the last message was ours");
    let one = found(&format!("?messageId={}", row["messageId"])).await;
    assert_eq!(shown(&one), [("eve@elsewhere.example", "to", "wroteAsThirdParty")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_wrote_to_before_needs_a_second_look() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let send = async |to: &str, allowed: bool| {
        let reply = json!({ "type": "email", "plainBody": "x", "to": to, "allowNewRecipients": allowed });
        ann.post("/anytime/conversations/1/messages", reply).await
    };
    send("lena@customer.example", false).await.expect(201);
    let error = send("lena@customer.example, lena@custoner.example", false).await.error(400);
    assert_eq!(error, "'to' has 'lena@custoner.example', to whom nobody has written before");
    send("lena@custoner.example", true).await.expect(201);
    send("lena@custoner.example", false).await.expect(201);
}

#[tokio::test]
async fn a_portal_conversation_is_answered_to_its_contact() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    noted(&ann, "without", json!({})).await;
    let path = "/anytime/conversations/1/recipients";
    let found = ann.get(path).await.expect(200);
    assert_eq!(shown(&found), [("lena@customer.example", "to", "contact")]);
    assert_eq!(shown(&ann.get("/anytime/conversations/2/recipients").await.expect(200)), []);
    ann.get(&format!("{path}?messageId=77")).await.error(404);
    ann.get(&format!("{path}?messageId=2")).await.error(404);
    ann.get(&format!("{path}?all=perhaps")).await.error(400);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.put("/anytime/conversations/1", json!({ "departmentAssigneeId": 1 })).await.expect(200);
    luis.get(path).await.error(404);
    desk.as_nobody().get(path).await.error(401);
}
