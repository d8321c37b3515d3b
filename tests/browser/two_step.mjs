// Where two steps are required: the first thing after signing in is to set them up, by keyboard, in both themes and widths.
import { readFileSync } from "node:fs";
import { check, finish, open, require, wrong } from "./support.mjs";

const desk = process.env.DESK;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), tags);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(`${what} is accessible ${violations.map(({ id }) => id)}`, violations.length === 0 && wide <= 1);
}

for (const [width, colorScheme] of [[1440, "light"], [390, "dark"]]) {
  const { page, context } = await open({ colorScheme, viewport: { width, height: 844 } });
  await page.goto(`${desk}/console/sign-in?next=/console/all`);
  await accessible(page, "the sign-in page");
  await page.fill("#email", "ben@desk.example");
  await page.fill("#password", process.env.PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/console/sign-in/two-step");
  await accessible(page, "the explanation");
  await page.locator("main form .button-primary").focus();
  await page.keyboard.press("Enter");
  await page.locator(".qr svg").waitFor();
  await accessible(page, "the picture and the key");
  await page.locator("#code").fill("000000");
  await page.keyboard.press("Enter");
  await page.locator(".field-problem").waitFor();
  await accessible(page, "a refused code");
  await page.goto(`${desk}/console/all`);
  check("nothing else opens", new URL(page.url()).pathname === "/console/sign-in/two-step");
  await context.close();
}
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.every((text) => text.includes("400")));
await finish();
