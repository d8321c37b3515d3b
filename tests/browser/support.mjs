// What the journeys share: the browser, watching for errors and foreign requests, signing in.
import { createRequire } from "node:module";
import { join } from "node:path";

export const require = createRequire(join(process.env.NODE_PATH, "x.js"));
const { chromium } = require("playwright-core");
const desk = process.env.DESK;

/** Errors of the pages' consoles and requests that left the host. */
export const wrong = [];

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && wrong.push(`${message.text()} (${page.url()})`));
  page.on("pageerror", (error) => wrong.push(`${error} (${page.url()})`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(desk) && !/^(data|blob):/.test(url)) wrong.push(`left the host: ${url}`);
  });
  return { context, page };
}

export async function signIn(page, name = "ann") {
  await page.goto(`${desk}/console/sign-in`);
  await page.fill("input[name=email]", `${name}@desk.example`);
  await page.fill("input[name=password]", process.env.PASSWORD);
  await page.click("form button:not([type])");
  await page.waitForURL(/\/console/);
}

export function check(what, ok) {
  if (!ok) {
    browser.close();
    throw new Error(`not so: ${what}\n${wrong.join("\n")}`);
  }
  console.log(`ok: ${what}`);
}

export const finish = () => browser.close();
