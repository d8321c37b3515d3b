// Text that was not sent yet is kept for this tab until the server took it: a lost session, a closed laptop or a wrong
// key lose nothing.

import { toast } from "./toast.js";

// Storage throws where it is switched off or full; nothing here is worth an error.
export const attempt = (action) => {
  try {
    return action();
  } catch {
    return null;
  }
};

const textOf = (form) => form.querySelector("textarea");

/** A page for signed-in people that does not show the form again as refused: the text has arrived. */
const arrived = (key) =>
  document.querySelector("[data-signed-in]") && !document.querySelector(`form[data-draft="${CSS.escape(key)}"][data-refused]`);

// ---- A form that was sent after its session had ended ---------------------------------------------------------------------

const KEPT = "sent form";
const actionOf = (form) => form.getAttribute("action") ?? location.pathname;
const isTyped = (form) => ([name, value]) => typeof value === "string" && name !== "csrf" && form.elements.namedItem(name)?.type !== "password";

/** Keeps what a form sends until a page tells what became of it; `isOver`: that it was too late. */
export function keep(form, isOver = false) {
  const fields = [...new FormData(form)].filter(isTyped(form));
  attempt(() => sessionStorage.setItem(KEPT, JSON.stringify({ action: actionOf(form), fields, isOver })));
}

function fill(form, fields) {
  const left = new Map();
  for (const [name, value] of fields) left.set(name, [...(left.get(name) ?? []), value]);
  for (const control of form.elements) {
    const values = left.get(control.name) ?? [];
    if (/^(checkbox|radio)$/.test(control.type)) control.checked = values.includes(control.value);
    else if (control.type === "select-multiple") for (const option of control.options) option.selected = values.includes(option.value);
    else if (values.length && !/^(hidden|file|password|submit|button)$/.test(control.type)) control.value = values.shift();
  }
  const rich = form.querySelector("[data-rich]");
  if (rich && left.get("html")?.[0]) {
    rich.defaultValue = rich.value;
    [rich.dataset.html] = left.get("html");
  }
}

/** After the sign-in the form stands there again as it was sent. */
function restoreSent() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept) return;
  if (document.querySelector("[data-session-over]")) return sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, isOver: true }));
  if (!document.querySelector("[data-signed-in]")) return;
  const form = kept.isOver && [...document.forms].find((form) => form.method === "post" && actionOf(form) === kept.action);
  if (kept.isOver && !form) return;
  sessionStorage.removeItem(KEPT);
  if (!form) return;
  fill(form, kept.fields);
  if (form.dataset.autosave !== undefined) form.requestSubmit();
  else toast("What you had written is here again. It has not been sent yet.");
}

export function restoreDrafts() {
  restoreSent();
  const sent = sessionStorage.getItem("sending");
  sessionStorage.removeItem("sending");
  if (sent && arrived(sent)) sessionStorage.removeItem(`draft:${sent}`);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const text = textOf(form);
    const draft = sessionStorage.getItem(`draft:${form.dataset.draft}`);
    if (draft && text.value === "") text.value = draft;
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.dataset.draft || event.target !== textOf(form)) return;
  const key = `draft:${form.dataset.draft}`;
  attempt(() => (event.target.value ? sessionStorage.setItem(key, event.target.value) : sessionStorage.removeItem(key)));
});
