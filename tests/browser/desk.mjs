// An agent at a wide screen, by keyboard: the list beside the conversation, drafts, a colleague who looks and writes,
// an answer that crosses another one, selection with undo, palette and overlay.
import { check, finish, open, saved, signIn, wrong } from "./support.mjs";

const desk = process.env.DESK;
const { page } = await open();
await signIn(page);
await page.goto(`${desk}/console/all`);

await page.keyboard.press("j");
check("j stands on the first row", await page.evaluate(() => document.activeElement.matches(".row-link")));
await page.keyboard.press("o");
await page.waitForURL(/conversations\/\d+/);
check("the list stands beside the conversation", await page.locator(".pane-list .row").first().isVisible());
const first = page.url();
await page.keyboard.press("j");
await page.waitForFunction((first) => location.href !== first, first);
check("j goes on to the next conversation", page.url() !== first);
await page.goBack();
await page.waitForFunction((first) => location.href === first, first);
check("back returns to the one before", await page.locator(".row-open").count() === 1);

await page.goto(`${desk}/console/conversations/1?filter=all`);
// The editor comes while one writes, and goes on where the textarea was.
await page.evaluate(() => (document.getElementById("reply-text").value = "Hello "));
await page.keyboard.press("r");
await page.locator("#composer .editor").waitFor();
await saved(page, "Hello Lena, a draft", () => page.keyboard.type("Lena, a draft"));
check("the draft is saved on the server", true);
await page.reload();
check("and stands there after a reload", (await page.inputValue("#reply-text")) === "Hello Lena, a draft");

const colleague = await open();
await signIn(colleague.page, "ben");
await colleague.page.goto(`${desk}/console/conversations/1?filter=all`);
check("the colleague sees the draft, and whose it is", (await colleague.page.textContent("#draft-state")).includes("Draft by Ann"));
await page.locator("#presence .viewer").waitFor({ timeout: 20000 });
check("each sees that the other looks", (await page.textContent("#presence")).includes("Ben"));
await colleague.page.keyboard.press("m");
const note = colleague.page.locator(".note-form .editor");
await note.waitFor();
await colleague.page.keyboard.type("I ");
await colleague.page.keyboard.press("Control+b");
await colleague.page.keyboard.type("look");
await colleague.page.keyboard.press("Control+b");
await colleague.page.keyboard.type(" into it @");
const offered = colleague.page.locator("#offer");
await offered.waitFor();
const all = await offered.locator(".option").count();
await colleague.page.keyboard.type("an");
await colleague.page.waitForFunction((all) => document.querySelectorAll("#offer .option").length < all, all);
check("@ offers colleagues, those whose names begin so first", (await offered.locator("[aria-selected=true]").textContent()).trim() === "Ann");
const told = await note.evaluate((editor) => ["aria-controls", "aria-activedescendant", "aria-autocomplete"].map((name) => editor.getAttribute(name)).join());
check("a screen reader is told which one is chosen", told === "offer,offer-0,list");
await colleague.page.keyboard.press("Escape");
check("Escape closes the list and nothing else", (await offered.count()) === 0 && (await note.textContent()).endsWith("@an"));
await colleague.page.keyboard.press("Backspace");
await offered.waitFor();
await colleague.page.keyboard.press("ArrowDown");
await colleague.page.keyboard.press("ArrowUp");
await colleague.page.keyboard.press("Enter");
await colleague.page.keyboard.type("please");
check("Enter takes one, and writing goes on behind it", (await colleague.page.inputValue("#note-text")) === "I look into it @Ann please");
await colleague.page.keyboard.press("Control+Enter");
await colleague.page.waitForURL(/#message-/);
await page.locator("#thread").getByText("I look into it").waitFor();
check("the note appears with the other agent without a reload", true);
const said = page.locator("#thread .message-note").last();
check("it keeps its marks, and tells whom it mentions", (await said.innerHTML()).includes("<b>look</b>") && (await said.textContent()).includes("mentions Ann"));

wrong.length = 0;
await page.locator("#reply-text").focus();
await page.keyboard.press("Control+Enter");
await page.getByText("Something came in while you wrote").waitFor();
check("an answer that has not seen the note is held back", (await page.inputValue("#reply-text")) === "Hello Lena, a draft");
wrong.length = 0; // the refusal is a 4xx answer, which the browser's console tells
await page.locator("#reply-text").focus();
await page.keyboard.press("Control+Enter");
await page.waitForURL(/#message-/);
check("sent again, it goes out", (await page.textContent("#thread")).includes("Hello Lena, a draft"));
check("and the draft is gone", (await page.inputValue("#reply-text")) === "");

await page.waitForLoadState("load");
await page.keyboard.press("f");
await page.waitForFunction(() => document.getElementById("reply-subject").value.startsWith("Fwd: "));
check("f begins a forward", true);
await page.keyboard.press("Escape");

await page.goto(`${desk}/console/all`);
await page.keyboard.press("j");
await page.keyboard.press("x");
await page.keyboard.press("1");
await page.locator("[data-undo]").waitFor();
check("a selection is changed at once", (await page.textContent(".toast")).includes("1 conversation changed"));
check("the row shows it", await page.locator(".row .priority-urgent").count() === 1);
await page.waitForLoadState("load");
await page.keyboard.press("z");
await page.getByText("Taken back").waitFor();
await page.waitForLoadState("load");
check("z takes it back", await page.locator(".row .priority-urgent").count() === 0);

await page.keyboard.press("?");
await page.locator(".dialog-keys").waitFor();
check("? shows every key", (await page.textContent(".dialog-keys")).includes("Send and close"));
await page.keyboard.press("Escape");
await page.keyboard.press("Control+k");
await page.locator(".palette .option").first().waitFor();
await page.keyboard.type("broke");
await page.locator(".palette a.option").getByText("My chain broke").waitFor();
check("the palette finds conversations by their words", (await page.locator(".palette a.option").last().textContent()).includes("Search all conversations"));
await page.locator(".palette input").fill("tags");
await page.locator(".palette a.option").getByText("Tags", { exact: true }).waitFor();
await page.keyboard.press("Enter");
await page.waitForURL(/settings\/tags/);
check("the palette leads to settings", true);
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
