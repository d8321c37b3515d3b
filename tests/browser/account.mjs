// An agent's account: two-step sign-in with an authenticator app, where one is signed in, what one is told; and the mail
// catcher of a demo, with and without JavaScript.
import { createHmac } from "node:crypto";
import { check, finish, open, signIn, wrong } from "./support.mjs";

const desk = process.env.DESK;

/** The code of RFC 6238 for a key in base32. */
function code(base32, at) {
  let bits = "";
  for (const letter of base32.replaceAll(" ", "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
}

for (const javaScriptEnabled of [true, false]) {
  const { page, context } = await open({ javaScriptEnabled });
  await signIn(page);
  await page.goto(`${desk}/console/all`);
  await page.locator(".rail").getByText("Demo mail").click();
  await page.getByRole("button", { name: "New customer mail" }).click();
  await page.getByText("opened a conversation").waitFor();
  await page.getByRole("link", { name: /Open #/ }).click();
  await page.waitForURL(/\/console\/conversations\//);
  check("a button brings a customer's mail", (await page.locator("#thread").count()) === 1);

  await page.goto(`${desk}/console/settings/security`);
  await page.fill("#password", process.env.PASSWORD);
  await page.getByRole("button", { name: "Set up" }).click();
  await page.locator(".qr svg").waitFor();
  const key = await page.textContent("#totp-secret");
  await page.fill("#code", code(key, Date.now()));
  await page.getByRole("button", { name: "Turn on" }).click();
  const codes = (await page.textContent("#codes")).trim().split(/\s+/);
  check("ten recovery codes are shown once", codes.length === 10);

  const other = await open({ javaScriptEnabled, viewport: { width: 390, height: 844 } });
  await other.page.goto(`${desk}/console/sign-in`);
  await other.page.fill("input[name=email]", "ann@desk.example");
  await other.page.fill("input[name=password]", process.env.PASSWORD);
  await other.page.click("form button:not([type])");
  await other.page.waitForURL(/sign-in\/code/);
  await other.page.fill("#code", codes[0]);
  await other.page.getByRole("button", { name: "Sign in" }).click();
  await other.page.waitForURL((url) => !url.pathname.includes("sign-in"));
  check("password and code let in", true);

  await page.goto(`${desk}/console/settings/security`);
  check("both browsers are listed, with this one marked", (await page.getByText("Chrome on Linux").count()) >= 2 && (await page.getByText("This one").count()) === 1);
  await page.locator(".disclosure summary").click();
  await page.fill("#password", process.env.PASSWORD);
  await page.fill("#code", codes[1]);
  if (javaScriptEnabled) page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("button", { name: "Set up" }).waitFor();
  check("it is turned off with password and code", true);

  await page.goto(`${desk}/console/settings/notifications`);
  const box = page.getByLabel("Somebody mentions you: by mail");
  await box.setChecked(!(await box.isChecked()));
  const wanted = await box.isChecked();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForLoadState();
  check("what is chosen stays chosen", (await page.getByLabel("Somebody mentions you: by mail").isChecked()) === wanted);
  await context.close();
  await other.context.close();
}

// A notice appears in an open console without a reload.
const { page, context } = await open();
// A browser that may notify; what it would show is kept.
await page.addInitScript(() => {
  window.told = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, options) {
      Object.assign(this, { title }, options);
      window.told.push(this);
    }
    close() {}
  };
});
await signIn(page, "ben");
await page.goto(`${desk}/console/all`);
const ann = await open();
await signIn(ann.page);
await ann.page.goto(`${desk}/console/conversations/1?filter=all`);
await ann.page.selectOption("#p-agent", { label: "Ben" });
await page.locator(".toast", { hasText: "Ann gave you a conversation" }).waitFor({ timeout: 20000 });
check("an open console says that a conversation was given to its agent", true);

// When nobody looks at it, the browser says so.
await page.evaluate(() => {
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
});
const given = async (label) => {
  const saved = ann.page.waitForResponse((response) => response.url().endsWith("/properties"));
  await ann.page.selectOption("#p-agent", { label });
  await saved;
};
await given("Nobody");
await given("Ben");
await page.waitForFunction(() => window.told.length);
const [told] = await page.evaluate(() => window.told.map(({ title, body }) => ({ title, body })));
check("the browser tells of it to who looks elsewhere", told.title.includes("Ann gave you a conversation") && told.body === "My chain broke");
await page.evaluate(() => window.told[0].onclick());
await page.waitForURL(/conversations\/1/);
check("and leads to the conversation", true);
await context.close();
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
