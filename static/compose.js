// The composer: the shared draft is saved while somebody types, recipients say why they are there, files can be dropped
// and pasted, @ offers colleagues. Without this file the same forms work.

import { attempt } from "./draft.js";
import { element } from "./toast.js";

const SAVE_AFTER = 1500;
const RETRY_AFTER = 5000;

const form = () => document.querySelector("form[data-save]");

// ---- Draft ----------------------------------------------------------------------------------------------------------------

let timer = null;
let running = null;
let isDirty = false;

function say(text, isBad = false) {
  const place = document.getElementById("draft-state");
  if (!place) return;
  place.textContent = text;
  place.classList.toggle("draft-bad", isBad);
}

function fields(from) {
  const data = new URLSearchParams();
  for (const [key, value] of new FormData(from)) if (typeof value === "string") data.append(key, value);
  return data;
}

async function save() {
  const target = form();
  timer = null;
  if (!target || !isDirty || target.dataset.busy !== undefined) return;
  isDirty = false;
  running = new AbortController();
  try {
    const response = await fetch(target.dataset.save, { method: "POST", body: fields(target), signal: running.signal });
    if (!response.ok) throw new Error(response.statusText);
    const text = await response.text();
    if (target.isConnected) say(text);
  } catch (error) {
    if (error.name === "AbortError") return;
    isDirty = true;
    say("Not saved, trying again", true);
    timer = setTimeout(save, RETRY_AFTER);
  }
  running = null;
}

document.addEventListener("input", (event) => {
  const target = form();
  if (!target || event.target.form !== target || event.target.type === "file") return;
  isDirty = true;
  timer ??= setTimeout(save, SAVE_AFTER);
});

// What is sent is no draft any more: a save on its way must not make one again.
document.addEventListener("submit", (event) => {
  if (event.target !== form() || event.defaultPrevented) return;
  clearTimeout(timer);
  timer = null;
  isDirty = false;
  running?.abort();
});

export function stopComposer() {
  const target = form();
  clearTimeout(timer);
  timer = null;
  if (target && isDirty) navigator.sendBeacon(target.dataset.save, fields(target));
  isDirty = false;
}

addEventListener("pagehide", stopComposer);

// ---- Rich text: the editor comes when somebody begins to write ----------------------------------------------------------------

const PLAIN = "plain text";
const isPlain = () => attempt(() => localStorage.getItem(PLAIN)) === "1";
const showPlain = () => document.documentElement.toggleAttribute("data-plain", isPlain());
showPlain();

async function enrich(area) {
  if (area.rich || area.dataset.loading !== undefined || isPlain()) return;
  area.dataset.loading = "";
  try {
    const { enrich } = await import("./editor.js");
    if (area.isConnected) enrich(area);
  } catch {
    // Without the editor the textarea does.
  }
  delete area.dataset.loading;
}

document.addEventListener("focusin", (event) => event.target.matches?.("textarea[data-rich]") && enrich(event.target));

// The editor's button, and the way back in the textarea's own bar.
document.addEventListener("plain", (event) => {
  attempt(() => localStorage.setItem(PLAIN, "1"));
  event.target.rich?.leave();
  showPlain();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-enrich]");
  if (!button) return;
  attempt(() => localStorage.removeItem(PLAIN));
  showPlain();
  enrich(button.form.querySelector("[data-rich]"));
});

export function startComposer() {
  isDirty = false;
  showRecipients();
}

// ---- Recipients -----------------------------------------------------------------------------------------------------------

function addresses(input) {
  const parts = input.value.split(/[,;]/).map((part) => part.trim()).filter(Boolean);
  return parts.map((part) => /<([^>]+)>/.exec(part)?.[1].trim() ?? part);
}

let known = new Map();

function showRecipients() {
  const place = document.getElementById("people");
  if (!place) return;
  if (!place.dataset.read) {
    known = new Map([...place.children].map((chip) => [chip.dataset.address.toLowerCase(), chip.dataset]));
    place.dataset.read = "1";
  }
  const inputs = [...document.querySelectorAll(".reply-form [data-recipients]")];
  place.replaceChildren(...inputs.flatMap((input) => addresses(input).map((address) => chip(input, address))));
}

function chip(input, address) {
  const person = known.get(address.toLowerCase());
  const why = person?.new === undefined ? person?.why : undefined;
  const where = input.name === "cc" ? "Cc: " : "";
  const remove = element("button", { type: "button", "aria-label": `Take ${address} off` }, "×");
  remove.addEventListener("click", () => {
    input.value = addresses(input).filter((other) => other !== address).join(", ");
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  });
  const text = why ?? (person ? "nobody has written to them before" : "not part of this conversation yet");
  return element("li", { className: why ? "chip" : "chip chip-warn" },
    element("span", {}, where + address), element("small", {}, text), remove);
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-recipients]")) showRecipients();
});

// ---- Reply, reply all, forward ----------------------------------------------------------------------------------------------

export function turn(mode) {
  const button = document.querySelector(`.composer-modes [value="${mode}"]`);
  if (!button) return false;
  const target = form();
  document.querySelector("#compose-reply").checked = true;
  target.elements.to.value = button.dataset.to;
  target.elements.cc.value = button.dataset.cc;
  target.elements.subject.value = button.dataset.subject;
  target.elements.mode.value = mode;
  target.elements.status.value = mode === "forward" ? "keep" : "pendingExternal";
  target.elements.body.required = mode !== "forward";
  document.getElementById("composer").dataset.mode = mode;
  for (const other of document.querySelectorAll(".composer-modes button")) other.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  showRecipients();
  (mode === "forward" ? target.elements.to : target.elements.body).focus();
  return true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".composer-modes button");
  if (button && turn(button.value)) event.preventDefault();
});

// ---- Files by drop and paste ------------------------------------------------------------------------------------------------

function attach(area, files) {
  const input = area.closest("form")?.querySelector("input[type=file]");
  if (!input || !files.length) return false;
  const all = new DataTransfer();
  for (const file of [...input.files, ...files]) all.items.add(file);
  input.files = all.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

document.addEventListener("dragover", (event) => {
  const area = event.target.closest?.("[data-drop]");
  if (!area || ![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  area.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => event.target.classList?.remove("dropping"));
document.addEventListener("drop", (event) => {
  const area = event.target.closest?.("[data-drop]");
  area?.classList.remove("dropping");
  if (area && attach(area, event.dataTransfer.files)) event.preventDefault();
});
document.addEventListener("paste", (event) => {
  const area = event.target.closest?.("[data-drop]");
  if (area && attach(area, event.clipboardData.files)) event.preventDefault();
});

// ---- A list at the caret: colleagues after @, and whatever else registers ------------------------------------------------------

let popup = null;

function closePopup() {
  popup?.box.remove();
  popup?.area.removeAttribute("aria-activedescendant");
  popup = null;
}

function choose(index) {
  popup.at = (index + popup.options.length) % popup.options.length;
  popup.options.forEach((option, at) => option.setAttribute("aria-selected", String(at === popup.at)));
  popup.options[popup.at].scrollIntoView({ block: "nearest" });
  popup.area.setAttribute("aria-activedescendant", popup.options[popup.at].id);
}

function insert(area, from, text) {
  area.setRangeText(text, from, area.selectionStart, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Offers `items` ({ name, detail, text }) in place of the text from `from` to the caret; `put` takes the chosen text. */
export function offer(area, from, items, put) {
  closePopup();
  if (!items.length) return;
  const options = items.map((item, index) => {
    const option = element("div", { className: "option", id: `offer-${index}`, role: "option" },
      element("span", {}, item.name), element("small", {}, item.detail ?? ""));
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(index);
    });
    return option;
  });
  const box = element("div", { className: "popup" }, element("div", { className: "options", role: "listbox" }, ...options));
  area.after(box);
  popup = { area, from, items, options, box, put, at: 0 };
  choose(0);
}

async function take(index) {
  const { area, from, items, put } = popup;
  const to = area.selectionStart;
  closePopup();
  const { text } = items[index];
  const chosen = typeof text === "function" ? await text() : text;
  if (put) return put(chosen);
  area.setRangeText(chosen, from, to, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("keydown", (event) => {
  if (!popup || event.target !== popup.area) return;
  const act = { ArrowDown: () => choose(popup.at + 1), ArrowUp: () => choose(popup.at - 1), Enter: () => take(popup.at), Tab: () => take(popup.at), Escape: closePopup }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}, true);

document.addEventListener("input", (event) => {
  const area = event.target;
  if (!area.matches?.("[data-mentions]")) return;
  const before = area.value.slice(0, area.selectionStart);
  const found = /(?:^|\s)@([\p{L}\p{N}.-]*(?: [\p{L}.-]*)?)$/u.exec(before);
  if (!found) return closePopup();
  const typed = found[1].toLowerCase();
  const names = [...document.querySelectorAll("#agent-names li")].map((item) => item.textContent);
  const matching = names.filter((name) => name.toLowerCase().includes(typed)).slice(0, 8);
  if (matching.length === 1 && matching[0].toLowerCase() === typed) return closePopup();
  offer(area, before.length - found[1].length, matching.map((name) => ({ name, text: `${name} ` })));
});

document.addEventListener("focusout", (event) => event.target === popup?.area && setTimeout(closePopup, 150));

// ---- Canned messages: from the menu, or after / at the start of a word or :: -----------------------------------------------------

const canned = () => [...document.querySelectorAll("#canned button")];

async function cannedText(button) {
  const conversation = document.querySelector("[data-live=conversation]").dataset.conversation;
  const response = await fetch(`/console/conversations/${conversation}/canned/${button.value}`);
  return response.ok ? response.text() : "";
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("#canned button");
  if (!button) return;
  event.preventDefault();
  button.closest("details").open = false;
  const area = document.getElementById("reply-text");
  const text = await cannedText(button);
  area.focus();
  if (area.rich) area.rich.insert(text);
  else insert(area, area.selectionStart, text);
});

document.addEventListener("input", (event) => {
  const area = event.target;
  if (area.id !== "reply-text") return;
  const place = area.rich?.root ?? area;
  const before = area.rich?.before() ?? area.value.slice(0, area.selectionStart);
  const found = /(?:^|\s)(\/|::)([\p{L}\p{N} -]{0,30})$/u.exec(before);
  if (!found) return popup?.area === place && closePopup();
  const typed = found[2].toLowerCase();
  const fits = (button) => `${button.dataset.shortcutsText} ${button.textContent}`.toLowerCase().includes(typed);
  const items = canned().filter(fits).slice(0, 8).map((button) => ({
    name: button.querySelector("span").textContent,
    detail: button.dataset.shortcutsText,
    text: () => cannedText(button),
  }));
  const count = found[1].length + found[2].length;
  offer(place, before.length - count, items, area.rich && ((text) => area.rich.replace(count, text)));
});
