// An agent's journey: sign in, read a mail, answer with a file, write a note, assign, close. The same with JavaScript
// on and off.
import { writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, finish, open, wrong } from "./support.mjs";

const desk = process.env.DESK;
const javaScriptEnabled = process.env.JAVASCRIPT !== "off";
const { page } = await open({ javaScriptEnabled });

await page.goto(`${desk}/console`);
check("strangers are led to the sign-in page", page.url().includes("/console/sign-in"));
await page.fill("input[name=email]", "ann@desk.example");
await page.fill("input[name=password]", "wrong password here");
await page.click("form button[type=submit], form button:not([type])");
check("a wrong password is refused on the same page", page.url().includes("/console/sign-in"));
check("the address is still filled in", (await page.inputValue("input[name=email]")) === "ann@desk.example");
await page.fill("input[name=password]", process.env.PASSWORD);
await page.click("form button[type=submit], form button:not([type])");
wrong.length = 0; // the refused password was a 4xx answer, which the browser's console tells
await page.goto(`${desk}/console/all`);
check("the inbox shows the mail", (await page.textContent("#conversation-rows")).includes("My chain broke"));
await page.click("#conversation-rows a.row-link");
await page.waitForURL(/conversations\/1/);
check("the conversation opens", page.url().includes("/console/conversations/1"));

await page.locator("iframe.mail-frame").waitFor();
check("the mail is shown in a frame", true);
const body = await page.frameLocator("iframe.mail-frame").locator("body").innerHTML();
check("its HTML is shown", body.includes("<b>chain</b>"));
check("its script is gone", !body.includes("<script"));
check("no script of the mail ran", (await page.title()) !== "owned");

const folder = mkdtempSync(join(tmpdir(), "desk-"));
writeFileSync(join(folder, "invoice.txt"), "one chain, free of charge");
const reply = page.locator("#reply-form");
await page.locator("#reply-text").fill("Hello Lena,\n\nwe send you a new one.\n\nAnn");
await reply.locator("input[type=file]").setInputFiles(join(folder, "invoice.txt"));
await reply.locator("[data-send]").click();
await page.waitForURL(/conversations\/1(#|$|\?)/);
check("the answer is in the thread", (await page.textContent("#thread")).includes("we send you a new one."));
check("its file is there", (await page.textContent("#thread")).includes("invoice.txt"));

await page.locator("label[for=compose-note]").click();
await page.locator("#note-text").fill("The third one this month.");
await page.locator("form:has(#note-text)").locator("button[type=submit], button:not([type])").last().click();
await page.waitForURL(/conversations\/1(#|$|\?)/);
check("the note is in the thread", (await page.textContent("#thread")).includes("The third one this month."));

const properties = page.locator("#properties form[action$='/properties']").first();
await properties.locator("select[name=agent]").selectOption({ label: "Ann (me)" });
if (!javaScriptEnabled) {
  await properties.locator("select[name=status]").selectOption("closed");
  await properties.locator("button[type=submit], button:not([type])").first().click();
} else {
  await page.waitForFunction(() => document.querySelector("#thread").textContent.includes("took this"));
  await properties.locator("select[name=status]").selectOption("closed");
}
await page.locator("#headline .status-closed").first().waitFor();
check("it is closed", true);
check("nothing went wrong on the way", wrong.length === 0);
await finish();
