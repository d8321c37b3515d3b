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

/** By the keyboard alone: Tab until the focus is on `selector`; Shift+Tab when `isBack`. */
export async function tabTo(page, selector, isBack = false) {
  for (let count = 0; count < 150; count += 1) {
    if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
    await page.keyboard.press(isBack ? "Shift+Tab" : "Tab");
  }
  check(`the keyboard comes to ${selector}`, false);
}

/** Does `act`, and waits until the server has taken a draft that holds `text`. */
export async function saved(page, text, act) {
  const holds = (request) => new URLSearchParams(request.postData() ?? "").get("body")?.includes(text);
  const answer = page.waitForResponse((response) => response.url().endsWith("/draft") && holds(response.request()));
  await act();
  await answer;
  await page.waitForFunction(() => document.getElementById("draft-state").textContent.startsWith("Saved"));
}

/** What moved by itself since the last time this was asked: layout shifts that followed no input. */
export const shifts = (page) =>
  page.evaluate(() => {
    window.shifted ??= [];
    if (!window.watchesShifts) {
      window.watchesShifts = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if (!entry.hadRecentInput) window.shifted.push(entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join(" "));
        }
      });
      window.watchesShifts.observe({ type: "layout-shift" });
    }
    return window.shifted.splice(0);
  });

/** A change by somebody else, through the API. */
export async function call(method, path, body) {
  const authorization = `Basic ${Buffer.from(process.env.KEY).toString("base64")}`;
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(`${desk}/api/v3${path}`, { method, headers, body: JSON.stringify(body) });
  check(`${method} ${path} answers ${answer.status}`, answer.ok);
  return answer.status === 204 ? null : answer.json();
}

export const finish = () => browser.close();
