// The list while others work: nothing moves under the reader's hand, a selection stays, what is new waits behind a bar; a
// reply that is being written stays where it is when something comes in.
import { call, check, finish, open, shifts, signIn, wrong } from "./support.mjs";

const desk = process.env.DESK;
const { page } = await open();
await signIn(page);
const order = () => page.locator("#conversation-rows .row").evaluateAll((rows) => rows.map((row) => Number(row.dataset.conversation)));
const bar = page.locator(".live-bar button");
const create = (subject) => call("POST", "/anytime/conversations", { subject, channel: "portal", message: { type: "note", plainBody: "x" } });
const says = (text) => page.waitForFunction((text) => document.querySelector(".live-bar")?.textContent === text, text);

await page.goto(`${desk}/console/unassigned`);
await page.waitForLoadState("load");
const before = await order();
await page.locator(`#row-${before[2]} .row-check`).check();
// Layout shifts of the first half second after an input are the input's.
await page.waitForFunction((start) => performance.now() - start > 600, await page.evaluate(() => performance.now()));
await shifts(page);
await create("First of three");
await says("1 new");
await create("Second of three");
await create("Third of three");
await says("3 new");
check("three new ones wait behind the bar", true);
check("no row has moved", JSON.stringify(await order()) === JSON.stringify(before));
await call("PUT", `/anytime/conversations/${before[0]}`, { subject: "Said otherwise" });
await page.locator(`#row-${before[0]}`).getByText("Said otherwise").waitFor();
check("what changed shows where it stands", JSON.stringify(await order()) === JSON.stringify(before));
await call("PUT", `/anytime/conversations/${before[1]}`, { agentAssigneeId: Number(process.env.ME) });
await page.locator(`#row-${before[1]}.row-gone`).waitFor();
check("a row that left the list says so", (await page.textContent(`#row-${before[1]}`)).includes("Left the list"));
check("the bar counts it", (await bar.textContent()) === "3 new, 1 gone");
check("the selection stays", await page.locator(`#row-${before[2]} .row-check`).isChecked());
check(`nothing shifted: ${await shifts(page)}`, (await shifts(page)).length === 0);
await page.keyboard.press("N");
await says("");
const after = await order();
check("the bar puts the list in order", after.length === before.length + 2 && !after.includes(before[1]));
check("the selection stays then, too", await page.locator(`#row-${before[2]} .row-check`).isChecked());
check("j and k go on from the top", await page.evaluate(() => document.activeElement.closest(".row")?.dataset.conversation) === String(after[0]));

await page.setViewportSize({ width: 390, height: 844 });
await page.goto(`${desk}/console/unassigned`);
await page.waitForLoadState("load");
await shifts(page);
await create("On a phone");
await says("1 new");
check(`nothing shifts on a phone: ${await shifts(page)}`, (await shifts(page)).length === 0);
await bar.click();
await page.getByText("On a phone").first().waitFor();

await page.setViewportSize({ width: 1440, height: 900 });
await page.goto(`${desk}/console/conversations/1?filter=all`);
await page.waitForLoadState("load");
await page.keyboard.press("r");
await page.locator(".editor").waitFor();
await page.keyboard.type("A line that stays where it is");
const top = () => page.locator("#reply-form .editor").evaluate((editor) => editor.getBoundingClientRect().top);
for (const body of ["One", "Two", "Three"]) {
  const line = await top();
  await call("POST", "/anytime/conversations/1/messages", { type: "note", htmlBody: `<p>${body}<br>${"line<br>".repeat(20)}</p>` });
  await page.locator("#thread").getByText(`${body}line`).or(page.locator("#thread .message", { hasText: body })).last().waitFor();
  // A thread that fills its pane is moved up; a short one has to make room once.
  if (body === "Three") check("the line that is written stays in its place", Math.abs((await top()) - line) < 2);
}
check("so does its text", (await page.locator("#reply-form .editor").textContent()) === "A line that stays where it is");
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
