// Without a mouse: a customer's way through the portal, from left to right and from right to left, wide and narrow, and an
// agent's way through the settings of their account. Whatever has the focus shows it. Pages that only people who are not
// signed in see, and those of a password, are looked at by axe-core here.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, finish, open, require, wrong } from "./support.mjs";

const desk = process.env.DESK;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const photo = join(mkdtempSync(join(tmpdir(), "desk-")), "photo.txt");
writeFileSync(photo, "a picture in words");

/** Presses Tab until what `selector` names has the focus, which has to be seen. */
async function reach(page, selector) {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate((selector) => {
      const element = document.activeElement;
      if (!element?.matches(selector)) return null;
      const style = getComputedStyle(element);
      return style.outlineStyle !== "none" || style.boxShadow !== "none";
    }, selector);
    if (seen !== null) return check(`the focus shows on ${selector}`, seen);
  }
  check(`the keyboard reaches ${selector} at ${page.url()}`, false);
}

async function press(page, selector, key = "Enter") {
  await reach(page, selector);
  await page.keyboard.press(key);
}

async function type(page, selector, text) {
  await reach(page, selector);
  await page.keyboard.type(text);
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, iframes: false }), tags);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(`${what} is accessible and as wide as the screen ${found.join("\n")}`, found.length === 0 && wide <= 1);
}

const visitors = JSON.parse(process.env.VISITORS);
for (const [locale, width, colorScheme] of [["en-GB", 1440, "dark"], ["ar-JO", 390, "light"]]) {
  const { page, context } = await open({ locale, colorScheme, viewport: { width, height: width < 500 ? 844 : 900 } });
  const [email, token] = visitors.shift();
  await page.goto(`${desk}/portal/sign-in/${token}`);
  await accessible(page, "the page of the link");
  await press(page, "main form button");
  await page.waitForURL(/portal\/conversations$/);
  const direction = await page.evaluate(() => getComputedStyle(document.body).direction);
  check(`${locale} is written ${direction}`, direction === (locale.startsWith("ar") ? "rtl" : "ltr"));
  const [brand, nav] = await Promise.all([".portal-brand", ".portal-nav"].map((one) => page.locator(one).boundingBox()));
  check("the name stands where lines begin", brand.y !== nav.y || brand.x < nav.x === (direction === "ltr"));

  await press(page, ".portal-nav a[href$='/conversations/new']");
  await page.waitForURL(/conversations\/new/);
  await type(page, "#subject", `A bell in ${locale}`);
  await type(page, "#body", "It only says plop.");
  await reach(page, "select[name^=field-]");
  await page.keyboard.type("Lamp");
  await reach(page, "#file");
  await page.setInputFiles("#file", photo);
  await press(page, "main form .actions button");
  await page.waitForURL(/conversations\/\d+/);
  check("the request is there, with its file", (await page.textContent(".talk")).includes("photo.txt"));
  await accessible(page, "the request");

  await type(page, "#body", "Now it says nothing at all.");
  await press(page, "main form[data-draft] .actions button");
  await page.locator(".talk", { hasText: "Now it says nothing at all." }).waitFor();
  check("the answer is there", true);
  await press(page, "form[action$='/close'] button");
  await page.locator("form[action$='/reopen']").waitFor();
  await press(page, "form[action$='/reopen'] button");
  await page.locator("form[action$='/close']").waitFor();
  check("it was closed and is open again", true);

  await press(page, ".portal-nav a[href$='/account']");
  await page.waitForURL(/portal\/account/);
  await accessible(page, "the account");
  await type(page, "#password", "short");
  await page.keyboard.press("Enter");
  await page.locator("#password-problem").waitFor();
  await accessible(page, "a refused password");
  wrong.splice(0, Infinity, ...wrong.filter((text) => !text.includes("400")));
  await type(page, "#password", "three green bicycles");
  await page.keyboard.press("Enter");
  await page.waitForURL(/done=set/);
  await accessible(page, "the account with a password");
  await press(page, "form[action='/portal/sign-out'] button");
  await page.waitForURL(/portal$/);
  await accessible(page, "the portal's first page");
  await press(page, "main a[href*='sign-in/password']");
  await page.waitForURL(/sign-in\/password/);
  await type(page, "#email", email);
  await type(page, "#password", "two green bicycles");
  await page.keyboard.press("Enter");
  await page.locator(".banner-bad").waitFor();
  await accessible(page, "a refused sign-in");
  wrong.splice(0, Infinity, ...wrong.filter((text) => !text.includes("400")));
  await type(page, "#password", "three green bicycles");
  await page.keyboard.press("Enter");
  await page.waitForURL(/portal\/conversations$/);
  check("a password signs in", (await page.textContent("main")).includes(`A bell in ${locale}`));
  await context.close();
}

const { page, context } = await open();
await page.goto(`${desk}/console/sign-in?next=/console/settings/profile`);
await page.locator("#email").focus();
await page.keyboard.type("ann@desk.example");
await type(page, "#password", process.env.PASSWORD);
await page.keyboard.press("Enter");
await page.waitForURL((url) => url.pathname.endsWith("/settings/profile"));
await reach(page, "main input[name=displayName]");
await page.keyboard.press("Control+a");
await page.keyboard.type("Ann Bell");
await page.keyboard.press("Enter");
await page.locator(".rail", { hasText: "Ann Bell" }).waitFor();
check("the profile is saved", (await page.inputValue("main input[name=displayName]")) === "Ann Bell");
await page.goto(`${desk}/console/settings/notifications`);
const before = await page.isChecked("input[name=byMail][value=replied]");
await press(page, "input[name=byMail][value=replied]", "Space");
await Promise.all([page.waitForEvent("load"), press(page, "main .button-primary")]);
check("a notice is switched", (await page.isChecked("input[name=byMail][value=replied]")) !== before);
await page.goto(`${desk}/console/settings/security`);
await reach(page, "#password");
await page.keyboard.type(process.env.PASSWORD);
await page.keyboard.press("Enter");
await page.locator(".qr svg").waitFor();
check("an authenticator app can be set up", true);
await press(page, "button[formaction$='/two-step/cancel']");
await page.locator(".qr").waitFor({ state: "detached" });
await context.close();
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
