// Writing, and everything that may go wrong with it: marks, lists and links in the editor, plain text on request, a double
// click, a lost session, a server that cannot be reached; why things happened, in the side panel; a change to all that a
// list holds, with its progress.
import { check, finish, open, signIn, wrong } from "./support.mjs";

const desk = process.env.DESK;
const { context, page } = await open();
await signIn(page);
const messages = () => page.locator("#thread .message").count();

await page.goto(`${desk}/console/conversations/1?filter=all`);
await page.keyboard.press("r");
const editor = page.locator(".editor");
await editor.waitFor();
await page.keyboard.type("Hello Lena,");
await page.keyboard.press("Enter");
await page.keyboard.press("Control+b");
await page.keyboard.type("important");
await page.keyboard.press("Control+b");
await page.keyboard.type(" words /th");
await page.locator(".popup .option").first().waitFor();
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.querySelector(".editor").textContent.includes("Thank you"));
check("a canned message comes by its shortcut", !(await editor.textContent()).includes("/th"));
await page.waitForFunction(() => document.getElementById("draft-state").textContent.startsWith("Saved"));
await page.reload();
await page.keyboard.press("r");
await editor.waitFor();
check("the draft keeps its marks", (await editor.innerHTML()).includes("<b>important</b>"));

await page.evaluate(() => {
  const area = document.querySelector(".editor");
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(["a picture in words"], "photo.txt", { type: "text/plain" }));
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
});
check("a pasted file is attached", (await page.textContent("#reply-form [data-files]")).includes("photo.txt"));

const before = await messages();
await page.locator("#reply-form [data-send]").dblclick();
await page.waitForURL(/#message-/);
await page.waitForLoadState("load");
check("a double click sends once", (await messages()) === before + 1);
const sent = page.locator("#thread .message").last();
check("marks arrive", (await sent.innerHTML()).includes("<b>important</b>"));
check("so does the file", (await sent.textContent()).includes("photo.txt"));

await page.keyboard.press("r");
await page.locator(".editor-plain").click();
check("plain text on request", await page.locator("#reply-text").isVisible());
await page.reload();
await page.keyboard.press("r");
await page.keyboard.type("Plain");
await page.waitForFunction(() => document.getElementById("draft-state").textContent.startsWith("Saved"));
check("and it stays plain", (await editor.count()) === 0);
await page.locator("[data-enrich]").first().click();
await editor.waitFor();
check("the text comes along on the way back", (await editor.textContent()).includes("Plain"));

await context.setOffline(true);
await page.keyboard.type(", and more");
await page.waitForFunction(() => document.getElementById("draft-state").textContent.includes("trying again"));
check("a save that fails is told", true);
await context.setOffline(false);
await page.waitForFunction(() => document.getElementById("draft-state").textContent.startsWith("Saved"), null, { timeout: 15000 });
check("and tried again", true);
wrong.length = 0; // what could not be reached is told in the browser's console

await page.keyboard.type(". The last words");
const cookies = await context.cookies();
await context.clearCookies();
const [refused] = await Promise.all([
  page.waitForResponse((response) => response.url().endsWith("/reply")),
  page.locator("#reply-form [data-send]").click(),
]);
check("without a session nothing is sent", refused.status() === 401);
await page.getByText("kept in this tab").waitFor();
await page.getByRole("link", { name: "Sign in" }).click();
await page.fill("input[name=email]", "ann@desk.example");
await page.fill("input[name=password]", process.env.PASSWORD);
await page.click("form button:not([type])");
await page.waitForURL(/conversations\/1/);
check("a lost session keeps what was typed", (await page.inputValue("#reply-text")).includes("The last words") || (await page.inputValue("#reply-text")).includes("Plain, and more"));
check("the session is another one", cookies[0].value !== (await context.cookies())[0].value);
wrong.length = 0; // so is the refusal

await page.locator("[data-why]").click();
await page.locator("dialog.drawer").waitFor();
check("why stands beside the thread", (await page.textContent("dialog.drawer")).includes("Why?"));
await page.keyboard.press("Escape");

await page.goto(`${desk}/console/unassigned`);
await page.locator(".row-check").first().check();
await page.locator("[name=everything]").check();
await page.locator("#bulk-priority").selectOption("high");
await page.getByText("conversations changed").waitFor({ timeout: 30000 });
check("everything is changed", (await page.textContent(".toast")).includes(process.env.TOTAL));
await page.locator("[data-undo]").click();
await page.getByText("Taken back").waitFor({ timeout: 30000 });
check("and taken back as one", true);
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
