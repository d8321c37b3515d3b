// Writing, and everything that may go wrong with it: marks, lists and links in the editor, plain text on request, a double
// click, a lost session, a server that cannot be reached; why things happened, in the side panel; a change to all that a
// list holds, with its progress.
import { check, finish, open, saved, signIn, wrong } from "./support.mjs";

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
await saved(page, "Thank you", () => page.keyboard.press("Enter"));
check("a canned message comes by its shortcut", !(await editor.textContent()).includes("/th"));
await page.reload();
await page.keyboard.press("r");
await editor.waitFor();
check("the draft keeps its marks", (await editor.innerHTML()).includes("<b>important</b>"));
await page.keyboard.press("Escape");
await page.keyboard.press(";");
await page.locator("#canned button").first().waitFor();
await page.keyboard.press("ArrowDown");
await page.keyboard.press("ArrowUp");
check("; opens the canned messages, and arrows go through them", await page.locator("#canned button").first().evaluate((one) => one === document.activeElement));
await page.keyboard.press("Escape");

await page.evaluate(() => {
  const area = document.querySelector(".editor");
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(["a picture in words"], "photo.txt", { type: "text/plain" }));
  area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
});
await page.evaluate(() => {
  const area = document.querySelector(".editor");
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["dropped words"], "dropped.txt", { type: "text/plain" }));
  for (const type of ["dragover", "drop"]) area.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
});
check("a dropped file is attached", (await page.textContent("#reply-form [data-files]")).includes("dropped.txt"));
check("a pasted file is attached", (await page.textContent("#reply-form [data-files]")).includes("photo.txt"));

const before = await messages();
await page.locator("#reply-form [data-send]").dblclick();
await page.waitForURL(/#message-/);
await page.waitForLoadState("load");
check("a double click sends once", (await messages()) === before + 1);
const sent = page.locator("#thread .message").last();
check("marks arrive", (await sent.innerHTML()).includes("<b>important</b>"));
check("so do the files", ["photo.txt", "dropped.txt"].every((name) => page.locator("#thread .message").last().getByText(name)) && (await sent.textContent()).includes("dropped.txt"));

// The page that was sent comes back by the browser's button, another tab still shows the same draft.
const answers = await messages();
await page.keyboard.press("r");
await editor.waitFor();
await saved(page, "Once and no more", () => page.keyboard.type("Once and no more"));
const tab = await context.newPage();
await tab.goto(`${desk}/console/conversations/1?filter=all`);
check("another tab shows the same draft", (await tab.inputValue("#reply-text")) === "Once and no more");
const body = await page.locator("#reply-form").evaluate((form) => [...new FormData(form)].filter(([, value]) => typeof value === "string"));
await page.locator("#reply-form [data-send]").click();
await page.waitForURL(/#message-/);
await page.waitForLoadState("load");
check("it is sent", (await messages()) === answers + 1);
const repeated = await page.evaluate(async (fields) => {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return (await fetch("/console/conversations/1/reply", { method: "POST", body: form })).url;
}, body);
check("the same page sent again leads to the same message", repeated.startsWith(`${desk}/console/conversations/1`));
await tab.locator("#reply-form [data-send]").click();
await tab.getByText("You have written here since this page was opened").waitFor();
check("the other tab is held back, with its text", (await tab.inputValue("#reply-text")) === "Once and no more");
check("and nothing was sent twice", (await tab.locator("#thread .message").count()) === answers + 1);
await tab.close();
wrong.length = 0; // the refusal is a 4xx answer, which the browser's console tells
await page.goBack();
await page.waitForLoadState("load");
await page.goto(`${desk}/console/conversations/1?filter=all`);
check("nor after going back", (await messages()) === answers + 1);

await page.keyboard.press("r");
await page.locator(".editor-plain").click();
check("plain text on request", await page.locator("#reply-text").isVisible());
await page.reload();
await page.keyboard.press("r");
await saved(page, "Plain", () => page.keyboard.type("Plain"));
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
check("a lost session keeps what was typed", (await page.inputValue("#reply-text")).endsWith("and more. The last words"));
check("the session is another one", cookies[0].value !== (await context.cookies())[0].value);
wrong.length = 0; // so is the refusal

await page.goto(`${desk}/console/settings/tags`);
await page.fill("#new-tag", "typed too late");
await context.clearCookies();
await page.keyboard.press("Enter");
await page.getByText("kept in this tab").waitFor();
await page.getByRole("link", { name: "Sign in" }).click();
await page.fill("input[name=email]", "ann@desk.example");
await page.fill("input[name=password]", process.env.PASSWORD);
await page.click("form button:not([type])");
await page.waitForURL(/settings\/tags/);
check("so does every other form", (await page.inputValue("#new-tag")) === "typed too late");
wrong.length = 0; // this one, too

await page.goto(`${desk}/console/conversations/1?filter=all`);
await context.setOffline(true);
await page.locator("#p-priority").selectOption("high");
await page.getByText("Not saved: the server cannot be reached").waitFor();
check("a property that cannot be saved is told, and stays as it was set", (await page.inputValue("#p-priority")) === "high");
await context.setOffline(false);
await page.locator("#thread").getByText("priority").first().waitFor({ timeout: 15000 });
check("it is saved as soon as that is possible", (await page.locator("[data-unsaved]").count()) === 0);
wrong.length = 0; // what could not be reached is told in the browser's console

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
