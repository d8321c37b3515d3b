// Keys: one table, from which the overlay and the palette's actions are made as well. Everything presses something that
// is on the page. Single keys can be switched off in the agent's profile.

import { turn } from "./compose.js";
import { element, icon, toast } from "./toast.js";

const find = (selector) => document.querySelector(selector);
const press = (selector) => find(selector)?.click();
const isOpen = () => find("[data-live=conversation]");
const isSelection = () => Boolean(find(".row-check:checked"));
const go = (href) => () => location.assign(href);

// ---- What the keys do -----------------------------------------------------------------------------------------------------

function move(step) {
  if (isOpen()) return press(step > 0 ? ".neighbours [rel=next]" : ".neighbours [rel=prev]");
  const links = [...document.querySelectorAll(".row-link")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? links[step > 0 ? 0 : links.length - 1] : links[at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function moveMessage(step) {
  const messages = [...document.querySelectorAll(".message")];
  const now = messages.findIndex((message) => message.classList.contains("message-current"));
  const next = messages[now < 0 ? (step > 0 ? 0 : messages.length - 1) : now + step];
  if (!next) return;
  messages[now]?.classList.remove("message-current");
  next.classList.add("message-current");
  next.scrollIntoView({ block: "start" });
}

function write(kind) {
  const choice = document.getElementById(`compose-${kind}`);
  if (!choice) return;
  choice.checked = true;
  document.getElementById(`${kind}-text`).focus();
  document.getElementById("composer").scrollIntoView({ block: "nearest" });
}

function answer(mode) {
  if (!turn(mode)) write("reply");
  document.getElementById("composer")?.scrollIntoView({ block: "nearest" });
}

function pickCanned() {
  const menu = document.getElementById("canned")?.closest("details");
  if (!menu) return;
  write("reply");
  menu.open = true;
  menu.querySelector("button").focus();
}

function closeAndNext() {
  const button = find("[data-close]");
  const next = find(".neighbours [rel=next]");
  if (!button) return;
  if (next) button.form.append(element("input", { type: "hidden", name: "back", value: next.getAttribute("href") }));
  button.click();
}

/** Sets a property of the open conversation, or of the selected ones. */
function set(id, bulk, value) {
  const control = document.getElementById(isSelection() ? bulk : id);
  if (!control) return;
  control.value = value;
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

const mine = () => find("[data-my-id]").dataset.myId;

function focusOn(selector) {
  const control = find(selector);
  control?.focus();
  control?.showPicker?.();
}

function rowInFocus() {
  return document.activeElement.closest?.(".row") ?? find(".row-open");
}

function select(range) {
  const box = rowInFocus()?.querySelector(".row-check");
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range }));
}

function selectAll() {
  const boxes = [...document.querySelectorAll(".row-check")];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) if (box.checked === all) box.click();
}

function theme() {
  const isDark = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  find(`[data-theme-choice="${now === "dark" ? "light" : "dark"}"]`)?.click();
}

// ---- The table ----------------------------------------------------------------------------------------------------------------

const table = [
  ["Move", [
    { key: "j", says: "Next conversation", run: () => move(1) },
    { key: "k", says: "Previous conversation", run: () => move(-1) },
    { key: "o", says: "Open (or Enter)", run: () => document.activeElement.matches?.(".row-link") && document.activeElement.click() },
    { key: "u", says: "Back to the list", run: () => press("[data-back]") },
    { key: "N", says: "Show what is new in the list", run: () => press("[data-news]") },
    { key: "n", says: "Next message", run: () => moveMessage(1) },
    { key: "p", says: "Previous message", run: () => moveMessage(-1) },
  ]],
  ["Write", [
    { key: "c", says: "New conversation", run: () => press("[data-new]") },
    { key: "r", says: "Reply", run: () => answer("reply") },
    { key: "a", says: "Reply to all", run: () => answer("all") },
    { key: "f", says: "Forward", run: () => answer("forward") },
    { key: "m", says: "Internal note", run: () => write("note") },
    { key: ";", says: "Canned message", run: pickCanned },
    { key: "Ctrl Enter", says: "Send" },
    { key: "Ctrl Shift Enter", says: "Send and close" },
  ]],
  ["Change", [
    { key: "e", says: "Close", run: () => (isSelection() ? set("", "bulk-status", "closed") : press("[data-close]")) },
    { key: "E", says: "Close and go on", run: closeAndNext },
    { key: "i", says: "Assign", run: () => focusOn(isSelection() ? "#bulk-agent" : "#p-agent") },
    { key: "I", says: "Assign to me", run: () => set("p-agent", "bulk-agent", mine()) },
    { key: "l", says: "Tags", run: () => (isSelection() ? focusOn("#bulk-tag") : find("#properties [name=tag]")?.focus()) },
    { key: "1", says: "Urgent", run: () => set("p-priority", "bulk-priority", "urgent") },
    { key: "2", says: "High priority", run: () => set("p-priority", "bulk-priority", "high") },
    { key: "3", says: "Normal priority", run: () => set("p-priority", "bulk-priority", "normal") },
    { key: "4", says: "Low priority", run: () => set("p-priority", "bulk-priority", "low") },
    { key: "s", says: "Mark read or unread", run: () => press("[data-read]") },
    { key: "h", says: "Put aside", run: () => press("[data-snooze]") },
    { key: "z", says: "Undo, or take the mail back", run: () => (find("[data-undo]") ? press("[data-undo]") : press("[data-take-back]")) },
  ]],
  ["Select", [
    { key: "x", says: "Select the row", run: () => select(false) },
    { key: "X", says: "Select up to the row", run: () => select(true) },
    { key: "*", says: "Select all or none", run: selectAll },
  ]],
  ["Go to", [
    { key: "g i", says: "All", run: go("/console/all") },
    { key: "g m", says: "My Open", run: go("/console/my-open") },
    { key: "g d", says: "My department", run: go("/console/my-department-open") },
    { key: "g u", says: "Unassigned", run: go("/console/unassigned") },
    { key: "g j", says: "Junk", run: go("/console/junk") },
    { key: "g r", says: "Reports", run: go("/console/reports") },
    { key: "g s", says: "Settings", run: go("/console/settings") },
  ]],
  ["Copy", [
    { key: ".", says: "Number", run: () => press("[data-copied='Number copied']") },
    { key: ". .", says: "Subject", run: () => press("[data-copied='Subject copied']") },
    { key: ". . .", says: "Link", run: () => press("[data-copy-link]") },
  ]],
  ["Help", [
    { key: "/", says: "Search all conversations", run: () => document.getElementById("search")?.focus() },
    { key: "Ctrl K", says: "Find or do anything" },
    { key: "?", says: "Show these keys", run: showKeys },
    { key: "", says: "Light or dark", run: theme },
  ]],
];

const bindings = table.flatMap(([, rows]) => rows).filter((row) => row.run && row.key);
const keysAreOn = () => find("[data-signed-in]")?.dataset.keys !== "off";

// ---- Overlay --------------------------------------------------------------------------------------------------------------------

const mark = (one, isAlone) => (isAlone && /^[A-Z]$/.test(one) ? `Shift ${one}` : one);
const marks = (key) => key.split(" ").flatMap((one) => [element("kbd", {}, mark(one, !key.includes("Ctrl"))), " "]);

function showKeys() {
  if (find("dialog[open]")) return;
  const groups = table.map(([name, rows]) => element("section", {}, element("h3", {}, name),
    element("dl", { className: "facts" }, ...rows.filter((row) => row.key).flatMap(({ key, says }) => [element("dt", {}, says), element("dd", {}, ...marks(key))]))));
  const off = keysAreOn() ? "" : "Single keys are switched off in your profile. ";
  const dialog = element("dialog", { className: "dialog dialog-keys", "aria-label": "Keyboard shortcuts" },
    element("h2", {}, "Keyboard shortcuts"), element("div", { className: "key-groups" }, ...groups),
    element("form", { method: "dialog", className: "actions" },
      element("p", { className: "faint" }, off, element("a", { href: "/console/settings/profile" }, keysAreOn() ? "Switch single keys off" : "Switch them on")),
      element("button", { className: "button", autofocus: true }, "Done")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// ---- Palette --------------------------------------------------------------------------------------------------------------------

function openPalette() {
  if (find("dialog[open]")) return;
  const input = element("input", { type: "text", role: "combobox", placeholder: "Find or do…", autocomplete: "off", "aria-label": "Find or do", "aria-controls": "palette-options", "aria-expanded": "true", "aria-autocomplete": "list" });
  const options = element("div", { className: "options", id: "palette-options", role: "listbox", "aria-label": "Found" });
  const dialog = element("dialog", { className: "palette", "aria-label": "Find or do" }, element("div", { className: "palette-head" }, input, element("kbd", {}, "Esc")), options);
  let timer = null;
  let asked = 0;
  let shown = null;

  const all = () => [...options.querySelectorAll(".option")];
  const choose = (index) => {
    const found = all();
    if (!found.length) return input.removeAttribute("aria-activedescendant");
    const at = (index + found.length) % found.length;
    found.forEach((option, position) => {
      option.id = `palette-${position}`;
      option.setAttribute("aria-selected", String(position === at));
    });
    found[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found[at].id);
  };
  const chosen = () => all().findIndex((option) => option.getAttribute("aria-selected") === "true");

  const actions = (words) => {
    const rows = table.flatMap(([, rows]) => rows).filter((row) => row.run && row.run !== openPalette && row.says.toLowerCase().includes(words));
    const made = rows.slice(0, words ? 8 : 5).map((row) => {
      const option = element("div", { className: "option", role: "option" }, element("span", {}, row.says), element("small", {}, row.key));
      option.addEventListener("click", () => {
        dialog.close();
        row.run();
      });
      return option;
    });
    return made.length ? [element("div", { className: "option-group", role: "presentation" }, "Do"), ...made] : [];
  };

  const everywhere = (words) => {
    const href = `/console/search?q=${encodeURIComponent(words)}`;
    return words ? [element("a", { className: "option", role: "option", tabIndex: -1, href }, icon("search"), element("span", {}, `Search all conversations for “${words}”`), element("small", {}, "/"))] : [];
  };

  const show = async () => {
    const words = input.value.trim().toLowerCase();
    const ask = ++asked;
    options.replaceChildren(...actions(words));
    choose(0);
    const response = await fetch(`/console/palette?words=${encodeURIComponent(words)}`, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (ask !== asked || !response.ok) return;
    shown = words;
    options.replaceChildren(...page.body.childNodes, ...actions(words), ...everywhere(words));
    choose(0);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show().catch(() => {}), 90);
  });
  // Enter means what was typed, not what an earlier answer shows.
  const enter = async () => {
    clearTimeout(timer);
    if (shown !== input.value.trim().toLowerCase()) await show().catch(() => {});
    all()[chosen()]?.click();
  };
  dialog.addEventListener("keydown", (event) => {
    const act = { ArrowDown: () => choose(chosen() + 1), ArrowUp: () => choose(chosen() - 1), Enter: enter }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  show().catch(() => toast("The server cannot be reached"));
}

// ---- Listening --------------------------------------------------------------------------------------------------------------------

let typed = "";
let pending = null;

function run(sequence) {
  const binding = bindings.find(({ key }) => key === sequence);
  const isPrefix = bindings.some(({ key }) => key.startsWith(`${sequence} `));
  clearTimeout(pending);
  const fire = () => {
    typed = "";
    binding?.run();
  };
  if (!isPrefix) return fire();
  typed = sequence;
  pending = setTimeout(fire, binding ? 400 : 1200);
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return openPalette();
    }
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");
    if (event.key === "Escape" && typing?.matches("textarea, input, .editor")) return event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !keysAreOn()) return;
    const sequence = typed ? `${typed} ${event.key}` : event.key;
    const isKnown = bindings.some(({ key }) => key === sequence || key.startsWith(`${sequence} `));
    if (!isKnown) {
      typed = "";
      return;
    }
    event.preventDefault();
    run(sequence);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-shortcuts]")) showKeys();
    if (event.target.closest?.("[data-palette]")) openPalette();
  });
}
