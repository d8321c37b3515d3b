// Enhances the plain pages of console and portal: forms, drafts, files, copying, theme, menus, times.
// Everything listens on the document, so that what console.js swaps in needs no set-up.

import { attempt, keep, restoreDrafts } from "./draft.js";
import { toast } from "./toast.js";

// ---- Sending once ------------------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm;
  if (form.dataset.busy !== undefined || (question && !confirm(question))) {
    event.preventDefault();
    return;
  }
  if (event.defaultPrevented || form.method !== "post") return;
  form.dataset.busy = "";
  if (document.querySelector("[data-signed-in]")) keep(form);
  event.submitter?.setAttribute("aria-busy", "true");
  if (form.dataset.draft) attempt(() => sessionStorage.setItem("sending", form.dataset.draft));
});

// A page that comes back from the browser's cache may send again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-busy]")) delete form.dataset.busy;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest?.("textarea, .editor, .composer form")) {
    event.preventDefault();
    const form = event.target.closest("form");
    const closing = event.shiftKey && form?.querySelector("[data-send-close]");
    form?.requestSubmit(closing || form.querySelector("button:not([type=button])"));
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-autosubmit]")) event.target.form.requestSubmit();
  // A condition offers what its field can be.
  if (event.target.matches(".conditions [name=field]")) {
    event.target.parentElement.querySelector("[name=value]").setAttribute("list", `choices-${event.target.value}`);
  }
});

attempt(restoreDrafts);

// ---- Text areas that grow, where CSS (field-sizing) cannot --------------------------------------------------------

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, innerHeight * 0.6)}px`;
}

if (!CSS.supports("field-sizing", "content")) {
  document.addEventListener("input", (event) => event.target.matches("[data-autosize]") && grow(event.target));
  for (const area of document.querySelectorAll("[data-autosize]")) if (area.value) grow(area);
}

// ---- Chosen files by name and size --------------------------------------------------------------------------------

function size(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

document.addEventListener("change", (event) => {
  if (event.target.type !== "file") return;
  const items = [...event.target.files].map((file) => {
    const item = document.createElement("span");
    item.className = "file";
    item.append(Object.assign(document.createElement("span"), { textContent: file.name }));
    item.append(Object.assign(document.createElement("small"), { textContent: size(file.size) }));
    return item;
  });
  event.target.form?.querySelector("[data-files]")?.replaceChildren(...items);
});

// ---- Copy, theme, menus -------------------------------------------------------------------------------------------

async function copy(button) {
  const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
  try {
    const { copyLink, copy: text } = button.dataset;
    const link = copyLink && new URL(copyLink, location.href).href;
    await navigator.clipboard.writeText(source ? source.textContent.trim() : (link ?? text));
    toast(button.dataset.copied ?? "Copied");
  } catch {
    // No clipboard outside HTTPS: select the text, the person presses the keys.
    if (source) getSelection().selectAllChildren(source);
    toast("Copying is not allowed here. Press Ctrl+C.");
  }
}

function showTheme() {
  const theme = document.documentElement.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}

function chooseTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  attempt(() => localStorage.setItem("theme", theme));
  showTheme();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from], [data-copy-link], [data-theme-choice]");
  if (button?.dataset.themeChoice) chooseTheme(button.dataset.themeChoice);
  else if (button) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement?.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Arrows go through a menu, as everywhere.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const menu = step && event.target.closest?.("details.menu[open]");
  if (!menu || event.target.matches("input, select, textarea")) return;
  const choices = [...menu.querySelectorAll(".menu-panel :is(a, button)")].filter((choice) => choice.offsetParent);
  const at = choices.indexOf(event.target);
  event.preventDefault();
  (at < 0 ? choices.at(step > 0 ? 0 : -1) : (choices[at + step] ?? menu.querySelector("summary"))).focus();
});

document.addEventListener("click", (event) => event.target.closest?.("[data-print]") && print());

showTheme();

// ---- Times: the server's words stay, the full instant appears on hover --------------------------------------------

const full = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "full", timeStyle: "long" });

document.addEventListener("mouseover", (event) => {
  const time = event.target.closest?.("time[datetime]:not([title])");
  const instant = time && new Date(time.dateTime);
  if (instant && !Number.isNaN(instant.getTime())) time.title = full.format(instant);
});
