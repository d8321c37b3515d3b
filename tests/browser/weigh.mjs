// What the inbox weighs at its first load, compressed, and how long the next conversation takes in the browser. Run it
// against a running desk, such as `anytime demo --conversations 100000`:
//   DESK=http://127.0.0.1:8080 EMAIL=… PASSWORD=… NODE_PATH=…/node_modules node tests/browser/weigh.mjs
import { finish, open, wrong } from "./support.mjs";

const { DESK: desk, EMAIL, PASSWORD } = process.env;
const { context, page } = await open();
await page.goto(`${desk}/console/sign-in`);
await page.fill("input[name=email]", EMAIL);
await page.fill("input[name=password]", PASSWORD);
await page.click("form button:not([type])");
await page.waitForURL(/\/console/);

/** Bytes on the wire, of each file, of a page that a browser opens for the first time. */
async function weight(path) {
  const fresh = await context.newPage();
  const wire = await context.newCDPSession(fresh);
  await wire.send("Network.enable");
  await wire.send("Network.clearBrowserCache");
  await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
  const names = new Map();
  const bytes = new Map();
  wire.on("Network.responseReceived", ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
  wire.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength));
  await fresh.goto(desk + path, { waitUntil: "load" });
  await fresh.waitForTimeout(500);
  await fresh.close();
  return [...bytes].map(([id, size]) => [names.get(id) ?? "?", size]).sort((a, b) => b[1] - a[1]);
}

for (const path of ["/console/all", "/portal"]) {
  const files = await weight(path);
  const sum = files.reduce((total, [, size]) => total + size, 0);
  console.log(`${path}: ${(sum / 1000).toFixed(1)} kB compressed in ${files.length} files`);
  for (const [name, size] of files.slice(0, 8)) console.log(`  ${(size / 1000).toFixed(1).padStart(6)} kB  ${name}`);
}

await page.goto(`${desk}/console/all`);
await page.locator("#conversation-rows .row-link").first().click();
await page.waitForURL(/conversations\/\d+/);
await page.waitForLoadState("load");
async function nexts(rounds, reading) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    await page.waitForTimeout(reading);
    times.push(await next());
  }
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))].toFixed(0);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms of ${rounds}`;
}

/** From the key to the picture. */
const next = () =>

  page.evaluate(
    () =>
      new Promise((resolve) => {
        const start = performance.now();
        const before = document.querySelector(".pane-main");
        const shown = new MutationObserver(() => {
          if (document.querySelector(".pane-main") === before) return;
          shown.disconnect();
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
        });
        shown.observe(document.querySelector(".desk"), { childList: true });
        document.querySelector(".neighbours [rel=next]").click();
      }),
  );

console.log(`next conversation, read for a second: ${await nexts(15, 1000)}`);
console.log(`next conversation, without a pause: ${await nexts(25, 0)}`);
if (wrong.length) console.log(`something went wrong: ${wrong.join(" ")}`);
await finish();
