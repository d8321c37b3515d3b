// The composer: the shared draft is saved while somebody types, recipients say why they are there, files can be dropped
// and pasted, @ offers colleagues. Without this file the same forms work.

import { attempt } from "./draft.js";
import { before, closeOffer, offer, put } from "./offer.js";
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
    if (!area.isConnected) return;
    enrich(area);
    suggest(area);
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

// ---- At the caret: colleagues after @, canned messages after / at the start of a word or :: -------------------------------------

/** Those whose words have what was typed; where a word begins with it, first. */
function ranked(items, words, typed) {
  const begins = (item) => ` ${words(item).toLowerCase()}`.includes(` ${typed}`);
  const found = items.filter((item) => words(item).toLowerCase().includes(typed));
  return [...found.filter(begins), ...found.filter((item) => !begins(item))];
}

const colleagues = (typed) => ranked([...document.querySelectorAll("#agent-names li")].map((item) => item.textContent), (name) => name, typed);

const canned = (typed) =>
  ranked([...document.querySelectorAll("#canned button")], (button) => `${button.dataset.shortcutsText} ${button.querySelector("span").textContent}`, typed);

async function cannedText(button) {
  const conversation = document.querySelector("[data-live=conversation]").dataset.conversation;
  const response = await fetch(`/console/conversations/${conversation}/canned/${button.value}`);
  return response.ok ? response.text() : "";
}

function suggest(area) {
  const text = before(area);
  const mention = area.matches("[data-mentions]") && /(?:^|\s)@([\p{L}\p{N}.'-]*(?: [\p{L}.'-]*)?)$/u.exec(text);
  if (mention) {
    const typed = mention[1].toLowerCase();
    const names = colleagues(typed);
    // A name that is written out needs no list: Enter means a new line then.
    const isDone = names.length === 1 && names[0].toLowerCase() === typed.trimEnd();
    return offer(area, "Colleagues", mention[1].length, isDone ? [] : names.map((name) => ({ name, text: `${name} ` })));
  }
  const mark = area.id === "reply-text" && /(?:^|\s)(\/|::)([\p{L}\p{N} -]{0,30})$/u.exec(text);
  if (!mark) return closeOffer();
  const typed = mark[2].toLowerCase();
  const items = canned(typed).map((button) => ({
    name: button.querySelector("span").textContent,
    detail: button.dataset.shortcutsText,
    text: () => cannedText(button),
  }));
  offer(area, "Canned messages", mark[1].length + typed.length, items);
}

document.addEventListener("input", (event) => event.target.matches?.("#reply-text, [data-mentions]") && suggest(event.target));

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("#canned button");
  if (!button) return;
  event.preventDefault();
  button.closest("details").open = false;
  const area = document.getElementById("reply-text");
  const text = await cannedText(button);
  area.focus();
  put(area, 0, text);
});
