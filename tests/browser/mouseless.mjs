// Without a mouse: from the list through a reply to the next conversation, and through the settings.
import { check, finish, open, signIn, tabTo, wrong } from "./support.mjs";

const desk = process.env.DESK;
const { page } = await open();
await signIn(page);
const key = (name) => page.keyboard.press(name);
const number = () => Number(/conversations\/(\d+)/.exec(page.url())?.[1]);

await page.goto(`${desk}/console/settings`);
await key("g");
await key("i");
await page.waitForURL(/console\/all/);
await page.waitForLoadState("load");
await key("j");
await key("Enter");
await page.waitForURL(/conversations\/\d+/);
await page.waitForLoadState("load");
const first = number();
await key("r");
await page.locator(".editor").waitFor();
await page.keyboard.type("Answered without a mouse");
await tabTo(page, "#reply-after");
await page.keyboard.type("and go on");
await key("Control+Enter");
await page.waitForURL((url) => Number(/conversations\/(\d+)/.exec(url.pathname)?.[1]) !== first);
await page.waitForLoadState("load");
const second = number();
check("sending goes on to the next one", second !== first);
await key("m");
await page.locator(".note-form .editor").waitFor();
await page.keyboard.type("A note, too");
await key("Control+Enter");
await page.locator("#thread").getByText("A note, too").waitFor();
await page.waitForLoadState("load");
await key("I");
await page.locator("#thread").getByText("took this").waitFor();
check("it is mine", true);
await key("k");
await page.waitForFunction((before) => !location.pathname.includes(`/${before}`), second);
check("k goes back", number() === first);
check("the answer is there", (await page.textContent("#thread")).includes("Answered without a mouse"));
await key("E");
await page.locator(".toast, .row-open, .empty").first().waitFor();

await page.goto(`${desk}/console/unassigned`);
await page.waitForLoadState("load");
const shown = await page.locator(".row").count();
await key("j");
await key("x");
await key("I");
await page.locator("[data-undo]").waitFor();
await page.waitForLoadState("load");
check("a selected row is taken", (await page.locator(".row").count()) === shown - 1);
await key("z");
await page.getByText("Taken back").waitFor();
check("and given back", (await page.locator(".row").count()) === shown);

// Settings: a tag, a routing rule that gives what says "refund" to Ann, a trigger that answers.
await page.waitForLoadState("load");
await key("Control+k");
await page.locator(".palette input").waitFor();
await page.keyboard.type("tags");
await page.locator(".palette a.option").getByText("Tags", { exact: true }).waitFor();
await key("Enter");
await page.waitForURL(/settings\/tags/);
await tabTo(page, "#new-tag");
await page.keyboard.type("refund");
await key("Enter");
await page.locator(".items .tag").getByText("refund").waitFor();
check("a tag is made", true);

async function fill(fields) {
  for (const [selector, text] of fields) {
    await tabTo(page, selector);
    if (text === true) await key("Space");
    else await page.keyboard.type(text);
  }
}

await page.goto(`${desk}/console/settings/routing/new`);
await fill([["#name", "Refunds to Ann"], ["[name=field]", "Subject"], ["[name=match]", "contains"], ["[name=value]", "refund"], ["#to", "Ann"]]);
await tabTo(page, "form.fields .button-primary");
await key("Enter");
await page.locator("main a").getByText("Refunds to Ann").waitFor();
check("a routing rule is made", true);

await page.goto(`${desk}/console/settings/triggers/new`);
await fill([["#name", "Thank"], ["#triggerEvent", "A conversation is created"], ["[name=sendsMail]", true], ["[name=toContact]", true], ["#subject", "Thank you"]]);
await tabTo(page, "#htmlBody, .editor");
await page.keyboard.type("We have your mail.");
await tabTo(page, "form.fields .button-primary");
await key("Enter");
await page.locator("main a").getByText("Thank", { exact: true }).waitFor();
check("a trigger is made", true);
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
