// A customer's journey: ask for a link, sign in by one, write with a file, answer, close, reopen.
import { createRequire } from "node:module";
import { writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_PATH, "x.js"));
const { chromium } = require("playwright-core");
const desk = process.env.DESK;
const javaScriptEnabled = process.env.JAVASCRIPT !== "off";

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 390, height: 844 } });
const page = await context.newPage();
const wrong = [];
page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
page.on("pageerror", (error) => wrong.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(desk) && !request.url().startsWith("data:")) wrong.push(`left the host: ${request.url()}`);
});

const check = (what, ok) => {
  if (!ok) throw new Error(`not so: ${what} (at ${page.url()})\n${wrong.join("\n")}`);
  console.log(`ok: ${what}`);
};
const submit = (form) => form.locator("button[type=submit], button:not([type])").first().click();

try {
  await page.goto(`${desk}/portal/conversations`);
  check("strangers are led to the sign-in page", page.url().includes("/portal/sign-in"));
  await page.fill("input[name=email]", "nobody@elsewhere.example");
  // The form takes nobody for a person who sends it within a second; it comes back filled in.
  do {
    await submit(page.locator("form:has(input[name=email])").first());
  } while ((await page.textContent("main")).includes("very fast"));
  wrong.length = 0;
  check("an unknown address gets the same answer", /mail/i.test(await page.textContent("main")));

  await page.goto(`${desk}/portal/sign-in/${process.env.TOKEN}`);
  await submit(page.locator("main form").first());
  await page.waitForURL(/portal\/(conversations|$)/);
  check("the link signs in", (await page.textContent("main")).includes("My chain broke"));

  const folder = mkdtempSync(join(tmpdir(), "desk-"));
  writeFileSync(join(folder, "photo.txt"), "a picture in words");
  await page.goto(`${desk}/portal/conversations/new`);
  await page.fill("input[name=subject]", "My bell does not ring");
  await page.fill("textarea[name=body]", "It only says plop.");
  await page.setInputFiles("input[type=file]", join(folder, "photo.txt"));
  await submit(page.locator("form:has(textarea[name=body])"));
  await page.waitForURL(/portal\/conversations\/2/);
  check("the conversation is there", (await page.textContent("main")).includes("It only says plop."));
  check("with its file", (await page.textContent("main")).includes("photo.txt"));

  await page.fill("textarea[name=body]", "Now it says nothing at all.");
  await submit(page.locator("form:has(textarea[name=body])"));
  await page.waitForURL(/portal\/conversations\/2/);
  check("the answer is there", (await page.textContent("main")).includes("Now it says nothing at all."));
  await submit(page.locator("form[action$='/close']"));
  await page.locator("form[action$='/reopen']").waitFor();
  check("it is closed", true);
  await submit(page.locator("form[action$='/reopen']"));
  await page.locator("form[action$='/close']").waitFor();
  check("it is open again", true);
  const foreign = await page.goto(`${desk}/portal/conversations/99`);
  check("what is not there is not found", foreign.status() === 404);
  check("nothing went wrong on the way", wrong.filter((text) => !text.includes("404")).length === 0);
} finally {
  await browser.close();
}
